using EmbeddedLlm.Client;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

public sealed class ReasoningRequestTests
{
    private static readonly ReasoningSupport s_thinking = ReasoningSupport.Learn(ChatTemplate.Parse("<think></think>"), "", "");
    private static readonly ReasoningSupport s_plain = ReasoningSupport.Learn(ChatTemplate.ChatMl, "", "");

    [Theory]
    [InlineData(null, null)]
    [InlineData(ReasoningEffort.None, 0)]
    [InlineData(ReasoningEffort.Low, 1024)]
    [InlineData(ReasoningEffort.Medium, 4096)]
    [InlineData(ReasoningEffort.High, 16384)]
    [InlineData(ReasoningEffort.ExtraHigh, null)]
    public void AnEffortIsABudget(ReasoningEffort? effort, int? budget) => Assert.Equal(budget, Of(effort, null).Budget);

    [Fact]
    public void TheOwnBudgetGoesFirst()
    {
        ReasoningRequest request = ReasoningRequest.Of(new ChatOptions { Reasoning = new() { Effort = ReasoningEffort.High } }, new EmbeddedChatOptions { ReasoningBudget = 9 }, s_thinking);
        Assert.Equal((ReasoningEffort.High, 9), (request.Effort, request.Budget));
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData(ReasoningOutput.None, false)]
    [InlineData(ReasoningOutput.Summary, true)]
    [InlineData(ReasoningOutput.Full, true)]
    public void OnlyNoneHidesTheReasoning(ReasoningOutput? output, bool isShown) => Assert.Equal(isShown, Of(null, output).IsShown);

    [Theory]
    [InlineData(ReasoningEffort.Low)]
    [InlineData(ReasoningEffort.ExtraHigh)]
    public void AModelThatDoesNotReasonRefusesAnEffort(ReasoningEffort effort) => Assert.Contains(
        "ChatOptions.Reasoning.Effort ",
        Assert.Throws<NotSupportedException>(() => ReasoningRequest.Of(new ChatOptions { Reasoning = new() { Effort = effort } }, null, s_plain)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void AModelThatDoesNotReasonTakesNone()
    {
        ChatOptions none = new() { Reasoning = new() { Effort = ReasoningEffort.None, Output = ReasoningOutput.Full } };
        Assert.Equal(new ReasoningRequest(ReasoningEffort.None, 5, IsShown: true), ReasoningRequest.Of(none, new EmbeddedChatOptions { ReasoningBudget = 5 }, s_plain));
        Assert.Equal(new ReasoningRequest(null, null, IsShown: true), ReasoningRequest.Of(new ChatOptions { Reasoning = new() }, null, s_plain));
    }

    [Fact]
    public void WhatIsNoEffortOutputOrBudgetIsRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Of((ReasoningEffort)77, null));
        Assert.Throws<ArgumentOutOfRangeException>(() => Of(null, (ReasoningOutput)77));
        Assert.Throws<ArgumentOutOfRangeException>(() => ReasoningRequest.Of(null, new EmbeddedChatOptions { ReasoningBudget = -1 }, s_thinking));
    }

    private static ReasoningRequest Of(ReasoningEffort? effort, ReasoningOutput? output) =>
        ReasoningRequest.Of(new ChatOptions { Reasoning = new() { Effort = effort, Output = output } }, null, s_thinking);
}
