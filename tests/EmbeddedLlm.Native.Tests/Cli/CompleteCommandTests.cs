namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class CompleteCommandTests(StarterModelFixture starter)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhatTheModelAddsIsAloneOnStandardOutput()
    {
        string expected = (await starter.Model.CompleteAsync("Count to five: 1, 2,", new() { Temperature = 0, MaxOutputTokens = 8 }, Cancel)).Text;
        CliResult result = await CliProcess.RunAsync("complete", "Count to five: 1, 2,", "--temperature", "0", "--max-tokens", "8");
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(expected.TrimEnd(), result.Output.TrimEnd());
        Assert.Contains("answer ", result.Error);
    }

    [Fact]
    public async Task AModelThatCannotFillAGapIsAFailure()
    {
        CliResult result = await CliProcess.RunAsync("complete", "a", "--suffix", "b");
        Assert.StartsWith("error: The model cannot fill a gap", result.Error);
        Assert.Equal(("", 1), (result.Output, result.ExitCode));
    }

    [Fact]
    public async Task AnEmptyPromptIsAUsageError()
    {
        CliResult result = await CliProcess.RunAsync("complete", "");
        Assert.StartsWith("error: The prompt is empty.", result.Error);
        Assert.Equal(2, result.ExitCode);
    }
}
