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

    [Theory]
    [InlineData("2>&-")]
    [InlineData("2>/dev/full")]
    public async Task AnAnswerIsCompleteWhereNobodyCanReadItsFigures(string redirection)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || !redirection.Contains("full", StringComparison.Ordinal), "Only Linux has a device that is full.");
        using CliProcess process = CliProcess.StartProgram("sh", "-c", $"exec \"$0\" \"$@\" {redirection}", CliProcess.Path, "chat", "Count to five.");
        CliResult result = await process.EndAsync();
        Assert.Equal(("1, 2, 3, 4, 5.\n", 0), (result.Output, result.ExitCode));
    }

    [Theory]
    [InlineData(2, "chat", "--bogus")]
    [InlineData(1, "chat", "Hello", "--model", "nowhere.gguf")]
    public async Task AnExitCodeIsTheSameWhereNobodyCanReadTheError(int code, params string[] arguments)
    {
        using CliProcess process = CliProcess.StartProgram("sh", ["-c", "exec \"$0\" \"$@\" 2>&-", CliProcess.Path, .. arguments]);
        Assert.Equal(code, (await process.EndAsync()).ExitCode);
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
