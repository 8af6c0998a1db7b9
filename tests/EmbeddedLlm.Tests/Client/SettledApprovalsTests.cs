using EmbeddedLlm.Client;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

public sealed class SettledApprovalsTests
{
    [Fact]
    public void AConversationWithoutThemIsLeftAsItIs()
    {
        ChatMessage[] messages = [new(ChatRole.User, "a"), new(ChatRole.Assistant, [new FunctionCallContent("1", "f") { InformationalOnly = true }]), null!];
        Assert.Same(messages, SettledApprovals.LeaveOut(messages));
    }

    [Fact]
    public void RequestsAndAnswersThatHaveBeenActedOnAreLeftOut() => Assert.Equal(
        ["user: a", "assistant: call", "tool: result", "assistant: b", "user: c"],
        Describe(SettledApprovals.LeaveOut([new(ChatRole.User, "a"), Request(), Response(), Call(), Result(), new(ChatRole.Assistant, "b"), new(ChatRole.User, "c")])));

    [Fact]
    public void WhatAnAssistantSaidBesideARequestIsOneMessageWithItsCall() => Assert.Equal(
        ["user: a", "assistant: let me see, call", "tool: result"],
        Describe(SettledApprovals.LeaveOut([new(ChatRole.User, "a"), Request(new TextContent("let me see")), Response(), Call(), Result()])));

    [Fact]
    public void WhatAUserSaysBesideAnAnswerStaysAMessageOfItsOwn() => Assert.Equal(
        ["user: a", "assistant: let me see", "user: go on", "assistant: call", "tool: result"],
        Describe(SettledApprovals.LeaveOut([new(ChatRole.User, "a"), Request(new TextContent("let me see")), Response(new TextContent("go on")), Call(), Result()])));

    [Fact]
    public void TheCallersMessagesAreNotChanged()
    {
        ChatMessage request = Request(new TextContent("let me see"));
        SettledApprovals.LeaveOut([new(ChatRole.User, "a"), request, Response(), Call()]);
        Assert.Equal(2, request.Contents.Count);
    }

    [Fact]
    public void WhatIsNotSettledStays()
    {
        ChatMessage[] messages = [new(ChatRole.Assistant, [new ToolApprovalRequestContent("1", new FunctionCallContent("1", "f"))])];
        Assert.Same(messages, SettledApprovals.LeaveOut(messages));
    }

    private static ChatMessage Request(params AIContent[] more) =>
        new(ChatRole.Assistant, [.. more, new ToolApprovalRequestContent("1", Settled())]);

    private static ChatMessage Response(params AIContent[] more) => new(ChatRole.User, [.. more, new ToolApprovalResponseContent("1", true, Settled())]);

    private static ChatMessage Call() => new(ChatRole.Assistant, [Settled()]);

    private static ChatMessage Result() => new(ChatRole.Tool, [new FunctionResultContent("1", "x")]);

    private static FunctionCallContent Settled() => new("1", "f") { InformationalOnly = true };

    private static IEnumerable<string> Describe(IEnumerable<ChatMessage> messages) => messages.Select(message => $"{message.Role}: " + string.Join(", ", message.Contents.Select(content => content switch
    {
        TextContent text => text.Text,
        FunctionCallContent => "call",
        FunctionResultContent => "result",
        _ => content.GetType().Name,
    })));
}
