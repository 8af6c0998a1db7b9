using System.Text.Json;
using System.Text.Json.Nodes;
using EmbeddedLlm.SyntheticModels;
using EmbeddedLlm.Tests;
using Json.Schema;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Grammars;

public sealed class ConstrainedAnswerTests(StarterModelFixture starter)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>A model that knows nothing answers by many schemas, at a temperature that makes each allowed token likely; an independent validator judges.</summary>
    [Fact]
    public async Task EveryAnswerThatEndsFitsItsSchema()
    {
        const int Wanted = 300;
        string file = SharedData.Require("data", "schemas", "maskbench-dev.jsonl");
        using TemporaryFolder folder = new();
        string path = folder.PathOf("model.gguf");
        SyntheticModel.Write(path, SyntheticShape.Tiny, SyntheticVocabulary.ByteLevel(600));
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, new() { MaxSequences = 8, ContextLength = 2048 }, cancellationToken: Cancel);
        IChatClient chat = model.AsChatClient();

        // Ends of strings, arrays and objects are made likelier, or most answers would not end.
        EmbeddedChatOptions more = new() { LogitBias = new[] { "\"", "}", "]" }.ToDictionary(text => model.Tokenize(text)[0], _ => 4f), DescribeResponseFormat = false };
        string[] lines = await File.ReadAllLinesAsync(file, Cancel);
        (string Name, JsonElement Schema)[] schemas =
        [
            .. lines.Where((_, index) => index % 4 == 3).Select(line => JsonElement.Parse(line)).Where(IsKnownToTheValidator)
                .Select(test => (test.GetProperty("name").GetString()!, test.GetProperty("schema")))
                .Where(test => IsSupported(model, test.Item2)).Take(Wanted),
        ];
        Assert.Equal(Wanted, schemas.Length);

        int ended = 0;
        int judged = 0;
        await Parallel.ForAsync(0, schemas.Length, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Cancel }, async (i, cancel) =>
        {
            ChatOptions options = new()
            {
                ResponseFormat = ChatResponseFormat.ForJsonSchema(schemas[i].Schema),
                Temperature = 1.5f,
                TopK = 0,
                TopP = 1,
                Seed = i,
                MaxOutputTokens = 500,
                RawRepresentationFactory = _ => more,
            };
            ChatResponse response = await chat.GetResponseAsync("Answer.", options, cancel);
            if (response.FinishReason != ChatFinishReason.Stop)
                return;
            Interlocked.Increment(ref ended);
            using JsonDocument answer = JsonDocument.Parse(response.Text);
            try
            {
                // Formats are left out: the validator's are narrower than the standards, so an address such as a@b is none for it.
                EvaluationResults results = JsonSchema.FromText(schemas[i].Schema.GetRawText()).Evaluate(JsonNode.Parse(response.Text));
                Assert.True(results.IsValid, $"{schemas[i].Name}: {response.Text}");
                Interlocked.Increment(ref judged);
            }
            catch (FormatException)
            {
                // The validator reads numbers as decimals, which some valid numbers are too large for.
            }
        });
        Assert.True(judged > Wanted / 2, $"Only {judged} answers of {Wanted} were judged, {ended} ended.");
    }

    [Fact]
    public async Task AnAnswerThatIsCutEndsWithLength()
    {
        ChatOptions options = new() { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"type":"string","minLength":1000}""")), MaxOutputTokens = 20 };
        ChatResponse response = await starter.Chat.GetResponseAsync("Count to five.", options, Cancel);
        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
    }

    [Fact]
    public async Task JsonIsAnObjectOrAnArray()
    {
        for (int seed = 0; seed < 5; seed++)
        {
            ChatOptions options = new() { ResponseFormat = ChatResponseFormat.Json, Temperature = 1.2f, Seed = seed, MaxOutputTokens = 100 };
            ChatResponse response = await starter.Chat.GetResponseAsync("Count to five.", options, Cancel);
            Assert.StartsWith(response.Text[..1], "{[", StringComparison.Ordinal);
            if (response.FinishReason == ChatFinishReason.Stop)
                JsonDocument.Parse(response.Text).Dispose();
        }
    }

    [Fact]
    public async Task AGbnfGrammarHoldsAnAnswer()
    {
        Grammar grammar = Grammar.FromGbnf("root ::= \"Answer: \" [0-9]{2,4} \" apples\"");
        ChatResponse response = await starter.Chat.GetResponseAsync("Count to five.", new() { RawRepresentationFactory = _ => new EmbeddedChatOptions { Grammar = grammar } }, Cancel);
        Assert.Matches("^Answer: [0-9]{2,4} apples$", response.Text);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
    }

    [Fact]
    public async Task TextWithoutAChoiceIsNotSampled()
    {
        ChatOptions options = new() { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"const":{"greeting":"Hello!","count":[1,2,3]}}""")) };
        ChatResponse response = await starter.Chat.GetResponseAsync("Count to five.", options, Cancel);
        Assert.Equal("""{"greeting": "Hello!", "count": [1, 2, 3]}""", response.Text);
        GenerationTimings timings = Assert.IsType<GenerationTimings>(response.RawRepresentation);
        Assert.Equal(response.Usage!.OutputTokenCount, timings.ForcedTokenCount);
    }

    [Fact]
    public async Task AResponseIsReadAsItsType()
    {
        ChatResponse<Resident> response = await starter.Chat.GetResponseAsync<Resident>("Extract the person: Ana is 31 years old and lives in Lisbon.", new ChatOptions { Temperature = 0 }, cancellationToken: Cancel);
        Assert.Equal(new Resident("Ana", 31, "Lisbon"), response.Result);
    }

    [Fact]
    public async Task ASchemaThatCannotBeEnforcedIsRefusedBeforeAnyToken()
    {
        ChatOptions options = new() { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"type":"array","items":{"type":"object"},"uniqueItems":true,"minItems":2}""")) };
        JsonSchemaNotSupportedException exception = await Assert.ThrowsAsync<JsonSchemaNotSupportedException>(() => starter.Chat.GetResponseAsync("Hello!", options, Cancel));
        Assert.Equal("uniqueItems", exception.Keyword);
    }

    /// <summary>The validator knows no draft before the sixth, and not every regular expression; where it judges the file's own instances rightly it can judge answers.</summary>
    private static bool IsKnownToTheValidator(JsonElement test)
    {
        try
        {
            JsonSchema schema = JsonSchema.FromText(test.GetProperty("schema").GetRawText());
            schema.Evaluate(JsonValue.Create(1));
            return test.GetProperty("tests").EnumerateArray().All(
                instance => schema.Evaluate(JsonNode.Parse(instance.GetProperty("data").GetRawText())).IsValid == instance.GetProperty("valid").GetBoolean());
        }
        catch (Exception exception) when (exception is not (OutOfMemoryException or Xunit.Sdk.XunitException))
        {
            return false;
        }
    }

    /// <summary>Some schemas of the file contradict themselves, and some cannot be enforced.</summary>
    private static bool IsSupported(EmbeddedModel model, JsonElement schema)
    {
        try
        {
            model.GrammarVocabulary.CreateMatcher(Grammar.FromJsonSchema(schema));
            return true;
        }
        catch (GrammarException)
        {
            return false;
        }
    }

    private enum Kind
    {
        Human,
        Robot,
    }

    private sealed record Resident(string Name, int Age, string? City);

    private sealed record Person(string Name, int Age, Kind Kind, Person? Friend);
}
