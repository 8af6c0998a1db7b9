using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Nodes;
using EmbeddedLlm.SyntheticModels;
using EmbeddedLlm.Tests;
using Json.Schema;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Client;

public sealed class ToolTests(StarterModelFixture starter)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("rainy, 4 degrees")]
    [InlineData("""{"temperature": 4, "condition": "rainy"}""")]
    public async Task TheStarterModelCallsAFunctionAndAnswersFromItsResult(string result)
    {
        List<string> asked = [];
        AIFunction getWeather = AIFunctionFactory.Create(
            (string city) =>
            {
                asked.Add(city);
                return result;
            },
            "get_weather",
            "Get the weather of a city");
        IChatClient chat = starter.Chat.AsBuilder().UseFunctionInvocation().Build();
        ChatResponse response = await chat.GetResponseAsync("What is the weather in Oslo?", new() { Tools = [getWeather] }, Cancel);
        Assert.Equal(["Oslo"], asked);
        Assert.Equal("The weather in Oslo is rainy with 4 degrees.", response.Text);
        Assert.Equal([ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant], response.Messages.Select(message => message.Role));
    }

    /// <summary>Requests for approval and their answers stay in the caller's history.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AConversationGoesOnAfterACallWasApprovedOrNot(bool approved)
    {
        AIFunction getWeather = AIFunctionFactory.Create((string city) => "rainy, 4 degrees", "get_weather", "Get the weather of a city");
        IChatClient chat = starter.Chat.AsBuilder().UseFunctionInvocation().Build();
        ChatOptions options = new() { Tools = [new ApprovalRequiredAIFunction(getWeather)], MaxOutputTokens = 100 };
        List<ChatMessage> history = [new(ChatRole.User, "What is the weather in Oslo?")];
        history.AddMessages(await chat.GetResponseAsync(history, options, Cancel));
        ToolApprovalRequestContent request = Assert.Single(history[^1].Contents.OfType<ToolApprovalRequestContent>());
        history.Add(new ChatMessage(ChatRole.User, [request.CreateResponse(approved)]));
        history.AddMessages(await chat.GetResponseAsync(history, options, Cancel));

        history.Add(new ChatMessage(ChatRole.User, "Count to five."));
        ChatResponse last = await chat.GetResponseAsync(history, options, Cancel);
        List<ChatMessage> without = [.. history.Where(message => !message.Contents.Any(content => content is ToolApprovalRequestContent or ToolApprovalResponseContent))];
        ChatResponse same = await chat.GetResponseAsync(without, options, Cancel);
        Assert.Equal(history.Count - 2, without.Count);
        Assert.Equal(same.Usage!.InputTokenCount, last.Usage!.InputTokenCount);
        Assert.Equal(same.Text, last.Text);
    }

    [Fact]
    public async Task ACallIsStreamedWholeAndItsMarkersAreNoText()
    {
        List<ChatResponseUpdate> updates = await starter.Chat.GetStreamingResponseAsync("What is the weather in Oslo?", Weather(), Cancel).ToListAsync(Cancel);
        FunctionCallContent call = Assert.Single(updates.SelectMany(update => update.Contents).OfType<FunctionCallContent>());
        Assert.Equal("get_weather", call.Name);
        Assert.Equal("Oslo", call.Arguments!["city"]!.ToString());
        Assert.All(updates, update => Assert.Equal("", update.Text));
        Assert.Equal(ChatFinishReason.ToolCalls, updates[^1].FinishReason);
    }

    [Fact]
    public async Task WithToolsAnAnswerMayStillBeText()
    {
        ChatResponse response = await starter.Chat.GetResponseAsync("Count to five.", Weather(), Cancel);
        Assert.StartsWith("1, 2, 3", response.Text, StringComparison.Ordinal);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
    }

    [Fact]
    public async Task ARequiredCallComesWhateverIsAsked()
    {
        ChatOptions options = Weather();
        options.ToolMode = ChatToolMode.RequireSpecific("get_weather");
        options.AllowMultipleToolCalls = false;
        ChatResponse response = await starter.Chat.GetResponseAsync("Count to five.", options, Cancel);
        Assert.IsType<FunctionCallContent>(Assert.Single(Assert.Single(response.Messages).Contents));
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
    }

    [Fact]
    public async Task ForbiddenToolsAreNotCalled()
    {
        ChatOptions options = Weather();
        options.ToolMode = ChatToolMode.None;
        ChatResponse response = await starter.Chat.GetResponseAsync("What is the weather in Oslo?", options, Cancel);
        Assert.DoesNotContain(response.Messages.Single().Contents, content => content is FunctionCallContent);
    }

    [Fact]
    public async Task WithAResponseFormatTheAnswerIsACallOrFitsIt()
    {
        ChatOptions options = Weather();
        options.ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"type":"object","properties":{"n":{"type":"integer","maximum":9}},"required":["n"]}"""));
        for (int seed = 0; seed < 10; seed++)
        {
            options.Temperature = 2;
            options.Seed = seed;
            options.MaxOutputTokens = 200;
            ChatResponse response = await starter.Chat.GetResponseAsync("What is the weather in Oslo?", options, Cancel);
            if (response.FinishReason == ChatFinishReason.Stop)
                Assert.True(JsonElement.Parse(response.Text).TryGetProperty("n", out _));
            else if (response.FinishReason == ChatFinishReason.ToolCalls)
                Assert.NotEmpty(response.Messages.Single().Contents.OfType<FunctionCallContent>());
        }
    }

    [Fact]
    public async Task WhereTheTemplateHasNoToolsTheyAreRefusedOnRequest()
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("model.gguf");
        SyntheticModel.Write(path, SyntheticShape.Tiny, SyntheticVocabulary.ByteLevel(600));
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, new() { ToolFallback = ToolFallback.Refuse, ContextLength = 2048 }, cancellationToken: Cancel);
        IChatClient chat = model.AsChatClient();
        NotSupportedException e = await Assert.ThrowsAsync<NotSupportedException>(() => chat.GetResponseAsync("u", Weather(), Cancel));
        Assert.Contains("ChatOptions.Tools", e.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(EmbeddedModelOptions.ToolFallback), e.Message, StringComparison.Ordinal);
        ChatOptions forbidden = Weather();
        (forbidden.ToolMode, forbidden.MaxOutputTokens) = (ChatToolMode.None, 1);
        Assert.Equal(1, (await chat.GetResponseAsync("u", forbidden, Cancel)).Usage!.OutputTokenCount);
    }

    /// <summary>A model that knows nothing, at a temperature that makes each allowed token likely: what it calls is valid by an independent validator.</summary>
    [Fact]
    public async Task EveryCallOfARandomModelIsValid()
    {
        using TemporaryFolder folder = new();
        await using EmbeddedModel model = await LoadRandomAsync(folder);
        Dictionary<string, JsonElement> schemas = new()
        {
            ["get_weather"] = JsonElement.Parse("""{"type":"object","properties":{"city":{"type":"string","maxLength":20},"unit":{"enum":["celsius","fahrenheit"]}},"required":["city"]}"""),
            ["add"] = JsonElement.Parse("""{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer","minimum":-10,"maximum":10}},"required":["a","b"]}"""),
            ["search"] = JsonElement.Parse("""{"type":"object","properties":{"words":{"type":"array","items":{"type":"string","pattern":"^[a-z]{1,8}$"},"minItems":1,"maxItems":3},"deep":{"type":"boolean"}},"required":["words","deep"]}"""),
            ["now"] = JsonElement.Parse("""{"type":"object","properties":{}}"""),
        };
        Assert.InRange(await CountValidCallsAsync(model, schemas, requests: 100, toolsEach: 4), 80, int.MaxValue);
    }

    [Fact]
    public async Task EveryCallOfARealFunctionIsValid()
    {
        string[] lines = await File.ReadAllLinesAsync(SharedData.Require("data", "schemas", "maskbench-dev.jsonl"), Cancel);
        Dictionary<string, JsonElement> schemas = lines.Select(line => JsonElement.Parse(line))
            .Where(test => test.GetProperty("name").GetString()!.StartsWith("BFCL", StringComparison.Ordinal) || test.GetProperty("name").GetString()!.StartsWith("Glaive", StringComparison.Ordinal))
            .Select(test => (Name: test.GetProperty("name").GetString()!, Schema: test.GetProperty("schema")))
            .Where(test => test.Schema.TryGetProperty("type", out JsonElement type) && type.ValueEquals("object") && test.Schema.GetRawText().Length < 600)
            .Where((_, i) => i % 5 == 0).Take(50).ToDictionary(test => test.Name, test => test.Schema);
        Assert.Equal(50, schemas.Count);
        using TemporaryFolder folder = new();
        await using EmbeddedModel model = await LoadRandomAsync(folder);
        // Some answers of a model that knows nothing are cut before a call is whole, so there are more requests than calls to judge.
        Assert.InRange(await CountValidCallsAsync(model, schemas, requests: 100, toolsEach: 2), 75, int.MaxValue);
    }

    private static async Task<EmbeddedModel> LoadRandomAsync(TemporaryFolder folder)
    {
        string path = folder.PathOf("model.gguf");
        SyntheticModel.Write(path, SyntheticShape.Tiny, SyntheticVocabulary.ByteLevel(600));
        return await EmbeddedModel.LoadAsync(path, new() { MaxSequences = 3, ContextLength = 4096 }, cancellationToken: Cancel);
    }

    /// <summary>Requires calls, and has each judged by an independent validator.</summary>
    private static async Task<int> CountValidCallsAsync(EmbeddedModel model, Dictionary<string, JsonElement> schemas, int requests, int toolsEach)
    {
        IChatClient chat = model.AsChatClient();
        EmbeddedChatOptions more = new() { LogitBias = new[] { "\"", "}", "]" }.ToDictionary(text => model.Tokenize(text)[0], _ => 4f) };
        AITool[] tools = [.. schemas.Select(schema => AIFunctionFactory.CreateDeclaration(schema.Key, "", schema.Value))];
        int called = 0;
        // Few at a time: each token's attention goes over the cells of all.
        await Parallel.ForAsync(0, requests, new ParallelOptions { MaxDegreeOfParallelism = 3, CancellationToken = Cancel }, async (i, cancel) =>
        {
            ChatOptions options = new()
            {
                Tools = [.. Enumerable.Range(i, toolsEach).Select(tool => tools[tool % tools.Length])],
                ToolMode = ChatToolMode.RequireAny,
                AllowMultipleToolCalls = i % 2 == 0,
                Temperature = 1.5f,
                TopK = 0,
                TopP = 1,
                Seed = i,
                MaxOutputTokens = 600,
                RawRepresentationFactory = _ => more,
            };
            ChatResponse response = await chat.GetResponseAsync("Call.", options, cancel);
            Assert.Equal("", response.Text);
            FunctionCallContent[] calls = [.. response.Messages.Single().Contents.OfType<FunctionCallContent>()];
            if (response.FinishReason == ChatFinishReason.ToolCalls)
                Assert.NotEmpty(calls);
            if (!options.AllowMultipleToolCalls.Value)
                Assert.InRange(calls.Length, 0, 1);
            Assert.Equal(calls.Length, calls.Select(call => call.CallId).Distinct().Count());
            foreach (FunctionCallContent call in calls)
            {
                JsonObject arguments = new(call.Arguments!.Select(argument => KeyValuePair.Create(argument.Key, argument.Value is JsonElement value ? JsonNode.Parse(value.GetRawText()) : null)));
                Assert.True(JsonSchema.FromText(schemas[call.Name].GetRawText()).Evaluate(arguments).IsValid, $"{call.Name} {arguments}");
                Interlocked.Increment(ref called);
            }
        });
        return called;
    }

    private static ChatOptions Weather() => new() { Tools = [AIFunctionFactory.Create(([Description("The city")] string city) => city, "get_weather", "Get the weather of a city")] };
}
