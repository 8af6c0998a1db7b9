using System.Text;
using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Native.Tests.Interop;

public sealed class LogLineAssemblerTests
{
    private readonly List<(ggml_log_level Level, string Line)> _lines = [];
    private readonly LogLineAssembler _assembler;

    public LogLineAssemblerTests() => _assembler = new LogLineAssembler((level, line) => _lines.Add((level, line)));

    [Fact]
    public void ALineIsDeliveredAtItsEnd()
    {
        _assembler.Append(ggml_log_level.WARN, "whole\n"u8);
        Assert.Equal([(ggml_log_level.WARN, "whole")], _lines);
    }

    [Fact]
    public void ContinuationsJoinAndKeepTheFirstLevel()
    {
        _assembler.Append(ggml_log_level.ERROR, "one "u8);
        _assembler.Append(ggml_log_level.CONT, "two "u8);
        _assembler.Append(ggml_log_level.CONT, "three\n"u8);
        Assert.Equal([(ggml_log_level.ERROR, "one two three")], _lines);
    }

    [Fact]
    public void ANewMessageEndsAnUnfinishedOne()
    {
        _assembler.Append(ggml_log_level.INFO, "......"u8);
        _assembler.Append(ggml_log_level.WARN, "next\n"u8);
        Assert.Equal([(ggml_log_level.INFO, "......"), (ggml_log_level.WARN, "next")], _lines);
    }

    [Fact]
    public void OnePieceMayHoldSeveralLines()
    {
        _assembler.Append(ggml_log_level.INFO, "a\n\nb\nc"u8);
        Assert.Equal(["a", "b"], _lines.Select(line => line.Line));
    }

    [Fact]
    public void ACharacterSplitBetweenPiecesIsWhole()
    {
        _assembler.Append(ggml_log_level.INFO, [0xC3]);
        _assembler.Append(ggml_log_level.CONT, [0xA9, (byte)'\n']);
        Assert.Equal("é", Assert.Single(_lines).Line);
    }

    [Fact]
    public void AnEndlessLineIsCut()
    {
        _assembler.Append(ggml_log_level.INFO, Encoding.ASCII.GetBytes(new string('x', (2 * LogLineAssembler.MaximumLine) + 1)));
        Assert.Equal([LogLineAssembler.MaximumLine, LogLineAssembler.MaximumLine], _lines.Select(line => line.Line.Length));
    }
}
