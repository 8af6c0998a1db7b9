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

    /// <summary>Some templates iterate over tools without asking first, which an undefined variable allows and a null does not.</summary>
    [Fact]
    public void ToolsAreUndefinedWhereThereAreNone() => Assert.Equal("-", string.Concat(
        new PromptBuilder(ChatTemplate.Parse("{% for tool in tools %}{{ tool }}{% endfor %}-"), "", "").Build([new(ChatRole.User, "u")], null, null, CancellationToken.None).Select(part => part.Text)));

    [Fact]
    public void MessagesAreNotChanged()
    {
        ChatMessage message = new(ChatRole.User, "u");
        Build([message], "I");
        Assert.Equal("u", message.Text);
        Assert.Single(message.Contents);
    }

    private static string Text(ChatMessage[] messages, string? instructions = null) => string.Concat(Build(messages, instructions).Select(part => part.Text));

    private static IReadOnlyList<TextPart> Build(ChatMessage[] messages, string? instructions) =>
        new PromptBuilder(ChatTemplate.Parse(ShowAll), "<s>", "</s>").Build(messages, instructions, null, CancellationToken.None);
}
