namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class UsageTests
{
    [Theory]
    [InlineData("Unknown option '--bogus'.", "chat", "--bogus")]
    [InlineData("Unknown option '-x'.", "chat", "Hello", "-x")]
    [InlineData("Unknown option '--chatml'.", "info", "--chatml")]
    [InlineData("--temperature takes a number of at least 0, not '-1'.", "chat", "Hello", "--temperature", "-1")]
    [InlineData("--temperature takes a number of at least 0, not '0,5'.", "chat", "Hello", "--temperature", "0,5")]
    [InlineData("--temperature takes a number of at least 0, not 'NaN'.", "chat", "Hello", "--temperature", "NaN")]
    [InlineData("--top-p takes a number above 0 and at most 1, not '0'.", "chat", "Hello", "--top-p", "0")]
    [InlineData("--min-p takes a number of at least 0 and at most 1, not '1.5'.", "chat", "Hello", "--min-p", "1.5")]
    [InlineData("--top-k takes a whole number of at least 0, not '1.5'.", "chat", "Hello", "--top-k", "1.5")]
    [InlineData("--max-tokens takes a whole number of at least 1, not '0'.", "chat", "Hello", "--max-tokens", "0")]
    [InlineData("--context takes a whole number of at least 2, not '1'.", "chat", "Hello", "--context", "1")]
    [InlineData("--threads takes a whole number of at least 1, not 'many'.", "info", "--threads", "many")]
    [InlineData("--lora takes the path of a .gguf file, and perhaps a colon and a finite number behind it, not ':1'.", "chat", "Hello", "--lora", ":1")]
    [InlineData("--lora takes the path of a .gguf file, and perhaps a colon and a finite number behind it, not 'a.gguf:NaN'.", "chat", "Hello", "--lora", "b.gguf", "--lora", "a.gguf:NaN")]
    [InlineData("--share takes a number of at least 0, not 'NaN'.", "chat", "Hello", "--share", "1", "--share", "NaN")]
    [InlineData("--share takes a number of at least 0, not 'half'.", "chat", "Hello", "--share", "half")]
    [InlineData("--context takes a whole number of at least 2 and at most 2147483647, not '99999999999'.", "chat", "Hello", "--context", "99999999999")]
    [InlineData("--seed takes a whole number of at least -9223372036854775808 and at most 9223372036854775807, not '9223372036854775808'.", "chat", "Hello", "--seed", "9223372036854775808")]
    [InlineData("--model takes a text that is not empty.", "chat", "Hello", "--model", "")]
    [InlineData("--stop takes a text that is not empty.", "complete", "Hello", "--stop", "a", "--stop", "")]
    [InlineData("MODEL takes a text that is not empty.", "pull", "")]
    [InlineData("MODEL takes a text that is not empty.", "verify", "")]
    [InlineData("MODEL takes a text that is not empty.", "inspect", "")]
    [InlineData("MODEL takes a text that is not empty.", "bench", "")]
    [InlineData("OUT takes a text that is not empty.", "quantize", "a.gguf", "", "Q8_0")]
    [InlineData("Argument '7' not recognized.", "chat", "Hello", "--split", "7")]
    [InlineData("Argument '99' not recognized.", "fit", "starter", "--keys", "99")]
    [InlineData("Required argument missing for option: '--model'.", "chat", "Hello", "--model")]
    [InlineData("Unrecognized command or argument 'to'.", "chat", "Count", "to")]
    [InlineData("Unrecognized command or argument 'chta'.", "chta")]
    [InlineData("The prompt is empty.", "chat", " ")]
    [InlineData("The prompt is empty.", "chat")]
    public async Task AWrongCommandLineIsNamedOnStandardError(string error, params string[] arguments)
    {
        CliResult result = await CliProcess.RunAsync(arguments);
        Assert.Equal(("", 2), (result.Output, result.ExitCode));
        Assert.StartsWith($"error: {error}", result.Error);
    }

    [Fact]
    public async Task AWrongCommandLineIsToldWhereTheHelpIs()
    {
        CliResult result = await CliProcess.RunAsync("chat", "--bogus");
        Assert.EndsWith("See 'embeddedllm chat --help'.", result.Error.TrimEnd());
    }

    [Theory]
    [InlineData("Words that belong together need quotation marks around them.", "chat", "Count", "to", "five.")]
    [InlineData("A model is named with --model.", "chat", "starter", "Count to five.")]
    public async Task WordsTooManyGetAHint(string hint, params string[] arguments) => Assert.Contains(hint, (await CliProcess.RunAsync(arguments)).Error);

    [Fact]
    public async Task BehindTwoDashesAPromptMayLookLikeAnOption()
    {
        CliResult result = await CliProcess.RunAsync("chat", "--max-tokens", "1", "--", "--bogus");
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task WithoutACommandTheHelpIsOnStandardError()
    {
        CliResult result = await CliProcess.RunAsync();
        Assert.Equal(("", 2), (result.Output, result.ExitCode));
        Assert.Contains("embeddedllm [command] [options]", result.Error);
    }

    [Fact]
    public async Task HelpAskedForIsOnStandardOutput()
    {
        CliResult result = await CliProcess.RunAsync("chat", "--help");
        Assert.Equal(("", 0), (result.Error, result.ExitCode));
        Assert.Contains("embeddedllm chat [<PROMPT>] [options]", result.Output);
    }

    [Fact]
    public async Task HelpIsGivenForAWrongCommandLineToo()
    {
        CliResult result = await CliProcess.RunAsync("chat", "--bogus", "--temperature", "x", "--help");
        Assert.Equal(("", 0), (result.Error, result.ExitCode));
    }

    [Fact]
    public async Task TheVersionIsTheLibrarys()
    {
        CliResult result = await CliProcess.RunAsync("--version");
        Assert.Equal(typeof(EmbeddedModel).Assembly.GetName().Version!.ToString(3), result.Output.Trim());
    }
}
