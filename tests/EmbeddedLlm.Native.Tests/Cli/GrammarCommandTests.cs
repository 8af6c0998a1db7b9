using System.Text;

namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class GrammarCommandTests
{
    private const string Schema = """{"properties": {"n": {"type": "integer", "minimum": 3}, "of": {"enum": ["x", "y"]}}, "required": ["n"], "additionalProperties": false}""";

    [Theory]
    [InlineData("""{"n":3}""", "fits", 0)]
    [InlineData("{ \"of\" : \"\\u0078\",\r\n \"n\" : 1e2 }\n", "fits", 0)]
    [InlineData("""{"n":2}""", "does not fit: line 1, column 7 needs something else", 1)]
    [InlineData("{\"of\":\"x\",\n \"é\":1}", "does not fit: line 2, column 3 needs something else", 1)]
    [InlineData("""{"n":3""", "does not fit: it ends too early", 1)]
    [InlineData("", "does not fit: it ends too early", 1)]
    public async Task AnInstanceOfASchemaIsToldFromOtherText(string instance, string verdict, int exitCode)
    {
        using TemporaryFolder folder = new();
        CliResult result = await CliProcess.RunWithInputAsync(instance, "grammar", "check", "--schema", folder.Write("schema.json", Encoding.UTF8.GetBytes(Schema)));
        Assert.Equal(($"-: {verdict}", "", exitCode), (result.Output.TrimEnd(), result.Error, result.ExitCode));
    }

    [Fact]
    public async Task EachInstanceIsALineAndTheWorstDecidesTheExitCode()
    {
        using TemporaryFolder folder = new();
        string grammar = folder.Write("list.gbnf", "root ::= (\"- \" [a-z]+ \"\\n\")+"u8);
        string fits = folder.Write("fits.txt", "- one\n- two\n"u8);
        string other = folder.Write("other.txt", "- One\n"u8);
        CliResult result = await CliProcess.RunWithInputAsync("- three\n", "grammar", "check", "--grammar", grammar, fits, other, "-");
        string[] lines = [$"{fits}: fits", $"{other}: does not fit: line 1, column 3 needs something else", "-: fits"];
        Assert.Equal(lines, result.Output.TrimEnd().ReplaceLineEndings("\n").Split('\n'));
        Assert.Equal(("", 1), (result.Error, result.ExitCode));
    }

    [Theory]
    [InlineData("abcb", "fits", 0)]
    [InlineData("abcb\n", "does not fit, for the line break at its end", 1)]
    [InlineData("xabc", "does not fit: line 1, column 1 needs something else", 1)]
    public async Task ARegularExpressionIsForTheWholeText(string instance, string verdict, int exitCode)
    {
        CliResult result = await CliProcess.RunWithInputAsync(instance, "grammar", "check", "--regex", "a[bc]+");
        Assert.Equal(($"-: {verdict}", exitCode), (result.Output.TrimEnd(), result.ExitCode));
    }

    [Theory]
    [InlineData("--grammar", "root ::= \"a\n", "The literal is not closed. (line 1, column 10)")]
    [InlineData("--grammar", "root ::= x", "The rule 'x' is not defined. (line 1, column 10)")]
    [InlineData("--schema", "{\n \"type\": }", "It is not JSON (line 2, byte 10).")]
    [InlineData("--schema", "{\"type\": \"numbr\"}", "numbr")]
    [InlineData("--schema", "{\"$ref\": \"https://example.org/other\"}", "'$ref' at '#'")]
    public async Task WhatIsWrongWithAGrammarIsToldWithItsFileAndPlace(string option, string content, string message)
    {
        using TemporaryFolder folder = new();
        string file = folder.Write("grammar", Encoding.UTF8.GetBytes(content));
        CliResult result = await CliProcess.RunAsync("grammar", "check", option, file);
        Assert.Equal(("", 2), (result.Output, result.ExitCode));
        Assert.StartsWith($"error: {file}: ", result.Error);
        Assert.Contains(message, result.Error);
    }

    [Fact]
    public async Task AMissingInstanceDoesNotKeepTheOthersFromBeingJudged()
    {
        using TemporaryFolder folder = new();
        CliResult result = await CliProcess.RunAsync("grammar", "check", "--regex", "a", "no-such-file", folder.Write("a.txt", "a"u8));
        Assert.EndsWith("a.txt: fits", result.Output.TrimEnd());
        Assert.Contains("no-such-file", result.Error);
        Assert.Equal(2, result.ExitCode);
    }

    [Theory]
    [InlineData("grammar", "check")]
    [InlineData("grammar", "check", "--regex", "a", "--schema", "s.json")]
    [InlineData("generate", "Hello")]
    [InlineData("generate", "Hello", "--grammar", "g.gbnf", "--regex", "a")]
    public async Task ExactlyOneLanguageIsNeeded(params string[] arguments)
    {
        CliResult result = await CliProcess.RunAsync(arguments);
        Assert.Equal(("", 2), (result.Output, result.ExitCode));
        Assert.StartsWith("error: One of --schema, --grammar and --regex is needed, and only one.", result.Error);
    }
}
