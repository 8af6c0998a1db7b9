using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class GenerateCommandTests
{
    private static readonly byte[] s_schema = """
        {
          "type": "object",
          "properties": { "n": { "type": "integer", "minimum": 10, "maximum": 99 }, "of": { "enum": ["apples", "pears"] } },
          "required": ["n", "of"],
          "additionalProperties": false
        }
        """u8.ToArray();

    [Fact]
    public async Task AnInstanceOfTheSchemaIsAloneOnStandardOutput()
    {
        using TemporaryFolder folder = new();
        CliResult result = await CliProcess.RunAsync("generate", "How many?", "--schema", folder.Write("schema.json", s_schema));
        Assert.Equal(0, result.ExitCode);
        using JsonDocument answer = JsonDocument.Parse(result.Output);
        Assert.Equal(["n", "of"], answer.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.InRange(answer.RootElement.GetProperty("n").GetInt32(), 10, 99);
        Assert.Contains(answer.RootElement.GetProperty("of").GetString(), (string[])["apples", "pears"]);
        Assert.Contains("answer ", result.Error);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData(""", "additionalProperties": true""", true)]
    public async Task AnAnswerHasOtherPropertiesThanTheSchemaNamesOnlyWhereItSpeaksOfThem(string more, bool hasOthers)
    {
        using TemporaryFolder folder = new();
        string schema = folder.Write("person.json", Encoding.UTF8.GetBytes(
            $$"""{ "type": "object", "properties": { "name": { "type": "string" }, "age": { "type": "integer" } }, "required": ["name", "age"]{{more}} }"""));
        CliResult result = await CliProcess.RunAsync("generate", "A person, please.", "--schema", schema, "--temperature", "0", "--quiet");
        Assert.Equal(("", 0), (result.Error, result.ExitCode));
        using JsonDocument answer = JsonDocument.Parse(result.Output);
        Assert.Equal(hasOthers, answer.RootElement.EnumerateObject().Any(property => property.Name is not ("name" or "age")));
    }

    [Fact]
    public async Task TheModelHearsOfTheDescriptionsInASchema()
    {
        int[] prompts = [await CountPromptAsync(""), await CountPromptAsync(""", "description": "Between ten and ninety-nine." """)];
        Assert.InRange(prompts[1] - prompts[0], 20, 1000);

        static async Task<int> CountPromptAsync(string description)
        {
            using TemporaryFolder folder = new();
            string schema = folder.Write("n.json", Encoding.UTF8.GetBytes($$"""{ "type": "object", "properties": { "n": { "type": "integer"{{description}} } }, "required": ["n"] }"""));
            CliResult result = await CliProcess.RunAsync("generate", "How many?", "--schema", schema);
            Assert.Equal(0, result.ExitCode);
            return int.Parse(Regex.Match(result.Error, @"prompt (\d+)").Groups[1].ValueSpan, CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public async Task TheAnswerIsATextOfTheGrammar()
    {
        using TemporaryFolder folder = new();
        string grammar = folder.Write("g.gbnf", "root ::= (\"yes\" | \"no\") \"!\"{2,3}"u8);
        CliResult result = await CliProcess.RunWithInputAsync("Really?", "generate", "--grammar", grammar, "--quiet");
        Assert.Matches("^(yes|no)!{2,3}$", result.Output.TrimEnd());
        Assert.Equal(("", 0), (result.Error, result.ExitCode));
    }

    [Fact]
    public async Task TheAnswerMatchesTheRegularExpression()
    {
        CliResult result = await CliProcess.RunAsync("generate", "When?", "--regex", "(19|20)[0-9]{2}-(0[1-9]|1[0-2])", "--temperature", "1.5", "--seed", "3");
        Assert.Matches(new Regex("^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"), result.Output.TrimEnd());
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task AnAnswerCutShortIsAFailure()
    {
        CliResult result = await CliProcess.RunAsync("generate", "Go on.", "--regex", "[a-z]{500}", "--max-tokens", "3", "--quiet");
        Assert.StartsWith("error: The answer was cut short", result.Error);
        Assert.Equal(1, result.ExitCode);
    }

    [Fact]
    public async Task AWrongGrammarIsAFailureBeforeTheModelIsLoaded()
    {
        CliResult result = await CliProcess.RunAsync("generate", "Hello", "--regex", "a(", "--model", "no-such-model");
        Assert.StartsWith("error: --regex: ", result.Error);
        Assert.Equal(("", 1), (result.Output, result.ExitCode));
    }
}
