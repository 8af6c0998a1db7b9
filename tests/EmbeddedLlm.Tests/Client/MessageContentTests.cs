using EmbeddedLlm.Client;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

public sealed class MessageContentTests
{
    public static TheoryData<AIContent> NotSupported =>
    [
        new DataContent(new byte[] { 1 }, "image/png"),
        new DataContent(new byte[] { 1 }, "audio/wav"),
        new UriContent("https://example.org/a.png", "image/png"),
        new HostedFileContent("file"),
        new HostedVectorStoreContent("store"),
        new FunctionCallContent("1", "f"),
        new TextReasoningContent("hm"),
        new ToolApprovalRequestContent("1", new FunctionCallContent("1", "f")),
        new OwnContent(),
    ];

    [Theory]
    [MemberData(nameof(NotSupported))]
    public void ContentThatIsNotSupportedIsNamedWithItsMessage(AIContent content)
    {
        string message = Assert.Throws<NotSupportedException>(() => MessageContent.Of(new ChatMessage(ChatRole.User, [new TextContent("a"), content]), 3)).Message;
        Assert.StartsWith($"Message 3 (of role 'user') has content of type {content.GetType().Name}, ", message, StringComparison.Ordinal);
    }

    [Fact]
    public void TextsAreJoinedWithNothingBetween() => Assert.Equal("ab c", Of(ChatRole.User, new TextContent("a"), new TextContent(null), new TextContent("b "), new TextContent("c")).Text);

    [Fact]
    public void AnErrorIsItsMessage() => Assert.Equal("no", Of(ChatRole.Assistant, new ErrorContent("no")).Text);

    [Fact]
    public void UsageSaysNothing() => Assert.Equal("a", Of(ChatRole.Assistant, new UsageContent(new UsageDetails()), new TextContent("a")).Text);

    [Fact]
    public void AnAssistantsReasoningIsApartFromItsText()
    {
        MessageContent content = Of(ChatRole.Assistant, new TextReasoningContent("h"), new TextReasoningContent("m"), new TextContent("a"));
        Assert.Equal(("hm", "a"), (content.Reasoning, content.Text));
    }

    [Fact]
    public void AMessageMayBeEmpty() => Assert.Equal(("", null, 0), (Of(ChatRole.User).Text, Of(ChatRole.User).Reasoning, Of(ChatRole.User).Calls.Count));

    [Fact]
    public void AResultIsNoContentOfAnAssistant() => Assert.Throws<NotSupportedException>(() => Of(ChatRole.Assistant, new FunctionResultContent("1", "x")));

    private static MessageContent Of(ChatRole role, params AIContent[] contents) => MessageContent.Of(new ChatMessage(role, contents), 0);

    private sealed class OwnContent : AIContent;
}
