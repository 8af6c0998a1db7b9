using System.Text.Json;
using System.Text.Json.Nodes;
using EmbeddedLlm.Client;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

/// <summary>Conversations with tools as real models' templates render them, against what transformers makes of the same.</summary>
public sealed class ToolPromptTests
{
    private static readonly FunctionCallContent s_first = new("call00001", "get_weather", new Dictionary<string, object?> { ["city"] = "Oslo" });
    private static readonly FunctionCallContent s_second = new("call00002", "add", new Dictionary<string, object?> { ["a"] = 2, ["b"] = -3 });

    public static TheoryData<string> Templates =>
    [
        "Qwen-Qwen2.5-7B-Instruct", "Qwen-Qwen3-0.6B", "NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "mistralai-Mistral-Nemo-Instruct-2407", "CohereForAI-c4ai-command-r7b-12-2024-tool_use",
    ];

    [Theory]
    [MemberData(nameof(Templates))]
    public void ARoundOfParallelCallsIsRenderedAsTransformersDoes(string template)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(SharedData.Require("data", "templates", template + ".json")));
        JsonElement golden = document.RootElement.GetProperty("cases").EnumerateArray().Single(item => item.GetProperty("name").GetString() == "parallel_tools");
        ChatOptions options = new()
        {
            Tools = [.. golden.GetProperty("tools").EnumerateArray().Select(tool => tool.GetProperty("function")).Select(function => (AITool)AIFunctionFactory.CreateDeclaration(
                function.GetProperty("name").GetString()!, function.GetProperty("description").GetString(), function.GetProperty("parameters")))],
        };
        ChatMessage[] messages =
        [
            new(ChatRole.User, "Both?"), new(ChatRole.Assistant, [new TextContent("Let me see."), s_first, s_second]),
            new(ChatRole.Tool, [new FunctionResultContent("call00001", "cold"), new FunctionResultContent("call00002", -1)]),
        ];
        PromptBuilder builder = new(Parse(template), golden.GetProperty("bos_token").GetString()!, golden.GetProperty("eos_token").GetString()!);
        Assert.Equal(golden.GetProperty("expected").GetString(), string.Concat(builder.Build(messages, null, ToolSet.Of(options), CancellationToken.None).Select(part => part.Text)));
    }

    [Fact]
    public void ATemplateWithoutToolsGetsThemInItsFirstMessage()
    {
        ChatOptions options = new() { Tools = [AIFunctionFactory.CreateDeclaration("f", "Does it.", JsonElement.Parse("{}"))] };
        ChatMessage[] messages = [new(ChatRole.User, "u"), new(ChatRole.Assistant, [new FunctionCallContent("1", "f")]), new(ChatRole.Tool, [new FunctionResultContent("1", "<end_of_turn>")])];
        IReadOnlyList<TextPart> parts = new PromptBuilder(Parse("google-gemma-2-2b-it"), "<bos>", "").Build(messages, null, ToolSet.Of(options), CancellationToken.None);
        string prompt = string.Concat(parts.Select(part => part.Text));
        Assert.StartsWith("<bos><start_of_turn>user\n# Tools\n", prompt, StringComparison.Ordinal);
        Assert.Contains("""{"type":"function","function":{"name":"f","description":"Does it.","parameters":{}}}""", prompt, StringComparison.Ordinal);
        Assert.Contains("<start_of_turn>model\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call><end_of_turn>", prompt, StringComparison.Ordinal);
        Assert.EndsWith("<start_of_turn>user\n<tool_response>\n<end_of_turn>\n</tool_response><end_of_turn>\n<start_of_turn>model\n", prompt, StringComparison.Ordinal);
        Assert.Contains(parts, part => !part.IsTemplate && part.Text.Contains("<tool_response>\n<end_of_turn>", StringComparison.Ordinal));
    }

    /// <summary>Cohere's own templates have the thoughts that led to a call by the name <c>tool_plan</c>, llama.cpp's variants of them by the usual one.</summary>
    [Theory]
    [InlineData("reasoning_content", null)]
    [InlineData("tool_plan", "tool_plan")]
    public void ThoughtsAheadOfACallAreKept(string key, string? messageKey)
    {
        string source = File.ReadAllText(SharedData.Require("data", "templates", "CohereForAI-c4ai-command-r7b-12-2024-tool_use.jinja"));
        PromptBuilder builder = new(ChatTemplate.Parse(source.Replace("reasoning_content", key, StringComparison.Ordinal)), "<s>", "</s>");
        ChatMessage[] messages =
        [
            new(ChatRole.User, "u"), new(ChatRole.Assistant, [new TextReasoningContent("I look it up."), new FunctionCallContent("1", "f")]), new(ChatRole.Tool, [new FunctionResultContent("1", "r")]),
        ];
        Assert.Contains("<|START_THINKING|>I look it up.<|END_THINKING|><|START_ACTION|>", string.Concat(builder.Build(messages, null, null, CancellationToken.None).Select(part => part.Text)), StringComparison.Ordinal);
        Assert.Equal(("<|START_THINKING|>", messageKey), (builder.Reasoning.Format!.Open, builder.Reasoning.MessageKey));
    }

    /// <summary>As later templates of Gemma 4 write it, and the results of the calls ahead of it: not what the model has said and thought before it called.</summary>
    [Theory]
    [InlineData("m.reasoning_content", "<assistant><think>T</think>Wait.<assistant><call>f {}<end><result>r<end>")]
    [InlineData("m.reasoning_content and m.tool_calls", "<assistant>Wait.<assistant><think>T</think><call>f {}<end><result>r<end>")]
    public void ATextThatWouldComeBelowItsCallsIsAMessageAheadOfThem(string whetherThoughtsAreWritten, string expected)
    {
        PromptBuilder builder = new(
            ChatTemplate.Parse(
                "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}{% if m.role == 'tool' %}<result>{{ m.content }}<end>{% else %}<{{ m.role }}>{% if " + whetherThoughtsAreWritten + " %}<think>{{ m.reasoning_content }}</think>{% endif %}"
                + "{% for c in m.tool_calls %}<call>{{ c.function.name + ' ' }}{{ c.function.arguments | tojson }}<end>{% endfor %}{{ m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"), "", "");
        ChatMessage[] messages =
        [
            new(ChatRole.User, "u"), new(ChatRole.Assistant, [new TextReasoningContent("T"), new TextContent("Wait."), new FunctionCallContent("1", "f")]), new(ChatRole.Tool, [new FunctionResultContent("1", "r")]),
        ];
        Assert.Equal($"<user>u{expected}<assistant>", string.Concat(builder.Build(messages, null, null, CancellationToken.None).Select(part => part.Text)));
    }

    /// <summary>gpt-oss' template refuses thoughts beside the text of a message that calls, and LFM2.5's takes them.</summary>
    [Theory]
    [InlineData("", true)]
    [InlineData("{% if m.thinking and m.content and m.tool_calls %}{{ raise_exception('both') }}{% endif %}", false)]
    public void ThoughtsBesideATextAndACallAreKeptUnlessTheTemplateRefusesThem(string check, bool isKept)
    {
        PromptBuilder builder = new(
            ChatTemplate.Parse(
                "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<|{{ m.role }}|>" + check + "{% if m.thinking %}<think>{{ m.thinking }}</think>{% endif %}{{ m.content }}"
                + "{% for c in m.tool_calls %}<call>{{ c.function | tojson }}<end>{% endfor %}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"), "", "");
        ChatMessage[] messages =
        [
            new(ChatRole.User, "u"), new(ChatRole.Assistant, [new TextReasoningContent("thought"), new TextContent("text"), new FunctionCallContent("1", "f")]), new(ChatRole.Tool, [new FunctionResultContent("1", "r")]),
        ];
        string prompt = string.Concat(builder.Build(messages, null, null, CancellationToken.None).Select(part => part.Text));
        Assert.Contains($"<|assistant|>{(isKept ? "<think>thought</think>" : "")}text<call>", prompt, StringComparison.Ordinal);
    }

    /// <summary>Some applications add a message for each result, as OpenAI's interface asks for, and Gemma's template refuses two messages of the user in a row.</summary>
    [Fact]
    public void ResultsThatComeInSeveralMessagesAreOneWhereTheTemplateKnowsNone()
    {
        ChatMessage[] messages =
        [
            new(ChatRole.User, "u"), new(ChatRole.Assistant, [new FunctionCallContent("1", "f"), new FunctionCallContent("2", "f")]),
            new(ChatRole.Tool, [new FunctionResultContent("1", "a")]), new(ChatRole.Tool, [new FunctionResultContent("2", "b")]),
        ];
        string prompt = string.Concat(new PromptBuilder(Parse("google-gemma-2-2b-it"), "<bos>", "").Build(messages, null, null, CancellationToken.None).Select(part => part.Text));
        Assert.EndsWith(
            "<start_of_turn>user\n<tool_response>\na\n</tool_response>\n<tool_response>\nb\n</tool_response><end_of_turn>\n<start_of_turn>model\n", prompt, StringComparison.Ordinal);
    }

    [Fact]
    public void WhereToolsAreForbiddenNoneAreDescribed() =>
        Assert.Null(ToolSet.Of(new() { Tools = [AIFunctionFactory.CreateDeclaration("f", "", JsonElement.Parse("{}"))], ToolMode = ChatToolMode.None }));

    /// <summary>Where a template takes arguments as text, or writes no calls at all, a call is repeated as the model wrote it, so that what was computed of it is found again.</summary>
    [Theory]
    [InlineData("<call>{{ c.function.name + '|' + c.function.arguments }}</call>", "<call>f|{\"city\": \"Oslo\", \"more\": {\"k\": [1, 2.50]}}</call>")]
    [InlineData("", "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"city\": \"Oslo\", \"more\": {\"k\": [1, 2.50]}}}\n</tool_call>")]
    public async Task ACallAndItsResultAreWrittenOnOneLine(string call, string expected)
    {
        PromptBuilder builder = new(
            ChatTemplate.Parse("{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% for c in m.tool_calls %}" + call + "{% endfor %}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"), "", "");
        object? result = await AIFunctionFactory.Create(() => new { degrees = new[] { 4, 5 } }, "f").InvokeAsync(cancellationToken: TestContext.Current.CancellationToken);
        ChatMessage[] messages =
        [
            new(ChatRole.User, "u"),
            new(ChatRole.Assistant, [new FunctionCallContent("1", "f", new WrittenCall("f", """{"city": "Oslo", "more": {"k": [1, 2.50]}}""").ReadArguments())]),
            new(ChatRole.Tool, [new FunctionResultContent("1", result)]),
        ];
        string prompt = string.Concat(builder.Build(messages, null, null, CancellationToken.None).Select(part => part.Text));
        Assert.Equal("<|user|>u<|end|><|assistant|>" + expected + "<|end|><|tool|>{\"degrees\": [4, 5]}<|end|><|assistant|>", prompt);
    }

    [Fact]
    public void AnIdThatTheTemplateRefusesIsReplacedInCallAndResult()
    {
        ChatMessage[] messages =
        [
            new(ChatRole.User, "u"), new(ChatRole.Assistant, [new FunctionCallContent("call_8ZgKd4bTh1", "f")]), new(ChatRole.Tool, [new FunctionResultContent("call_8ZgKd4bTh1", "r")]),
        ];
        string prompt = string.Concat(new PromptBuilder(Parse("mistralai-Mistral-Nemo-Instruct-2407"), "<s>", "</s>").Build(messages, null, null, CancellationToken.None).Select(part => part.Text));
        Assert.Contains("\"id\": \"call00001\"}", prompt, StringComparison.Ordinal);
        Assert.Contains("\"call_id\": \"call00001\"}", prompt, StringComparison.Ordinal);
    }

    /// <summary>As Kimi K2's first templates do, whose numbers of calls go through the conversation.</summary>
    [Fact]
    public void WhereAToldFormatCountsCallsTheyAreCountedThroughTheConversation()
    {
        PromptBuilder builder = new(
            ChatTemplate.Parse(
                "{% if tools %}<|im_system|>tool_declare<|im_middle|>{{ tools | tojson }}<|im_end|>{% endif %}{% for m in messages %}<|im_{{ m.role }}|>{{ m.role }}<|im_middle|>{{ m.content }}<|im_end|>{% endfor %}"
                + "{% if add_generation_prompt %}<|im_assistant|>assistant<|im_middle|>{% endif %}"), "", "");
        ChatMessage[] messages =
        [
            new(ChatRole.User, "u"),
            new(ChatRole.Assistant, [new FunctionCallContent("x", "f"), new FunctionCallContent("y", "g")]),
            new(ChatRole.Tool, [new FunctionResultContent("x", "1"), new FunctionResultContent("y", "2")]),
            new(ChatRole.Assistant, [new FunctionCallContent("z", "f")]),
            new(ChatRole.Tool, [new FunctionResultContent("z", "3")]),
        ];
        string prompt = string.Concat(builder.Build(messages, null, null, CancellationToken.None).Select(part => part.Text));
        Assert.Contains("<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_call_begin|>functions.g:1<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>", prompt, StringComparison.Ordinal);
        Assert.Contains("<|tool_call_begin|>functions.f:2<|tool_call_argument_begin|>", prompt, StringComparison.Ordinal);
    }

    /// <summary>As Seed-OSS' does, which fails where <c>parameters.properties</c> is missing.</summary>
    [Fact]
    public void ATemplateThatNeedsAListOfParametersGetsAnEmptyOne()
    {
        PromptBuilder builder = new(
            ChatTemplate.Parse(
                "{% for t in tools %}{{ t.function.name }}({% for k, v in t.function.parameters.properties.items() %}{{ k }}{% endfor %}) {{ t.function.description }};{% endfor %}{% for m in messages %}<{{ m.role }}>{{ m.content }}"
                + "{% for c in m.tool_calls %}<call>{{ c.function | tojson }}<end>{% endfor %}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"), "", "");
        ToolSet tools = ToolSet.Of(new() { Tools = [AIFunctionFactory.CreateDeclaration("f", "F", JsonElement.Parse("""{"type":"object"}"""))] })!;
        string prompt = string.Concat(builder.Build([new ChatMessage(ChatRole.User, "u")], null, tools, CancellationToken.None).Select(part => part.Text));
        Assert.Equal("f() F;<user>u</s><assistant>", prompt);
    }

    /// <summary>As the templates of Gemma 4 do, which fail where <c>value['type']</c> is missing.</summary>
    [Fact]
    public void ATemplateThatNeedsATypeOfEachParameterGetsOne()
    {
        PromptBuilder builder = new(
            ChatTemplate.Parse(
                "{% macro show(p) %}{% for k, v in p | dictsort %}{{ k }}:{{ (v['type'] if v['type'] is string else v['type'][0]) | upper }}{% if v.properties %}({{ show(v.properties) }}){% endif %},{% endfor %}{% endmacro %}"
                + "{% for t in tools %}{{ t.function.description }}={{ show(t.function.parameters.properties) }};{% endfor %}{% for m in messages %}<{{ m.role }}>{{ m.content }}"
                + "{% for c in m.tool_calls %}<call>{{ c.function | tojson }}<end>{% endfor %}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"), "", "");
        ToolSet tools = ToolSet.Of(new()
        {
            Tools =
            [
                AIFunctionFactory.CreateDeclaration("f", "F", JsonElement.Parse(
                    """{"type":"object","properties":{"any":{},"yes":true,"e":{"enum":[null,4]},"c":{"const":false},"l":{"items":{}},"n":{"type":["integer","null"]},"o":{"properties":{"in":{"enum":["a"]}}},"properties":{"type":"object"}}}""")),
            ],
        })!;
        string prompt = string.Concat(builder.Build([new ChatMessage(ChatRole.User, "u")], null, tools, CancellationToken.None).Select(part => part.Text));
        Assert.Equal("F=any:STRING,c:BOOLEAN,e:NUMBER,l:ARRAY,n:INTEGER,o:OBJECT(in:STRING,),properties:OBJECT,yes:STRING,;<user>u</s><assistant>", prompt);
    }

    /// <summary>As that of Hermes 3 does, which takes a type that it does not know for a list of types, and each letter of it for a type.</summary>
    [Fact]
    public void ATemplateThatNeedsOneTypeOfEachParameterGetsTheFirstBesideNull()
    {
        PromptBuilder builder = new(
            ChatTemplate.Parse(
                "{% macro show(t) %}{% if t.type in ['string', 'integer', 'object'] %}{{ t.type }}{% if t.additionalProperties is mapping %}<{{ show(t.additionalProperties) }}>{% endif %}"
                + "{% elif t.type is iterable %}{% for one in t.type %}{{ show({'type': one}) }}{% endfor %}{% endif %}{% endmacro %}"
                + "{% for t in tools %}{{ t.function.description }}={% for k, v in t.function.parameters.properties | items %}{{ k }}:{{ show(v) }},{% endfor %};{% endfor %}{% for m in messages %}<{{ m.role }}>{{ m.content }}"
                + "{% for c in m.tool_calls %}<call>{{ c.function | tojson }}<end>{% endfor %}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"), "", "");
        ToolSet tools = ToolSet.Of(new()
        {
            Tools =
            [
                AIFunctionFactory.CreateDeclaration("f", "F", JsonElement.Parse(
                    """{"type":"object","properties":{"n":{"type":["integer","null"]},"f":{"type":["null","string"]},"o":{"type":"object","additionalProperties":{"type":["integer","null"]}},"x":{"type":"null"},"type":{"type":"string"}}}""")),
            ],
        })!;
        string prompt = string.Concat(builder.Build([new ChatMessage(ChatRole.User, "u")], null, tools, CancellationToken.None).Select(part => part.Text));
        Assert.Equal("F=n:integer,f:string,o:object<integer>,x:string,type:string,;<user>u</s><assistant>", prompt);
    }

    /// <summary>As the first templates of Gemma 4 do, whose turn goes on below the results of its calls.</summary>
    [Fact]
    public void ATemplateThatReadsResultsFromTheMessageThatCalledGetsThemThere()
    {
        PromptBuilder builder = new(
            ChatTemplate.Parse(
                "{% if tools %}{{ tools | tojson }}{% endif %}{% set ns = namespace(open=false) %}{% for m in messages %}{% if not (ns.open and m.tool_calls) %}<{{ m.role }}>{% endif %}"
                + "{% for c in m.tool_calls %}<call>{{ c.function.name + ' ' }}{{ c.function.arguments | tojson }}<end>{% endfor %}{% for r in m.tool_responses %}<result>{{ r.name }} {{ r.response | tojson }}<end>{% endfor %}{{ m.content }}"
                + "{% set ns.open = m.tool_responses and not m.content %}{% if not ns.open %}</s>{% endif %}{% endfor %}{% if add_generation_prompt and not ns.open %}<assistant>{% endif %}"), "", "");
        Assert.Equal(("tool_responses", true), (builder.Tools.ResultsKey, builder.Tools.WritesCalls));
        List<ChatMessage> messages =
        [
            new(ChatRole.User, "u"), new(ChatRole.Assistant, [new TextContent("Wait."), new FunctionCallContent("1", "f"), new FunctionCallContent("2", "g")]),
            new(ChatRole.Tool, [new FunctionResultContent("2", "two")]), new(ChatRole.Tool, [new FunctionResultContent("1", new { a = 1 })]),
        ];
        const string Round = "<user>u</s><assistant>Wait.</s><assistant><call>f {}<end><call>g {}<end><result>f {\"a\": 1}<end><result>g \"two\"<end>";
        Assert.Equal(Round, Show());
        messages.AddRange([new(ChatRole.Assistant, [new FunctionCallContent("3", "f")]), new(ChatRole.Tool, [new FunctionResultContent("3", "three")]), new(ChatRole.Assistant, "Done.")]);
        const string Whole = Round + "<call>f {}<end><result>f \"three\"<end>Done.</s>";
        Assert.Equal(Whole + "<assistant>", Show());
        messages.Insert(6, new(ChatRole.User, "v"));
        Assert.Equal(Round + "<call>f {}<end><result>f \"three\"<end><user>v</s><assistant>Done.</s><assistant>", Show());

        string Show() => string.Concat(builder.Build(messages, null, null, CancellationToken.None).Select(part => part.Text));
    }

    [Fact]
    public void WhereIdsHoldTheNamesTheyCountTheCallsOfTheConversation()
    {
        PromptBuilder builder = new(
            ChatTemplate.Parse(
                "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% for c in m.tool_calls %}<call>{{ c.id }}<arg>{{ c.function.arguments | tojson }}<end>{% endfor %}"
                + "{% if m.tool_call_id %} of {{ m.tool_call_id }}{% endif %}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"), "", "");
        ChatMessage[] messages =
        [
            new(ChatRole.User, "u"), new(ChatRole.Assistant, [new FunctionCallContent("x", "f"), new FunctionCallContent("y", "g")]), new(ChatRole.Tool, [new FunctionResultContent("y", "r"), new FunctionResultContent("x", "s")]),
            new(ChatRole.Assistant, [new FunctionCallContent("x", "f")]), new(ChatRole.Tool, [new FunctionResultContent("x", "t")]),
            new(ChatRole.Assistant, [new FunctionCallContent("z", "f")]),
        ];
        string prompt = string.Concat(builder.Build(messages, null, null, CancellationToken.None).Select(part => part.Text));
        Assert.Equal(
            "<|user|>u<|end|><|assistant|><call>functions.f:0<arg>{}<end><call>functions.g:1<arg>{}<end><|end|><|tool|>s of functions.f:0<|end|><|tool|>r of functions.g:1<|end|>"
            + "<|assistant|><call>functions.f:2<arg>{}<end><|end|><|tool|>t of functions.f:2<|end|><|assistant|><call>functions.f:3<arg>{}<end><|end|><|assistant|>", prompt);
    }

    public static TheoryData<object?, string?, string> Results => new()
    {
        { "text", null, "text" },
        { 42, null, "42" },
        { null, null, "null" },
        { null, "broken", "Error: broken" },
        { "Error: hidden.", "broken", "Error: hidden." },
        { new TextContent("t"), null, "t" },
    };

    [Theory]
    [MemberData(nameof(Results))]
    public void AResultIsText(object? result, string? error, string expected) => Assert.Equal(expected, ToolConversation.TextOf(
        new FunctionResultContent("1", result) { Exception = error is null ? null : new InvalidOperationException(error) }));

    [Fact]
    public void AResultOfJsonIsItsTextOnOneLine()
    {
        Assert.Equal("""{"a": 1.50, "b": []}""", ToolConversation.TextOf(new FunctionResultContent("1", JsonElement.Parse("""{"a":1.50,"b":[]}"""))));
        Assert.Equal("""{"a:,\"  b\\": [1, {}], "c": "x : y"}""", ToolConversation.TextOf(new FunctionResultContent("1", new JsonObject { ["a:,\"  b\\"] = new JsonArray(1, new JsonObject()), ["c"] = "x : y" })));
        Assert.Equal("x", ToolConversation.TextOf(new FunctionResultContent("1", JsonElement.Parse("\"x\""))));
        Assert.Equal("", ToolConversation.TextOf(new FunctionResultContent("1", default(JsonElement))));
    }

    private static ChatTemplate Parse(string template) => ChatTemplate.Parse(File.ReadAllText(SharedData.Require("data", "templates", template + ".jinja")));
}
