using EmbeddedLlm.Client;
using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Tests.Client;

/// <summary>What is learned from real models' templates.</summary>
public sealed class ToolSupportLearnerTests
{
    private const string Oslo = """{"city": "Oslo"}""";

    /// <summary>Template, variable of the tools, whether it writes calls and results, and one call and two as the model writes them.</summary>
    public static TheoryData<string, string?, bool, bool, string, string> Formats => new()
    {
        { "Qwen-Qwen2.5-7B-Instruct", "tools", true, true, "<tool_call>\n{\"name\": \"a\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call>", "<tool_call>\n{\"name\": \"a\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{\"name\": \"b\", \"arguments\": {}}\n</tool_call>" },
        { "Qwen-Qwen3-0.6B", "tools", true, true, "<tool_call>\n{\"name\": \"a\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call>", "<tool_call>\n{\"name\": \"a\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{\"name\": \"b\", \"arguments\": {}}\n</tool_call>" },
        { "NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "tools", true, true, "<tool_call>\n{\"name\": \"a\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call>", "<tool_call>\n{\"name\": \"a\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{\"name\": \"b\", \"arguments\": {}}\n</tool_call>" },
        { "meta-llama-Llama-3.1-8B-Instruct", "tools", true, true, "{\"name\": \"a\", \"parameters\": {\"city\": \"Oslo\"}}", "{\"name\": \"a\", \"parameters\": {}}\n{\"name\": \"b\", \"parameters\": {}}" },
        { "meta-llama-Llama-3.2-3B-Instruct", "tools", true, true, "{\"name\": \"a\", \"parameters\": {\"city\": \"Oslo\"}}", "{\"name\": \"a\", \"parameters\": {}}\n{\"name\": \"b\", \"parameters\": {}}" },
        { "mistralai-Mistral-Nemo-Instruct-2407", "tools", true, true, "[TOOL_CALLS][{\"name\": \"a\", \"arguments\": {\"city\": \"Oslo\"}, \"id\": \"123456789\"}]", "[TOOL_CALLS][{\"name\": \"a\", \"arguments\": {}, \"id\": \"123456789\"}, {\"name\": \"b\", \"arguments\": {}, \"id\": \"abcdefghi\"}]" },
        { "CohereForAI-c4ai-command-r7b-12-2024-tool_use", "tools", true, true, "<|START_ACTION|>[\n    {\"tool_call_id\": \"0\", \"tool_name\": \"a\", \"parameters\": {\"city\": \"Oslo\"}}\n]<|END_ACTION|>", "<|START_ACTION|>[\n    {\"tool_call_id\": \"0\", \"tool_name\": \"a\", \"parameters\": {}},\n    {\"tool_call_id\": \"1\", \"tool_name\": \"b\", \"parameters\": {}}\n]<|END_ACTION|>" },
        { "ibm-granite-granite-3.3-2B-Instruct", "tools", false, true, "<|tool_call|>[{\"name\": \"a\", \"arguments\": {\"city\": \"Oslo\"}}]", "<|tool_call|>[{\"name\": \"a\", \"arguments\": {}}, {\"name\": \"b\", \"arguments\": {}}]" },
        { "HuggingFaceTB-SmolLM3-3B", null, false, true, "<tool_call>\n{\"name\": \"a\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call>", "<tool_call>\n{\"name\": \"a\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{\"name\": \"b\", \"arguments\": {}}\n</tool_call>" },
        { "deepseek-ai-DeepSeek-R1-Distill-Llama-8B", null, true, true, "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>a\n```json\n{\"city\": \"Oslo\"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>a\n```json\n{}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>b\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>" },
        { "google-gemma-2-2b-it", null, false, false, "<tool_call>\n{\"name\": \"a\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call>", "<tool_call>\n{\"name\": \"a\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{\"name\": \"b\", \"arguments\": {}}\n</tool_call>" },
        { "microsoft-Phi-3.5-mini-instruct", null, false, false, "<tool_call>\n{\"name\": \"a\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call>", "<tool_call>\n{\"name\": \"a\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{\"name\": \"b\", \"arguments\": {}}\n</tool_call>" },
        { "Qwen3-Coder", "tools", true, true, "<tool_call>\n<function=a>\n<parameter=city>\nOslo\n</parameter>\n</function>\n</tool_call>", "<tool_call>\n<function=a>\n</function>\n</tool_call>\n<tool_call>\n<function=b>\n</function>\n</tool_call>" },
        { "GLM-4.6", "tools", true, true, "<tool_call>a\n<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>\n</tool_call>", "<tool_call>a\n</tool_call>\n<tool_call>b\n</tool_call>" },
        { "LFM2-8B-A1B", "tools", false, true, "<|tool_call_start|>[a(city=\"Oslo\")]<|tool_call_end|>", "<|tool_call_start|>[a(), b()]<|tool_call_end|>" },
        { "openai-gpt-oss-120b", "tools", true, true, "<|channel|>commentary to=functions.a <|constrain|>json<|message|>{\"city\": \"Oslo\"}<|call|>", "<|channel|>commentary to=functions.a <|constrain|>json<|message|>{}<|call|>\n<|channel|>commentary to=functions.b <|constrain|>json<|message|>{}<|call|>" },
    };

    [Theory]
    [MemberData(nameof(Formats))]
    public void TheFormatIsThatOfTheModel(string template, string? variable, bool writesCalls, bool writesResults, string one, string two)
    {
        ToolSupport support = Learn(template);
        Assert.Equal(one, support.Format.Write(("a", Oslo, "123456789")));
        Assert.Equal(two, support.Format.Write(("a", "{}", "123456789"), ("b", "{}", "abcdefghi")));
        Assert.Equal((variable, writesCalls, writesResults), (support.Variable, support.WritesCalls, support.WritesResults));
    }

    [Theory]
    [InlineData("Qwen-Qwen3-0.6B", "<tool_call>", false)]
    [InlineData("mistralai-Mistral-Nemo-Instruct-2407", "[TOOL_CALLS]", false)]
    [InlineData("Qwen3-Coder", "<tool_call>", false)]
    [InlineData("GLM-4.6", "<tool_call>", false)]
    [InlineData("LFM2-8B-A1B", "<|tool_call_start|>", false)]
    [InlineData("CohereForAI-c4ai-command-r7b-12-2024-tool_use", "<|START_ACTION|>", false)]
    [InlineData("meta-llama-Llama-3.1-8B-Instruct", "{\"name\": \"", true)]
    public void ACallIsToldByItsMarkerOrByHowTheAnswerBegins(string template, string trigger, bool isAtStart)
    {
        ToolCallFormat format = Learn(template).Format;
        Assert.Equal((trigger, isAtStart), (format.Trigger, format.IsTriggeredAtStart));
    }

    /// <summary>As Functionary's and Llama 3.1's own format: text may come ahead of it.</summary>
    [Fact]
    public void AMarkerThatTheNameIsPartOfCountsAnywhere()
    {
        ToolCallFormat format = Learn(Custom("<function={{ c.function.name }}>{{ c.function.arguments | tojson }}</function>")).Format;
        Assert.Equal(("<function=", false), (format.Trigger, format.IsTriggeredAtStart));
        ToolCallReader reader = new(format);
        (string text, IReadOnlyList<WrittenCall> calls) = reader.Push("I look. <function=f>{\"x\": 1}</function><function=g>{}</function>", isLast: true);
        Assert.Equal(("I look.", "f g"), (text, string.Join(' ', calls.Select(call => call.Name))));
        Assert.True(Learn(Custom("{\"f\": \"{{ c.function.name }}\", \"a\": {{ c.function.arguments | tojson }}}")).Format.IsTriggeredAtStart);
    }

    /// <summary>What a template does with a call where arguments would be read back wrongly, so that nothing of it may be used: the model is told to write calls as Hermes does.</summary>
    [Theory]
    [InlineData("<call:{{ c.function.name }}>{% for k, v in c.function.arguments.items() %}<{{ k }}>{{ v | upper }}</{{ k }}>{% endfor %}</call>")]
    [InlineData("<call:{{ c.function.name }}>{% for k, v in c.function.arguments.items() %}<a k={{ k }}>{{ v | string | escape }}</a>{% endfor %}</call>")]
    [InlineData("<call:{{ c.function.name }}>{% for k, v in c.function.arguments.items() %}<a k={{ k }}>{{ 1 if v is mapping else v }}</a>{% endfor %}</call>")]
    [InlineData("<call:{{ c.function.name }}>{% for k, v in c.function.arguments.items() %}{{ k }} {{ v }}{% endfor %}</call>")]
    [InlineData("<call:{{ c.function.name }}>{% if c.function.arguments is string %}{{ '{' + c.function.arguments + '}' }}{% else %}{% for k, v in c.function.arguments.items() %}{{ k }}:<|\"|>{{ v }}<|\"|>{% endfor %}{% endif %}</call>")]
    [InlineData("<call>{{ c.function.arguments | tojson }}</call>")]
    [InlineData("<call>{{ c.function.name }}</call>")]
    public void AFormatThatWouldBeReadWronglyIsNotLearned(string call)
    {
        ToolSupport support = Learn(Custom(call));
        Assert.Equal(ToolCallFormat.Hermes.Write(("a", Oslo, null)), support.Format.Write(("a", Oslo, null)));
        Assert.Equal((null, false), (support.Variable, support.WritesCalls));
    }

    [Theory]
    [InlineData("<call:{{ c.function.name }}>{% for k, v in c.function.arguments.items() %}<a k=\"{{ k }}\">{{ v if v is string else v | tojson }}</a>{% endfor %}</call>", "<call:f><a k=\"x\">1</a><a k=\"y\">z</a></call>")]
    [InlineData("<call>{{ c.function.name }}({% for k, v in c.function.arguments.items() %}{{ k }}={{ v | tojson }}{{ '; ' if not loop.last }}{% endfor %})</call>", "<call>f(x=1; y=\"z\")</call>")]
    [InlineData("<call>{{ c.function.name }} {% for k, v in c.function.arguments.items() %}<{{ 'str' if v is string else 'val' }} {{ k }}>{{ v if v is string else v | tojson }}<end>{% endfor %}</call>", null)]
    public void ArgumentsThatAreWrittenOneByOneAreLearned(string call, string? expected)
    {
        ToolSupport support = Learn(Custom(call));
        Assert.Equal(expected is not null, support.WritesCalls);
        if (expected is not null)
            Assert.Equal(expected, support.Format.Write(("f", "{\"x\":1,\"y\":\"z\"}", null)));
    }

    /// <summary>As Falcon-H1's template has it, which shows an object as Python writes it, and as Hermes 2's.</summary>
    [Theory]
    [InlineData("<tool_call>\\n{'arguments': <args-dict>, 'name': <function-name>}\\n</tool_call>", "tools")]
    [InlineData("<tool_call>\\n{\\\"arguments\\\": <args-dict>, \\\"name\\\": <function-name>}\\n</tool_call>", "tools")]
    [InlineData("<do>arguments</do>", null)]
    public void AFormatThatTheModelIsOnlyToldIsKnownByWhatItIsShown(string shown, string? variable)
    {
        ToolSupport support = Learn(ChatTemplate.Parse(
            "{% if tools %}<|im_start|>system\n{{ tools | tojson }}{{ \"" + shown + "\" }}<|im_end|>\n{% endif %}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}" +
            "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"));
        Assert.Equal((variable, false), (support.Variable, support.WritesCalls));
        Assert.Equal(ToolCallFormat.Hermes.Write(("a", Oslo, null)), support.Format.Write(("a", Oslo, null)));
    }

    /// <summary>As Kimi K2's first templates have it, which declare tools and tell nothing of calls.</summary>
    [Fact]
    public void DeclaredToolsOfKimiAreCalledAsItIsTrainedTo()
    {
        ToolSupport support = Learn(ChatTemplate.Parse(
            "{% if tools %}{{ '<|im_system|>tool_declare<|im_middle|>' + (tools | tojson) + '<|im_end|>' }}{% endif %}{% for m in messages %}<|im_{{ m.role }}|>{{ m.content }}<|im_end|>{% endfor %}"
            + "{% if add_generation_prompt %}<|im_assistant|>{% endif %}"));
        Assert.Equal(("tools", false, true), (support.Variable, support.WritesCalls, support.WritesResults));
        Assert.Equal(
            "<|tool_calls_section_begin|><|tool_call_begin|>functions.a:0<|tool_call_argument_begin|>{\"city\": \"Oslo\"}<|tool_call_end|><|tool_call_begin|>functions.b:1<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>",
            support.Format.Write(("a", Oslo, null), ("b", "{}", null)));
    }

    /// <summary>As OLMo 3's are in a template of others: the model's own strings are Python's, and earlier calls are written by the library.</summary>
    [Theory]
    [InlineData("'")]
    [InlineData("\"")]
    public void StringsBetweenQuotesThatTheTemplateDoesNotEscapeTellTheNotation(string quote)
    {
        ToolSupport support = Learn(ChatTemplate.Parse(
            "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% for c in m.tool_calls %}{{ '<calls>\n' if loop.first }}{{ c.function.name }}("
            + "{% for k, v in c.function.arguments.items() %}{{ k }}={% if v is string %}" + quote + "{{ v }}" + quote + "{% else %}{{ v | tojson }}{% endif %}{{ ', ' if not loop.last }}{% endfor %})\n{{ '</calls>' if loop.last }}{% endfor %}</s>{% endfor %}"
            + "{% if add_generation_prompt %}<assistant>{% endif %}"));
        Assert.Equal(("tools", false, true), (support.Variable, support.WritesCalls, support.WritesResults));
        Assert.Equal("<calls>\nf(x=\"it's\", y=true)\ng()\n</calls>", support.Format.Write(("f", """{"x": "it's", "y": true}""", null), ("g", "{}", null)));
        IReadOnlyList<WrittenCall> calls = new ToolCallReader(support.Format).Push("<calls>\nf(x='it\\'s \"x\"', y=true)\ng()\n</calls>", isLast: true).Calls;
        Assert.Equal([new("f", """{"x":"it's \"x\"","y":true}"""), new("g", "{}")], calls);
    }

    [Fact]
    public void AFormatThatNobodyKnowsIsLearned()
    {
        ToolSupport support = Learn(ChatTemplate.Parse(
            "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<{{ m.role }}>{{ m.content }}" +
            "{% for c in m.tool_calls %}{% if loop.first %}<<go>>{% else %};{% endif %}({{ c.function.arguments | tojson }} => {{ c.function.name }}){% if loop.last %}!{% endif %}{% endfor %}</s>{% endfor %}" +
            "{% if add_generation_prompt %}<assistant>{% endif %}"));
        Assert.Equal("<<go>>({\"x\": 1} => f);({} => g)!", support.Format.Write(("f", "{\"x\": 1}", null), ("g", "{}", null)));
        Assert.Equal(("tools", true, true), (support.Variable, support.WritesCalls, support.TakesSystemMessage));
    }

    /// <summary>As Nemotron Nano 2's template has it, which takes the last message for an answer's beginning.</summary>
    [Fact]
    public void CallsThatTheLastMessageIsNotWrittenWithAreLearnedFromAnEarlierOne()
    {
        ToolSupport support = Learn(ChatTemplate.Parse(
            "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<{{ m.role }}>{% if loop.last and m.role == 'assistant' %}<think>{{ m.content }}{% else %}{{ m.content }}" +
            "{% if m.tool_calls %}<TOOLCALL>[{% for c in m.tool_calls %}{{ '{\"name\": \"' + c.function.name + '\", \"arguments\": ' }}{{ c.function.arguments | tojson }}{{ '}' + (', ' if not loop.last else '') }}{% endfor %}]</TOOLCALL>{% endif %}{% endif %}</s>{% endfor %}" +
            "{% if add_generation_prompt %}<assistant><think>{% endif %}"));
        Assert.Equal("<TOOLCALL>[{\"name\": \"a\", \"arguments\": {\"city\": \"Oslo\"}}, {\"name\": \"b\", \"arguments\": {}}]</TOOLCALL>", support.Format.Write(("a", Oslo, null), ("b", "{}", null)));
        Assert.Equal(("tools", true, true, false), (support.Variable, support.WritesCalls, support.WritesResults, support.TakesCallsWithoutText));
    }

    /// <summary>As that of DeepSeek R1's distillations of Qwen does for an empty text, and for any text.</summary>
    [Fact]
    public void AnAnswerBelowTheCallsIsNoneWhereThereIsNoText()
    {
        ToolSupport support = Learn(ChatTemplate.Parse(
            "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}{% if m.tool_calls %}<assistant>{% for c in m.tool_calls %}<call>{{ c.function.name }}:{{ c.function.arguments | tojson }}<end>{% endfor %}</s>{% endif %}"
            + "{% if m.content is not none %}<{{ m.role }}>{{ m.content }}</s>{% endif %}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"));
        Assert.Equal("<call>a:{}<end><call>b:{}<end>", support.Format.Write(("a", "{}", null), ("b", "{}", null)));
        Assert.Equal((true, true, true), (support.WritesCalls, support.TakesNoContent, support.TakesCallsWithoutText));
    }

    /// <summary>As Apriel's does: a mapping would come out as Python shows it.</summary>
    [Fact]
    public void WhereArgumentsAreWrittenAsTheyAreTheyAreJsonText()
    {
        ToolSupport support = Learn(Custom("""<call>{{ '{"name": "' + c.function.name + '", "arguments": ' + c.function.arguments | string + '}' }}</call>"""));
        Assert.Equal("<call>{\"name\": \"a\", \"arguments\": {\"city\": \"Oslo\"}}</call>", support.Format.Write(("a", Oslo, null)));
        Assert.Equal((true, true), (support.WritesCalls, support.TakesArgumentsAsText));
    }

    /// <summary>As Kimi K2's does: the id alone tells the function's name.</summary>
    [Fact]
    public void WhereIdsAloneAreWrittenTheyHoldTheNames()
    {
        ChatTemplate template = Custom("{{ '<section>' if loop.first }}<call>{{ c.id }}<arg>{{ c.function.arguments | tojson }}<end>{{ '</section>' if loop.last }}");
        ToolSupport support = Learn(template);
        Assert.Equal("<section><call>functions.a:0<arg>{\"city\": \"Oslo\"}<end><call>functions.b:1<arg>{}<end></section>", support.Format.Write(("a", Oslo, null), ("b", "{}", null)));
        Assert.Equal(("tools", true, true), (support.Variable, support.WritesCalls, support.HasNamesInIds));
        Assert.False(Learn(Custom("<call>{{ c.id }}:{{ c.function.name }}<arg>{{ c.function.arguments | tojson }}<end>")).HasNamesInIds);
    }

    /// <summary>As Llama 4's template has them, whose models write no more than the JSON.</summary>
    [Theory]
    [InlineData("<|python_start|>{{ m.content }}<|python_end|>", "{\"name\": \"a\", \"parameters\": {\"city\": \"Oslo\"}}", true)]
    [InlineData("{% if m.content %}<|python_start|>{{ m.content }}<|python_end|>{% endif %}<go>", "<go>{\"name\": \"a\", \"parameters\": {\"city\": \"Oslo\"}}", false)]
    [InlineData("{{ m.content }}<go>", "<go>{\"name\": \"a\", \"parameters\": {\"city\": \"Oslo\"}}", false)]
    public void MarkersAroundTheTextAheadOfCallsAreNoneOfTheCalls(string text, string expected, bool isAtStart)
    {
        ToolCallFormat format = Learn(ChatTemplate.Parse(
            "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<{{ m.role }}>{% if m.tool_calls %}" + text
            + "{% for c in m.tool_calls %}{{ '{\"name\": \"' + c.function.name + '\", \"parameters\": ' }}{{ c.function.arguments | tojson }}}{% endfor %}{% else %}{{ m.content }}{% endif %}</s>{% endfor %}"
            + "{% if add_generation_prompt %}<assistant>{% endif %}")).Format;
        Assert.Equal((expected, isAtStart), (format.Write(("a", Oslo, null)), format.IsTriggeredAtStart));
    }

    [Theory]
    [InlineData("c.id | length < 9", true)]
    [InlineData("c.id | length > 9", true)]
    [InlineData("c.id is not defined", false)]
    public void IdsThatATemplateRefusesForTheirLengthAreReplaced(string refused, bool takesShortIdsOnly) => Assert.Equal(
        takesShortIdsOnly,
        Learn(Custom("{% if " + refused + " %}{{ raise_exception('id') }}{% endif %}<call>{{ c.function.name }}:{{ c.id[-9:] }} {{ c.function.arguments | tojson }}<end>")).TakesShortIdsOnly);

    [Fact]
    public void OnlyMistralRefusesIdsOfAnotherLength()
    {
        Assert.True(Learn("mistralai-Mistral-Nemo-Instruct-2407").TakesShortIdsOnly);
        Assert.False(Learn("Qwen-Qwen3-0.6B").TakesShortIdsOnly);
    }

    [Fact]
    public void GemmaTakesNoSystemMessage()
    {
        Assert.False(Learn("google-gemma-2-2b-it").TakesSystemMessage);
        Assert.True(Learn("microsoft-Phi-3.5-mini-instruct").TakesSystemMessage);
    }

    private static ChatTemplate Custom(string call) => ChatTemplate.Parse(
        "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% for c in m.tool_calls %}" + call + "{% endfor %}</s>{% endfor %}" +
        "{% if add_generation_prompt %}<assistant>{% endif %}");

    private static ToolSupport Learn(string template) => Learn(ChatTemplate.Parse(File.ReadAllText(SharedData.Require("data", "templates", template + ".jinja"))));

    private static ToolSupport Learn(ChatTemplate template) => ToolSupportLearner.Learn(template, "<s>", "</s>");
}
