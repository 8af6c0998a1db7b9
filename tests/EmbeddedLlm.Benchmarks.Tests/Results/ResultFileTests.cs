using System.Text.Json.Nodes;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Tests.Results;

public sealed class ResultFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WhatIsWrittenIsRead()
    {
        ResultFile written = Sample.File(
            Sample.Figure with { Low = 97, High = 104 },
            Sample.Figure with { Unit = FigureUnit.Ratio, Value = 0.99, Least = null, Greatest = null, Samples = 1, Target = 0.98, Remark = "a \"remark\"", Settings = "KV cache Q8_0" },
            Sample.Figure with { Unit = FigureUnit.Microseconds, Value = 20, Least = 20, Greatest = 20, Model = null, Threads = null });
        string path = _folder.File("results.json");

        written.Write(path);
        ResultFile read = ResultFile.Read(path);

        Assert.Equal(written.Figures, read.Figures);
        Assert.Equal(written.Date, read.Date);
        Assert.Equal(written.Machine with { Gpus = [] }, read.Machine with { Gpus = written.Machine.Gpus });
        Assert.Equal(written.Versions, read.Versions);
        Assert.Equal(written.Remarks, read.Remarks);
        Assert.Equal(["results.json"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void AFileCutAtAnyByteIsRefused()
    {
        string path = _folder.File("results.json");
        Sample.File(Sample.Figure).Write(path);
        byte[] whole = File.ReadAllBytes(path);
        string cut = _folder.File("cut.json");
        for (int length = 0; length < whole.AsSpan().LastIndexOf((byte)'}'); length += 7)
        {
            File.WriteAllBytes(cut, whole[..length]);
            Assert.Throws<InvalidDataException>(() => ResultFile.Read(cut));
        }
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("""{"format":1}""")]
    [InlineData("\u0001\u0002 no JSON at all")]
    public void WhatIsNoFileOfResultsIsRefused(string text)
    {
        string path = _folder.File("other.json");
        File.WriteAllText(path, text);

        InvalidDataException failure = Assert.Throws<InvalidDataException>(() => ResultFile.Read(path));

        Assert.Contains(path, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("format", "2")]
    [InlineData("format", "0")]
    [InlineData("machine", "null")]
    [InlineData("figures", "null")]
    [InlineData("figures", "[null]")]
    [InlineData("remarks", "[null]")]
    [InlineData("versions", """{"EmbeddedLlm":null}""")]
    [InlineData("date", "\"yesterday\"")]
    public void AMemberThatMakesNoSenseIsRefused(string member, string value)
    {
        string path = Change(file => file[member] = JsonNode.Parse(value));

        Assert.Throws<InvalidDataException>(() => ResultFile.Read(path));
    }

    [Theory]
    [InlineData("unit", "\"furlongs\"")]
    [InlineData("value", "\"NaN\"")]
    [InlineData("value", "1e999")]
    [InlineData("value", "null")]
    [InlineData("subject", "null")]
    [InlineData("contender", "{}")]
    [InlineData("least", "101")]
    [InlineData("greatest", "99")]
    [InlineData("low", "101")]
    [InlineData("low", "94")]
    [InlineData("high", "99")]
    [InlineData("high", "1e999")]
    [InlineData("unit", "99")]
    [InlineData("unit", "\"99\"")]
    [InlineData("least", "-1e999")]
    [InlineData("greatest", "1e999")]
    [InlineData("target", "1e999")]
    [InlineData("samples", "0")]
    [InlineData("samples", "-7")]
    public void AFigureThatMakesNoSenseIsRefused(string member, string value)
    {
        string path = Change(file => file["figures"]![0]![member] = JsonNode.Parse(value));

        Assert.Throws<InvalidDataException>(() => ResultFile.Read(path));
    }

    [Theory]
    [InlineData("processor")]
    [InlineData("gpus")]
    public void AMachineOfWhichAPartIsMissingIsRefused(string member)
    {
        string path = Change(file => file["machine"]!.AsObject().Remove(member));

        Assert.Contains(member, Assert.Throws<InvalidDataException>(() => ResultFile.Read(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatMayBeLeftOutHasItsDefault()
    {
        string path = Change(file =>
        {
            file.AsObject().Remove("remarks");
            file.AsObject().Remove("command");
            file["figures"]![0]!.AsObject().Remove("samples");
        });

        ResultFile read = ResultFile.Read(path);

        Assert.Empty(read.Remarks);
        Assert.Null(read.Command);
        Assert.Equal(1, Assert.Single(read.Figures).Samples);
    }

    [Fact]
    public void AFigureThatIsThereTwiceIsRefused()
    {
        string path = Change(file => file["figures"]!.AsArray().Add(file["figures"]![0]!.DeepClone()));

        InvalidDataException failure = Assert.Throws<InvalidDataException>(() => ResultFile.Read(path));

        Assert.Contains("twice", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AMemberOfALaterVersionOfTheFormatIsIgnored()
    {
        string path = Change(file => file["weather"] = "fine");

        Assert.Equal(Sample.Figure, Assert.Single(ResultFile.Read(path).Figures));
    }

    [Fact]
    public void WhatCannotBeWrittenLeavesTheFileOfBefore()
    {
        string path = _folder.File("results.json");
        Sample.File(Sample.Figure).Write(path);

        Assert.Throws<ArgumentException>(() => Sample.File(Sample.Figure with { Value = double.NaN }).Write(path));

        Assert.Equal(100, Assert.Single(ResultFile.Read(path).Figures).Value);
    }

    private string Change(Action<JsonNode> change)
    {
        string path = _folder.File("changed.json");
        Sample.File(Sample.Figure).Write(path);
        JsonNode file = JsonNode.Parse(File.ReadAllText(path))!;
        change(file);
        File.WriteAllText(path, file.ToJsonString());
        return path;
    }
}
