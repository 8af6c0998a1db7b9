using EmbeddedLlm.Client;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

public sealed class ConversationStoreTests
{
    [Fact]
    public void ATurnSeesTheOnesBefore()
    {
        ConversationStore store = new(4);
        string id = store.Create([User("a")]);
        Say(store, id, "b", "c");
        Assert.Equal("a b c d", Texts(store, id, "d"));
    }

    [Fact]
    public void ATurnThatIsNotCompletedLeavesTheConversationAsItWas()
    {
        ConversationStore store = new(4);
        string id = store.Create([]);
        Say(store, id, "a", "b");
        store.Begin(id).Dispose();
        Assert.Equal("a b", Texts(store, id));
    }

    [Fact]
    public void ANewConversationIsKeptOnlyOnceItsTurnIsComplete()
    {
        ConversationStore store = new(4);
        string lost;
        using (ConversationStore.Turn turn = store.Begin(null))
            lost = turn.ConversationId;
        Assert.Equal(lost, Assert.Throws<ConversationNotFoundException>(() => store.Begin(lost)).ConversationId);
        Assert.Equal("a b", Texts(store, Say(store, null, "a", "b")));
    }

    [Fact]
    public void TheLeastRecentlyUsedMakesRoom()
    {
        ConversationStore store = new(2);
        string first = store.Create([User("1")]);
        string second = store.Create([User("2")]);
        Assert.Equal("1", Texts(store, first));
        string third = store.Create([User("3")]);
        Assert.Equal(("1", "3"), (Texts(store, first), Texts(store, third)));
        Assert.Contains(second, Assert.Throws<ConversationNotFoundException>(() => store.Begin(second)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ARemovedConversationIsGoneEvenWhereATurnOfItRuns()
    {
        ConversationStore store = new(2);
        string id = store.Create([]);
        using (ConversationStore.Turn turn = store.Begin(id))
        {
            Assert.True(store.Remove(id));
            turn.Complete([User("a")], Answer("b"));
        }

        Assert.False(store.Remove(id));
        Assert.Throws<ConversationNotFoundException>(() => store.Begin(id));
    }

    [Fact]
    public void OneTurnAtATime()
    {
        ConversationStore store = new(2);
        string id = store.Create([]);
        using (store.Begin(id))
            Assert.Contains(id, Assert.Throws<InvalidOperationException>(() => store.Begin(id)).Message, StringComparison.Ordinal);
        store.Begin(id).Dispose();
    }

    [Fact]
    public void WhatTheCallerChangesLaterIsNotChangedHere()
    {
        ConversationStore store = new(2);
        ChatMessage message = User("a");
        string id = store.Create([message]);
        message.Contents.Clear();
        message.Role = ChatRole.System;
        Assert.Equal("a", Texts(store, id));
    }

    private static ChatMessage User(string text) => new(ChatRole.User, text);

    private static ChatMessage Answer(string text) => new(ChatRole.Assistant, text);

    private static string Say(ConversationStore store, string? id, string text, string answer)
    {
        using ConversationStore.Turn turn = store.Begin(id);
        turn.Complete([User(text)], Answer(answer));
        return turn.ConversationId;
    }

    private static string Texts(ConversationStore store, string id, params string[] more)
    {
        using ConversationStore.Turn turn = store.Begin(id);
        return string.Join(' ', turn.With(more.Select(User)).Select(message => message.Text));
    }
}
