using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Native.Tests.Cli;

/// <summary>Ends of an answer that come from outside, seen on a model whose most likely token is never the end.</summary>
public sealed class InterruptionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _model;

    public InterruptionTests()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals and broken pipes are told to processes in another way on Windows.");
        _model = _folder.PathOf("endless.gguf");
        SyntheticModel.Write(_model, SyntheticShape.Tiny with { ContextLength = 1 << 20 }, SyntheticVocabulary.ByteLevel(512));
    }

    [Fact]
    public async Task AnInterruptEndsTheAnswerAndKeepsWhatIsPrinted()
    {
        using CliProcess process = StartChat();
        char first = await ReadFirstAsync(process);
        process.Interrupt();
        CliResult result = await process.EndAsync();
        Assert.Equal((130, "stopped"), (result.ExitCode, result.Error.TrimEnd()));
        Assert.EndsWith("\n", first + result.Output);
    }

    [Fact]
    public async Task AReaderThatGoesEndsTheProgramInSilence()
    {
        using CliProcess process = StartChat();
        await ReadFirstAsync(process);
        process.CloseOutput();
        CliResult result = await process.EndAsync();
        Assert.Equal((141, ""), (result.ExitCode, result.Error));
    }

    public void Dispose() => _folder.Dispose();

    private CliProcess StartChat() =>
        CliProcess.Start("chat", "Hello", "--model", _model, "--context", "200000", "--temperature", "0");

    private static async Task<char> ReadFirstAsync(CliProcess process)
    {
        char[] first = new char[1];
        Assert.Equal(1, await process.Output.ReadAsync(first, TestContext.Current.CancellationToken));
        return first[0];
    }
}
