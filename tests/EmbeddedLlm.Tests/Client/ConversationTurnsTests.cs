using EmbeddedLlm.Client;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

public sealed class ConversationTurnsTests
{
    /// <summary>S: system, U: user, A: assistant, T: tool.</summary>
    [Theory]
    [InlineData("", 0, 0, "")]
    [InlineData("SUA", 0, 0, "SUA")]
    [InlineData("SUAU", 0, 0, "SUAU")]
    [InlineData("SU1AU2AU3", 1, 1, "SU1AU3")]
    [InlineData("SU1AU2ATAU3AU4", 2, 1, "SU1AU3AU4")]
    [InlineData("SU1AU2ATAU3AU4", 2, 2, "SU1AU4")]
    [InlineData("AU1AU2AU3", 1, 1, "AU1AU3")]
    [InlineData("U1AU2SAU3", 1, 1, "U1ASU3")]
    public void OldTurnsAreLeftOutWhole(string conversation, int droppable, int dropped, string rest)
    {
        ConversationTurns turns = new(Parse(conversation));
        Assert.Equal(droppable, turns.DroppableCount);
        Assert.Equal(rest, string.Concat(turns.Without(dropped).Select(message => message.Text)));
    }

    [Theory]
    [InlineData(100, 0)]
    [InlineData(12, 0)]
    [InlineData(11, 1)]
    [InlineData(6, 2)]
    [InlineData(1, 2)]
    public void NoMoreIsLeftOutThanMustBe(int most, int dropped) =>
        Assert.Equal(dropped, new ConversationTurns(Parse("SUAUATAUAAAU")).LeastToDrop(messages => messages.Count <= most));

    [Fact]
    public void AGrowingConversationKeepsItsBeginningForSeveralTurns()
    {
        List<int> dropped = [];
        for (int turns = 60; turns < 160; turns++)
        {
            ConversationTurns conversation = new(Parse("S" + string.Concat(Enumerable.Repeat("UA", turns)) + "U"));
            int count = conversation.CountToDrop(Length, (turns * 2) + 2, longest: 80);
            int length = Length(conversation.Without(count));
            Assert.InRange(length, 60, 80);
            dropped.Add(count);
        }

        Assert.Equal(dropped.Order(), dropped);
        // A stride is 20 messages, ten turns.
        Assert.InRange(dropped.Distinct().Count(), 10, 11);

        static int Length(IReadOnlyList<ChatMessage> messages) => messages.Count;
    }

    [Theory]
    [InlineData(26, 1)]
    [InlineData(25, 1)]
    [InlineData(24, 2)]
    [InlineData(20, 2)]
    public void WhatHasToStayIsNoReasonToLeaveOutMoreThanMustBe(int most, int dropped) =>
        Assert.Equal(dropped, new ConversationTurns(Parse(new string('S', 20) + "UAUAUAU")).CountToDrop(messages => messages.Count, 27, most));

    private static List<ChatMessage> Parse(string conversation)
    {
        List<ChatMessage> messages = [];
        foreach (char c in conversation)
        {
            ChatRole? role = c switch { 'S' => ChatRole.System, 'U' => ChatRole.User, 'A' => ChatRole.Assistant, 'T' => ChatRole.Tool, _ => null };
            if (role is { } known)
                messages.Add(new ChatMessage(known, $"{c}"));
            else
                messages[^1] = new ChatMessage(messages[^1].Role, messages[^1].Text + c);
        }

        return messages;
    }
}
