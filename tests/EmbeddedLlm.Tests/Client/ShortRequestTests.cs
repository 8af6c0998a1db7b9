using EmbeddedLlm.Client;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

public sealed class ShortRequestTests
{
    private static readonly ChatMessage[] Greeting = [new(ChatRole.System, "Be brief."), new(ChatRole.User, "Hello!")];

    [Fact]
    public void AFewWordsAre()
    {
        Assert.True(ShortRequest.Is(Greeting, null, null));
        Assert.True(ShortRequest.Is(Greeting, new ChatOptions { Instructions = "Rhyme.", ResponseFormat = ChatResponseFormat.Text, Tools = [] }, new EmbeddedChatOptions { Priority = 1 }));
    }

    [Theory]
    [InlineData(1, 1_990, true)]
    [InlineData(1, 2_000, false)]
    [InlineData(10, 150, true)]
    [InlineData(10, 200, false)]
    [InlineData(16, 1, true)]
    [InlineData(17, 1, false)]
    public void MuchTextIsNot(int messages, int characters, bool expected) =>
        Assert.Equal(expected, ShortRequest.Is([.. Enumerable.Range(0, messages).Select(_ => new ChatMessage(ChatRole.User, new string('a', characters)))], null, null));

    [Fact]
    public void TextCountsWhereverItIs()
    {
        string half = new('a', 1_000);
        Assert.False(ShortRequest.Is([new ChatMessage(ChatRole.User, [new TextContent(half), new TextContent(half)])], null, null));
        Assert.False(ShortRequest.Is([new ChatMessage(ChatRole.User, half)], new ChatOptions { Instructions = half }, null));
        Assert.False(ShortRequest.Is([new ChatMessage(ChatRole.User, [.. Enumerable.Range(0, 10_000).Select(_ => new TextContent(""))])], null, null));
    }

    [Fact]
    public void OtherContentsAreNot() => Assert.False(ShortRequest.Is([new ChatMessage(ChatRole.User, [new FunctionResultContent("1", "result")])], null, null));

    [Fact]
    public void WhatIsCompiledOrKeptIsNot()
    {
        Assert.False(ShortRequest.Is(Greeting, new ChatOptions { Tools = [AIFunctionFactory.Create(() => 1, "one")] }, null));
        Assert.False(ShortRequest.Is(Greeting, new ChatOptions { ResponseFormat = ChatResponseFormat.Json }, null));
        Assert.False(ShortRequest.Is(Greeting, new ChatOptions { ConversationId = "1" }, null));
        Assert.False(ShortRequest.Is(Greeting, null, new EmbeddedChatOptions { Grammar = Grammar.FromRegex("a") }));
        Assert.False(ShortRequest.Is(Greeting, null, new EmbeddedChatOptions { KeepConversation = true }));
    }
}
