using System.Globalization;

namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class ChatCommandTests
{
    private static string AnswerLine => "1, 2, 3, 4, 5." + Environment.NewLine;

    [Fact]
    public async Task TheAnswerIsAloneOnStandardOutput()
    {
        CliResult result = await CliProcess.RunAsync("chat", "Count to five.");
        Assert.Equal((AnswerLine, 0), (result.Output.ReplaceLineEndings(), result.ExitCode));
    }

    [Fact]
    public async Task TheFiguresAreOneLineOnStandardError()
    {
        CliResult result = await CliProcess.RunAsync("chat", "Count to five.");
        Assert.Matches(@"^prompt \d+ tokens, [\d.,]+ tok/s; answer \d+ tokens, [\d.,]+ tok/s; first token [\d.,]+ ms\r?\n$", result.Error);
    }

    [Fact]
    public async Task QuietWritesNothingToStandardError()
    {
        CliResult result = await CliProcess.RunAsync("chat", "Count to five.", "--quiet");
        Assert.Equal("", result.Error);
    }

    [Theory]
    [InlineData("Count to five.")]
    [InlineData("Count to five.\n")]
    [InlineData("Count to five.\r\n")]
    [InlineData("\uFEFFCount to five.\n")]
    public async Task WithoutAPromptStandardInputIsThePrompt(string input)
    {
        CliResult result = await CliProcess.RunWithInputAsync(input, "chat");
        Assert.Equal((AnswerLine, 0), (result.Output.ReplaceLineEndings(), result.ExitCode));
    }

    [Fact]
    public async Task AGivenPromptLeavesStandardInputUnread()
    {
        CliResult result = await CliProcess.RunWithInputAsync("What is the capital of France?", "chat", "Count to five.");
        Assert.Equal(AnswerLine, result.Output.ReplaceLineEndings());
    }

    [Fact]
    public async Task AnAnswerCutShortSaysSo()
    {
        CliResult result = await CliProcess.RunAsync("chat", "Count to five.", "--max-tokens", "3");
        Assert.Contains("answer 3 tokens", result.Error);
        Assert.EndsWith("finish reason length", result.Error.TrimEnd());
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task TheSameSeedGivesTheSameAnswer()
    {
        string[] arguments = ["chat", "Tell me a story.", "--temperature", "2", "--top-k", "0", "--top-p", "1", "--min-p", "0", "--seed", "7", "--quiet"];
        CliResult first = await CliProcess.RunAsync(arguments);
        CliResult second = await CliProcess.RunAsync(arguments);
        Assert.Equal(first.Output, second.Output);
        Assert.NotEmpty(first.Output);
        CliResult other = await CliProcess.RunAsync([.. arguments, "--max-tokens", "20", "--temperature", "0"]);
        Assert.NotEqual(first.Output, other.Output);
    }

    [Fact]
    public async Task TheSystemTextIsPartOfThePrompt()
    {
        CliResult without = await CliProcess.RunAsync("chat", "Hello", "--max-tokens", "1");
        CliResult with = await CliProcess.RunAsync("chat", "Hello", "--max-tokens", "1", "--system", "You are a helpful assistant.");
        Assert.True(PromptTokens(with) > PromptTokens(without), $"{without.Error}{with.Error}");

        static int PromptTokens(CliResult result) => int.Parse(result.Error.Split(' ')[1], CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task VerboseShowsTheNativeLog()
    {
        CliResult result = await CliProcess.RunAsync("chat", "Count to five.", "--verbose");
        Assert.Contains("llama_model_loader", result.Error);
        Assert.Equal(AnswerLine, result.Output.ReplaceLineEndings());
    }

    [Fact]
    public async Task AMissingModelIsAFailureInOneLine()
    {
        CliResult result = await CliProcess.RunAsync("chat", "Hello", "--model", "no-such-model");
        Assert.Equal(("", 1), (result.Output, result.ExitCode));
        Assert.StartsWith("error: 'no-such-model' is neither a file nor a name in the catalogue", result.Error);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task AFileThatIsNoModelIsAFailureWithoutAStackTrace()
    {
        using TemporaryFolder folder = new();
        CliResult result = await CliProcess.RunAsync("chat", "Hello", "--model", folder.Write("no.gguf", "nonsense"u8));
        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("error: ", result.Error);
        Assert.DoesNotContain("   at ", result.Error);
    }

    [Fact]
    public async Task VerboseShowsWhereAFailureHappened()
    {
        CliResult result = await CliProcess.RunAsync("chat", "Hello", "--model", "no-such-model", "--verbose");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("   at EmbeddedLlm.", result.Error);
    }

    [Fact]
    public async Task APromptBeyondTheContextIsAFailureWithBothCounts()
    {
        CliResult result = await CliProcess.RunAsync("chat", "Count to five. Count to six.", "--context", "8");
        Assert.Equal(1, result.ExitCode);
        Assert.Matches("has [0-9]+ tokens and the context holds 8,", result.Error);
    }

    [Fact]
    public async Task InputThatIsNotUtf8IsAFailure()
    {
        using CliProcess process = CliProcess.Start("chat");
        process.Input.BaseStream.Write([(byte)'H', 0xFD]);
        CliResult result = await process.EndAsync();
        Assert.Equal(("error: Standard input is not text in UTF-8.", 1), (result.Error.TrimEnd(), result.ExitCode));
    }
}
