using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using EmbeddedLlm.Client;
using EmbeddedLlm.SyntheticModels;
using EmbeddedLlm.Templates;
using EmbeddedLlm.Tests;
using Json.Schema;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Client;

/// <summary>A model that knows nothing, with fifty functions of real applications, each of whose calls an independent validator judges.</summary>
public sealed class ManyToolsTests(ITestOutputHelper output)
{
    private const int ToolCount = 50;
    private const int CallCount = 100;
    private const int RequestCount = 32;

    /// <summary>What ends values and calls: a model that knows nothing would seldom choose it.</summary>
    private static readonly string[] s_endings = ["\"", "{", "}", "[", "]", "(", ")", ",", ":", "</parameter>", "</arg_value>", "</function>", "</tool_call>"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>How a template writes a call. The functions' names and schemas are left out of the prompt, as a model that knows nothing would only be slower for them.</summary>
    public static TheoryData<string, string> Formats => new()
    {
        { "JSON", "\n<tool_call>\n{\"name\": \"{{ c.function.name }}\", \"arguments\": {{ c.function.arguments | tojson }}}\n</tool_call>" },
        { "Qwen3-Coder", "\n<tool_call>\n<function={{ c.function.name }}>\n{% for k, v in c.function.arguments.items() %}<parameter={{ k }}>\n{{ v if v is string else v | tojson }}\n</parameter>\n{% endfor %}</function>\n</tool_call>" },
        { "GLM-4.6", "\n<tool_call>{{ c.function.name }}\n{% for k, v in c.function.arguments.items() %}<arg_key>{{ k }}</arg_key>\n<arg_value>{{ v if v is string else v | tojson }}</arg_value>\n{% endfor %}</tool_call>" },
        { "LFM2", "{# List of tools: [ #}" },
    };

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task EveryCallOfOneOfFiftyFunctionsIsValid(string name, string call)
    {
        string source = "{% for t in tools %}{{ t.function.description }}{% endfor %}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls %}"
            + call + "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
        ToolCallFormat format = ToolSupportLearner.Learn(ChatTemplate.Parse(source), "", "").Format;
        Assert.Equal(name is not "JSON", format.Tags is not null);
        Dictionary<string, JsonElement> schemas = await ReadSchemasAsync(name, format);
        AITool[] tools = Declare(schemas);
        using TemporaryFolder folder = new();
        string path = folder.PathOf("model.gguf");
        SyntheticModel.Write(path, SyntheticShape.Tiny, SyntheticVocabulary.ByteLevel(600, "</parameter>", "</arg_value>", "</function>", "<tool_call>", "</tool_call>"));
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, new() { MaxSequences = 8, ContextLength = 4096, ChatTemplate = source }, cancellationToken: Cancel);
        IChatClient chat = model.AsChatClient();
        EmbeddedChatOptions more = new() { LogitBias = s_endings.Append(name == "Qwen3-Coder" ? "\n" : ":").Distinct().Select(text => model.Tokenize(text, parseSpecial: true)[0]).ToDictionary(token => token, _ => 6f) };
        int called = 0;
        HashSet<string> names = [];
        for (int round = 0; called < CallCount; round++)
        {
            Assert.InRange(round, 0, 20);
            ChatResponse[] responses = await Task.WhenAll(Enumerable.Range(0, RequestCount).Select(i => chat.GetResponseAsync("Call.", Options(tools, round * RequestCount + i, 250, more), Cancel)));
            Assert.All(responses, response => Assert.Equal("", response.Text));
            foreach (FunctionCallContent made in responses.SelectMany(response => response.Messages.Single().Contents).OfType<FunctionCallContent>())
            {
                Assert.Null(made.Exception);
                JsonObject arguments = new(made.Arguments!.Select(argument => KeyValuePair.Create(argument.Key, argument.Value is JsonElement value ? JsonNode.Parse(value.GetRawText()) : null)));
                Assert.True(JsonSchema.FromText(schemas[made.Name].GetRawText()).Evaluate(arguments).IsValid, $"{made.Name} {arguments}");
                names.Add(made.Name);
                called++;
            }
        }

        Assert.InRange(names.Count, 5, ToolCount);
        output.WriteLine($"{name}: {called} calls of {names.Count} functions, all valid.");
    }

    /// <summary>Figures of a real vocabulary of 150,000 tokens and real templates.</summary>
    [Theory]
    [InlineData("Qwen-Qwen2.5-7B-Instruct")]
    [InlineData("Qwen3-Coder")]
    public async Task TheGrammarOfFiftyFunctionsIsMadeOnce(string template)
    {
        string source = await File.ReadAllTextAsync(SharedData.Require("data", "templates", template + ".jinja"), Cancel);
        AITool[] tools = Declare(await ReadSchemasAsync(template, ToolSupportLearner.Learn(ChatTemplate.Parse(source), "", "").Format));
        using TemporaryFolder folder = new();
        string path = folder.PathOf("model.gguf");
        SyntheticModel.Write(path, SyntheticShape.Tiny, SyntheticVocabulary.FromFile(SharedData.Require("data", "vocab", "ggml-vocab-qwen2.gguf")));
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, new() { ContextLength = 16384, ChatTemplate = source }, cancellationToken: Cancel);
        IChatClient chat = model.AsChatClient();
        for (int i = 0; i < 3; i++)
        {
            Stopwatch watch = Stopwatch.StartNew();
            ChatResponse response = await chat.GetResponseAsync("Call.", Options(tools, seed: 0, maxOutputTokens: 1), Cancel);
            output.WriteLine($"{template}: {response.Usage!.InputTokenCount} tokens of prompt, {response.Usage.CachedInputTokenCount} cached; first token after {watch.Elapsed.TotalMilliseconds:F0} ms.");
            Assert.Equal(1, response.Usage.OutputTokenCount);
        }
    }

    private static AITool[] Declare(Dictionary<string, JsonElement> schemas) => [.. schemas.Select(schema => AIFunctionFactory.CreateDeclaration(schema.Key, "", schema.Value))];

    private static ChatOptions Options(AITool[] tools, int seed, int maxOutputTokens, EmbeddedChatOptions? more = null) => new()
    {
        Tools = tools,
        ToolMode = ChatToolMode.RequireAny,
        AllowMultipleToolCalls = seed % 2 == 0,
        Temperature = 1,
        TopK = 0,
        TopP = 1,
        Seed = seed,
        MaxOutputTokens = maxOutputTokens,
        RawRepresentationFactory = _ => more,
    };

    /// <summary>Functions of the Berkeley function calling leaderboard and of Glaive's, except those that the format cannot write, which are refused by name.</summary>
    private async Task<Dictionary<string, JsonElement>> ReadSchemasAsync(string formatName, ToolCallFormat format)
    {
        Dictionary<string, JsonElement> schemas = [];
        int refused = 0;
        double fastest = double.MaxValue;
        string[] lines = await File.ReadAllLinesAsync(SharedData.Require("data", "schemas", "maskbench-dev.jsonl"), Cancel);
        foreach (JsonElement test in lines.Select(line => JsonElement.Parse(line)))
        {
            string name = test.GetProperty("name").GetString()!;
            JsonElement schema = test.GetProperty("schema");
            if (!(name.StartsWith("BFCL", StringComparison.Ordinal) || name.StartsWith("Glaive", StringComparison.Ordinal)) || schema.GetRawText().Length > 500 || schema.GetProperty("type").GetString() != "object")
                continue;
            try
            {
                ToolGrammar.Create(format, ToolSet.Of(new() { Tools = [AIFunctionFactory.CreateDeclaration(name, "", schema)], ToolMode = ChatToolMode.RequireAny })!, null, ControlTokens.None);
                schemas[$"f{schemas.Count:D2}"] = schema;
            }
            catch (JsonSchemaNotSupportedException e)
            {
                Assert.Contains(name, e.Message, StringComparison.Ordinal);
                refused++;
            }

            if (schemas.Count == ToolCount)
                break;
        }

        Assert.Equal(ToolCount, schemas.Count);
        ToolSet all = ToolSet.Of(new() { Tools = [.. schemas.Select(schema => (AITool)AIFunctionFactory.CreateDeclaration(schema.Key, "", schema.Value))], ToolMode = ChatToolMode.RequireAny })!;
        for (int i = 0; i < 5; i++)
        {
            Stopwatch watch = Stopwatch.StartNew();
            ToolGrammar.Create(format, all, null, ControlTokens.None);
            fastest = Math.Min(fastest, watch.Elapsed.TotalMilliseconds);
        }

        output.WriteLine($"{formatName}: the grammar of {ToolCount} functions is made in {fastest:F1} ms; {refused} functions were refused.");
        return schemas;
    }
}
