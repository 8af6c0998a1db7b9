using EmbeddedLlm.Client;
using EmbeddedLlm.Templates;
using EmbeddedLlm.Tests;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Client;

/// <summary>Functions that are invoked by Microsoft.Extensions.AI, with a model whose answers are written beforehand.</summary>
public sealed class FunctionInvocationTests
{
    /// <summary>Every template that has tools.</summary>
    public static TheoryData<string> Templates =>
    [
        "Qwen-Qwen2.5-7B-Instruct", "Qwen-Qwen3-0.6B", "NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "mistralai-Mistral-Nemo-Instruct-2407", "CohereForAI-c4ai-command-r7b-12-2024-tool_use",
        "ibm-granite-granite-3.3-2B-Instruct", "deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "meta-llama-Llama-3.1-8B-Instruct", "meta-llama-Llama-3.2-3B-Instruct", "Qwen3-Coder", "GLM-4.6",
        "LFM2-8B-A1B", "openai-gpt-oss-120b",
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Templates))]
    public async Task SeveralRoundsOfCallsEndInAnAnswer(string template)
    {
        List<string> invoked = [];
        AIFunction weather = AIFunctionFactory.Create(
            (string city, int days) =>
            {
                invoked.Add($"{city} {days}");
                return $"rain in {city}";
            },
            "get_weather");
        AIFunction fail = AIFunctionFactory.Create(string () => throw new InvalidOperationException("broken"), "fail");
        ScriptedChatClient model = new(template);
        ToolCallFormat format = model.Format;
        List<(string Name, string Arguments, string? Id)> first = [("get_weather", """{"city":"Oslo","days":1}""", "abcdefgh1")];
        if (format.Separator is not null)
            first.Add(("get_weather", """{"city":"Sao \"Paulo\"","days":2}""", "abcdefgh2"));
        model.Script(format.Write(first), format.Write(("fail", "{}", "abcdefgh1")), "It rains.");

        IChatClient chat = model.AsBuilder().UseFunctionInvocation().Build();
        ChatResponse response = await chat.GetResponseAsync("The weather?", new() { Tools = [weather, fail] }, Cancel);

        Assert.Equal(first.Count == 1 ? ["Oslo 1"] : ["Oslo 1", "Sao \"Paulo\" 2"], invoked);
        Assert.Equal("It rains.", response.Text);
        Assert.Equal([ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant], response.Messages.Select(message => message.Role));
        string[] ids = [.. response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().Select(call => call.CallId)];
        Assert.Equal(ids.Distinct(), ids);
        Assert.Equal(ids, response.Messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>().Select(result => result.CallId));
        Assert.Contains("rain in Oslo", model.Prompts[1], StringComparison.Ordinal);
        Assert.Contains("Error: ", model.Prompts[2], StringComparison.Ordinal);
        Assert.Contains("get_weather", model.Prompts[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task StreamedCallsAreInvokedToo()
    {
        int sum = 0;
        AIFunction add = AIFunctionFactory.Create((int a, int b) => sum += a + b, "add");
        ScriptedChatClient model = new("Qwen3-Coder");
        model.Script("I add." + "\n" + model.Format.Write(("add", """{"a":1,"b":2}""", null), ("add", """{"a":3,"b":4}""", null)), "Done.");
        List<ChatResponseUpdate> updates = await model.AsBuilder().UseFunctionInvocation().Build().GetStreamingResponseAsync("Add.", new() { Tools = [add] }, Cancel).ToListAsync(Cancel);
        Assert.Equal(10, sum);
        Assert.Equal("I add.Done.", string.Concat(updates.Select(update => update.Text)));
    }

    /// <summary>Builds prompts and reads answers as the client does; between them, answers come from a script, a character at a time.</summary>
    private sealed class ScriptedChatClient(string template) : IChatClient
    {
        private readonly PromptBuilder _prompts = new(ChatTemplate.Parse(File.ReadAllText(SharedData.Require("data", "templates", template + ".jinja"))), "<s>", "</s>");
        private readonly Queue<string> _answers = [];

        public List<string> Prompts { get; } = [];

        public ToolCallFormat Format => _prompts.Tools.Format;

        public void Script(params string[] answers) => Array.ForEach(answers, _answers.Enqueue);

        public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            await GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.CompletedTask;
            ToolSet? tools = ToolSet.Of(options);
            Prompts.Add(string.Concat(_prompts.Build(messages, null, tools, cancellationToken).Select(part => part.Text)));
            ToolArguments? arguments = tools is null ? null : ToolGrammar.Create(Format, tools, null, ControlTokens.None).Arguments;
            AnswerReader reader = Format.IsHarmony ? new(null, null, new HarmonyReader()) : new(null, new ToolCallReader(Format, arguments));
            string id = Guid.NewGuid().ToString();
            foreach (string piece in _answers.Dequeue().Select(c => $"{c}").Append(""))
            {
                (_, string text, IReadOnlyList<AIContent> calls) = reader.Push(piece, isLast: piece.Length == 0);
                if (text.Length > 0)
                    yield return new ChatResponseUpdate(ChatRole.Assistant, text) { MessageId = id };
                foreach (AIContent call in calls)
                    yield return new ChatResponseUpdate(ChatRole.Assistant, [call]) { MessageId = id };
            }
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
