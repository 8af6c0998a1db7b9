using System.Text.Json;
using EmbeddedLlm.Client;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

/// <summary>Calls as real models' templates write them are read back to the same names and arguments, however they are cut.</summary>
public sealed class RenderedCallTests
{
    /// <summary>Every template that has tools.</summary>
    public static readonly string[] Templates =
    [
        "Qwen-Qwen2.5-7B-Instruct", "Qwen-Qwen3-0.6B", "NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "mistralai-Mistral-Nemo-Instruct-2407", "CohereForAI-c4ai-command-r7b-12-2024-tool_use",
        "ibm-granite-granite-3.3-2B-Instruct", "deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "meta-llama-Llama-3.1-8B-Instruct", "meta-llama-Llama-3.2-3B-Instruct", "Qwen3-Coder", "GLM-4.6",
        "LFM2-8B-A1B", "openai-gpt-oss-120b",
    ];

    /// <summary>Arguments of <see cref="Function"/>.</summary>
    public static readonly string[] Arguments =
    [
        "{}",
        """{"text": "Oslo"}""",
        """{"text": ""}""",
        """{"text": "\"quoted\", it's\n  two lines\\ \t", "n": 7}""",
        """{"text": "\nfirst and last\n", "flag": false}""",
        """{"text": "</tool_call> </parameter> </arg_value> </function> <|tool_call_end|> } ] ) }}"}""",
        """{"text": "a</parameter>b\n</arg_value>c", "n": -3}""",
        """{"text": "Ærø — 東京 👩‍👩‍👧 \u200b", "x": -2.5e-7}""",
        """{"text": "42", "maybe": 42}""",
        """{"text": "true", "flag": true, "maybe": null}""",
        """{"text": "{\"k\": [1]}", "o": {"k": [1, 2.5, null, true, {"in": "it's \"x\"\n"}], "e": {}}, "a": ["", "</parameter>", "b,c"]}""",
        """{"n": 0, "x": 12345678901, "flag": true, "o": {}, "a": []}""",
    ];

    public static AIFunctionDeclaration Function { get; } = AIFunctionFactory.CreateDeclaration("do_it.now-2", "Does it.", JsonElement.Parse(
        """
        {"type":"object","properties":{"text":{"type":"string"},"n":{"type":"integer"},"x":{"type":"number"},"flag":{"type":"boolean"},"maybe":{"enum":[42,null]},
        "o":{"type":"object"},"a":{"type":"array","items":{"type":"string"}}}}
        """));

    public static TheoryData<string, string> Cases
    {
        get
        {
            TheoryData<string, string> cases = [];
            foreach (string template in Templates)
            {
                foreach (string arguments in Arguments)
                    cases.Add(template, arguments);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ARenderedCallIsReadBackHoweverItIsCut(string template, string arguments)
    {
        RenderedCall call = RenderedCall.Create(template, arguments);
        for (int cut = 0; cut <= call.Text.Length; cut++)
            call.AssertRead(call.Text[..cut], call.Text[cut..]);
        call.AssertRead([.. call.Text.Select(c => $"{c}")]);
        for (int size = 2; size < 8; size++)
            call.AssertRead([.. call.Text.Chunk(size).Select(piece => new string(piece))]);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void OfACallThatIsCutOffNothingIsShownAsText(string template, string arguments)
    {
        RenderedCall call = RenderedCall.Create(template, arguments);
        // Where calls have no marker, an answer that ends before it is known to be a call is text.
        for (int length = call.MarkedLength; length < call.Text.Length; length++)
        {
            AnswerReader reader = call.CreateReader();
            Assert.Equal("", reader.Push(call.Text[..length], isLast: false).Text + reader.Push("", isLast: true).Text);
        }
    }
}

/// <summary>A call as a template writes it.</summary>
internal sealed class RenderedCall
{
    private readonly PromptBuilder _prompts;
    private readonly ToolConstraint _constraint;
    private readonly JsonElement _arguments;

    private RenderedCall(PromptBuilder prompts, ToolConstraint constraint, JsonElement arguments, string text)
    {
        _prompts = prompts;
        _constraint = constraint;
        _arguments = arguments;
        Text = text;
    }

    public string Text { get; }

    /// <summary>How much of the text it takes to know that it is a call.</summary>
    public int MarkedLength => _prompts.Tools.Format is { IsHarmony: false } format ? Text.IndexOf(format.Trigger, StringComparison.Ordinal) + format.Trigger.Length : Text.IndexOf("to=", StringComparison.Ordinal) + 3;

    public static RenderedCall Create(string template, string arguments)
    {
        PromptBuilder prompts = new(ChatTemplate.Parse(File.ReadAllText(SharedData.Require("data", "templates", template + ".jinja"))), "<s>", "</s>");
        ToolSet tools = ToolSet.Of(new() { Tools = [RenderedCallTests.Function] })!;
        Dictionary<string, object?> values = JsonElement.Parse(arguments).EnumerateObject().ToDictionary(property => property.Name, property => (object?)property.Value);
        ChatMessage[] messages = [new(ChatRole.User, "zquser"), new(ChatRole.Assistant, [new FunctionCallContent("abcdefgh1", RenderedCallTests.Function.Name, values)])];
        string prompt = Build(messages[..1]);
        string all = Build(messages);
        int start = all.AsSpan().CommonPrefixLength(prompt);
        // What is common may end within the marker.
        if (!prompts.Tools.Format.IsHarmony && all.IndexOf(prompts.Tools.Format.Trigger, all.IndexOf("zquser", StringComparison.Ordinal), StringComparison.Ordinal) is >= 0 and int trigger)
            start = Math.Min(start, trigger);
        return new(prompts, ToolGrammar.Create(prompts.Tools.Format, tools, null, ControlTokens.None), JsonElement.Parse(arguments), all[start..]);

        string Build(ChatMessage[] some) => string.Concat(prompts.Build(some, null, tools, CancellationToken.None).Select(part => part.Text));
    }

    public AnswerReader CreateReader() => _prompts.Tools.Format.IsHarmony
        ? new AnswerReader(null, null, new HarmonyReader())
        : new AnswerReader(_prompts.Reasoning.Format is { } reasoning ? new ReasoningSplitter(reasoning, isOpen: false) : null, new ToolCallReader(_prompts.Tools.Format, _constraint.Arguments));

    public void AssertRead(params IReadOnlyList<string> pieces)
    {
        AnswerReader reader = CreateReader();
        List<FunctionCallContent> calls = [];
        for (int i = 0; i <= pieces.Count; i++)
        {
            (string reasoning, string text, IReadOnlyList<AIContent> found) = reader.Push(i < pieces.Count ? pieces[i] : "", isLast: i == pieces.Count);
            Assert.Equal("", text);
            Assert.Equal("", reasoning.Trim());
            calls.AddRange(found.Cast<FunctionCallContent>());
        }

        FunctionCallContent call = Assert.Single(calls);
        Assert.Equal(RenderedCallTests.Function.Name, call.Name);
        Assert.Equal(_arguments.EnumerateObject().Select(property => property.Name).Order(), call.Arguments!.Keys.Order());
        foreach (JsonProperty argument in _arguments.EnumerateObject())
            Assert.True(JsonElement.DeepEquals(argument.Value, call.Arguments[argument.Name] is JsonElement value ? value : JsonElement.Parse("null")), $"{argument} {call.Arguments[argument.Name]}");
    }
}
