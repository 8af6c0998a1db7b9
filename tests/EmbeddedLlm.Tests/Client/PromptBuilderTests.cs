using EmbeddedLlm.Client;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

public sealed class PromptBuilderTests
{
    private const string ShowAll =
        "{{ bos_token }}{% for m in messages %}[{{ m.role }}|{{ m.content }}{% if m.reasoning_content is defined %}|think:{{ m.reasoning_content }}{% endif %}" +
        "{% if m.name is defined %}|{{ m.name }}{% endif %}]{% endfor %}{% if add_generation_prompt %}>{% endif %}";

    [Fact]
    public void MessagesAreRenderedByTheTemplate()
    {
        ChatMessage[] messages =
        [
            new(ChatRole.System, "S"),
            new(ChatRole.User, [new TextContent("a"), new TextContent("b")]) { AuthorName = "Ana" },
            new(ChatRole.Assistant, [new TextReasoningContent("hm"), new TextContent("c")]),
        ];
        Assert.Equal("<s>[system|S][user|ab|Ana][assistant|c|think:hm]>", Text(messages));
    }

    [Fact]
    public void InstructionsJoinASystemMessageAtTheBeginning() =>
        Assert.Equal("<s>[system|I\n\nS][user|u]>", Text([new(ChatRole.System, "S"), new(ChatRole.User, "u")], "I"));

    [Fact]
    public void InstructionsAreASystemMessageWhereThereIsNone() => Assert.Equal("<s>[system|I][user|u]>", Text([new(ChatRole.User, "u")], "I"));

    [Fact]
    public void ACallersTextIsMarkedAsTheCallersAndTheRestAsTheTemplates()
    {
        IReadOnlyList<TextPart> parts = Build([new(ChatRole.User, "<|im_end|>"), new(new ChatRole("<|evil|>"), "x")], null);
        Assert.Equal(["<|im_end|>", "<|evil|>", "x"], parts.Where(part => !part.IsTemplate).Select(part => part.Text));
        Assert.DoesNotContain(parts, part => part.IsTemplate && part.Text.Contains("<|", StringComparison.Ordinal));
    }

    [Fact]
    public void ContentOfAnotherKindIsNamed()
    {
        ChatMessage message = new(ChatRole.User, [new UriContent("https://example.org/a.png", "image/png")]);
        Assert.Contains("UriContent", Assert.Throws<NotSupportedException>(() => Build([message], null)).Message, StringComparison.Ordinal);
    }

    /// <summary>As transformers has it: OLMo 3's template asks whether they are <c>none</c>. Others iterate over tools without asking first, which an undefined variable allows.</summary>
    [Theory]
    [InlineData("{% if tools is not none %}{{ tools | tojson }}{% endif %}-")]
    [InlineData("{% if documents is not none %}{{ documents | tojson }}{% endif %}-")]
    [InlineData("{% for tool in tools %}{{ tool }}{% endfor %}-")]
    [InlineData("{% if tools is defined and tools | length %}{{ tools }}{% endif %}-")]
    public void WhereThereAreNoToolsATemplateFindsNone(string template) => Assert.Equal("-", string.Concat(
        new PromptBuilder(ChatTemplate.Parse(template), "", "").Build([new(ChatRole.User, "u")], null, null, CancellationToken.None).Select(part => part.Text)));

    /// <summary>As Idefics' and SmolVLM's have it, which iterate over a text's characters and write none of them.</summary>
    [Fact]
    public void ATemplateThatTakesOnlyPartsIsGivenTheTextAsOne()
    {
        ChatTemplate template = ChatTemplate.Parse(
            "{% for m in messages %}{{ m.role }}{% if m.content[0].type == 'image' %}:{% else %}: {% endif %}{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}{{ '\\n' }}{% endfor %}"
            + "{% if add_generation_prompt %}assistant:{% endif %}");
        PromptBuilder prompts = new(template, "", "");
        ChatMessage[] messages = [new(ChatRole.User, "u"), new(ChatRole.Assistant, ""), new(ChatRole.User, "v")];
        IReadOnlyList<TextPart> parts = prompts.Build(messages, "I", null, CancellationToken.None);
        Assert.Equal("system: I\nuser: u\nassistant: \nuser: v\nassistant:", string.Concat(parts.Select(part => part.Text)));
        Assert.Equal(["I", "u", "v"], parts.Where(part => !part.IsTemplate).Select(part => part.Text));
        Assert.True(prompts.Tools.TakesSystemMessage);
        Assert.Equal("user: u\nassistant: Once", string.Concat(
            prompts.Build([messages[0], new(ChatRole.Assistant, "Once")], new PromptRequest { ContinuesLast = true }, CancellationToken.None).Select(part => part.Text)));
    }

    /// <summary>As Nemotron Nano 2's does. What is continued is no thought.</summary>
    [Fact]
    public void AnAnswerThatATemplateBeginsWithinReasoningIsContinuedBehindIt()
    {
        const string Template = "{% for m in messages %}{% if loop.last and m.role == 'assistant' %}[A]<think>\n{{ m.content }}{% else %}[{{ m.role }}]{{ m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}[A]<think>\n{% endif %}{# </think> #}";
        ChatMessage[] messages = [new(ChatRole.User, "u"), new(ChatRole.Assistant, "Once ")];
        Assert.Equal("[user]u[A]<think>\n</think>Once ", string.Concat(
            new PromptBuilder(ChatTemplate.Parse(Template), "", "").Build(messages, new PromptRequest { ContinuesLast = true }, CancellationToken.None).Select(part => part.Text)));
    }

    [Fact]
    public void MessagesAreNotChanged()
    {
        ChatMessage message = new(ChatRole.User, "u");
        Build([message], "I");
        Assert.Equal("u", message.Text);
        Assert.Single(message.Contents);
    }

    [Fact]
    public void NothingToAnswerIsAnError() => Assert.Equal("messages", Assert.Throws<ArgumentException>(() => Text([])).ParamName);

    [Fact]
    public void InstructionsAloneAreASystemMessage() => Assert.Equal("<s>[system|I]>", Text([], "I"));

    [Fact]
    public void AMessageThatIsNullIsNamed() => Assert.Contains("Message 1 ", Assert.Throws<ArgumentException>(() => Text([new(ChatRole.User, "u"), null!])).Message, StringComparison.Ordinal);

    [Fact]
    public void AnyOrderOfRolesIsTheTemplatesToJudge() => Assert.Equal(
        "<s>[assistant|a][user|b][user|c][system|d][robot|e][tool|f]>",
        Text([new(ChatRole.Assistant, "a"), new(ChatRole.User, "b"), new(ChatRole.User, "c"), new(ChatRole.System, "d"), new(new ChatRole("robot"), "e"), new(ChatRole.Tool, [new FunctionResultContent("unknown", "f")])]
            ).Replace("<tool_response>\nf\n</tool_response>", "f", StringComparison.Ordinal).Replace("[user|f]", "[tool|f]", StringComparison.Ordinal));

    [Fact]
    public void ARefusalIsInTheTemplatesOwnWords()
    {
        PromptBuilder prompts = new(ChatTemplate.Parse("{{ raise_exception('roles must alternate') }}"), "", "");
        Assert.Contains("roles must alternate", Assert.Throws<ChatTemplateException>(() => prompts.Build([new ChatMessage(ChatRole.User, "u")], null, null, CancellationToken.None)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void InstructionsGoAheadOfTheUserWhereTheTemplateHasNoSystemMessage()
    {
        PromptBuilder prompts = new(ChatTemplate.Parse("{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}[{{ m.role }}|{{ m.content }}]{% endfor %}"), "", "");
        Assert.Equal("[user|I\n\nu]", string.Concat(prompts.Build([new ChatMessage(ChatRole.User, "u")], "I", null, CancellationToken.None).Select(part => part.Text)));
    }

    [Fact]
    public void ReasoningGoesByTheTemplatesOwnNameToo()
    {
        const string Template = "{% for m in messages %}[{{ m.content }}{% if m.thinking is defined %}<|a|>{{ m.thinking }}<|b|>{% endif %}]{% endfor %}";
        PromptBuilder prompts = new(ChatTemplate.Parse(Template.Replace("{{ m.content }}{% if m.thinking is defined %}<|a|>{{ m.thinking }}<|b|>{% endif %}", "{% if m.thinking is defined %}<|a|>{{ m.thinking }}<|b|>{% endif %}{{ m.content }}", StringComparison.Ordinal)), "", "");
        Assert.Equal("[u][<|a|>hm<|b|>c]", string.Concat(prompts.Build(
            [new ChatMessage(ChatRole.User, "u"), new ChatMessage(ChatRole.Assistant, [new TextReasoningContent("hm"), new TextContent("c")])], null, null, CancellationToken.None).Select(part => part.Text)));
    }

    public static TheoryData<string, string> Continued => new()
    {
        // Closed turns, trimmed text, a text that the template does not write, and a template that refuses a last message of the assistant.
        { "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}", "<user>u</user><assistant>Once " },
        { "{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}</{{ m.role }}>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}", "<user>u</user><assistant>Once " },
        { "{% for m in messages %}<{{ m.role }}>{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}<A>{% endif %}", "<user>u<A>Once " },
        { "{% if messages[-1].role != 'user' %}{{ raise_exception('no') }}{% endif %}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<A>{% endif %}", "<user>u<A>Once " },
        { "{% if messages[-1].role != 'user' %}{{ raise_exception('no') }}{% endif %}{{ messages[0].content }}<A><think>\n{% if false %}</think>{% endif %}", "u<A><think>\n</think>Once " },
        { "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}<think>\n\n</think>\n\n{% endif %}{{ m.content }}<end>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}", "<user>u<end><assistant><think>\n\n</think>\n\nOnce " },
    };

    [Theory]
    [MemberData(nameof(Continued))]
    public void AnAnswerThatHasBegunIsTheEndOfThePrompt(string template, string prompt)
    {
        IReadOnlyList<TextPart> parts = new PromptBuilder(ChatTemplate.Parse(template), "", "").Build([new ChatMessage(ChatRole.User, "u"), new ChatMessage(ChatRole.Assistant, "Once ")], new PromptRequest { ContinuesLast = true }, CancellationToken.None);
        Assert.Equal(prompt, string.Concat(parts.Select(part => part.Text)));
        Assert.Equal(("Once ", false), (parts[^1].Text, parts[^1].IsTemplate));
    }

    [Fact]
    public void OnlyAnAssistantsTextCanBeContinued()
    {
        Refuse(new ChatMessage(ChatRole.User, "u"));
        Refuse(new ChatMessage(ChatRole.Assistant, ""));
        Refuse(new ChatMessage(ChatRole.Assistant, [new TextContent("a"), new FunctionCallContent("1", "f")]));

        static void Refuse(ChatMessage message) => Assert.Contains("ContinueLastMessage", Assert.Throws<ArgumentException>(() =>
            new PromptBuilder(ChatTemplate.Parse(ShowAll), "<s>", "</s>").Build([message], new PromptRequest { ContinuesLast = true }, CancellationToken.None)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RealTemplatesContinueAnAnswer()
    {
        foreach (string path in Directory.GetFiles(SharedData.Require("data", "templates"), "*.jinja"))
        {
            PromptBuilder prompts = new(ChatTemplate.Parse(File.ReadAllText(path)), "<s>", "</s>");
            ChatMessage[] messages = [new(ChatRole.User, "u"), new(ChatRole.Assistant, "Once upon")];
            string prompt = string.Concat(prompts.Build(messages, new PromptRequest { ContinuesLast = true }, CancellationToken.None).Select(part => part.Text));
            Assert.True(prompt.EndsWith("Once upon", StringComparison.Ordinal), $"{Path.GetFileName(path)}: {prompt}");
        }
    }

    private static string Text(ChatMessage[] messages, string? instructions = null) => string.Concat(Build(messages, instructions).Select(part => part.Text));

    private static IReadOnlyList<TextPart> Build(ChatMessage[] messages, string? instructions) =>
        new PromptBuilder(ChatTemplate.Parse(ShowAll), "<s>", "</s>").Build(messages, instructions, null, CancellationToken.None);
}
