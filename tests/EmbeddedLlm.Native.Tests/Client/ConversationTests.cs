using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Client;

public sealed class ConversationTests(StarterModelFixture starter)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OnlyNewMessagesAreSent(bool isStreamed)
    {
        ChatOptions options = new() { ConversationId = starter.Model.CreateConversation() };
        ChatResponse first = await AskAsync("My name is Carla.");
        Assert.Equal(options.ConversationId, first.ConversationId);
        Assert.Equal("Your name is Carla.", (await AskAsync("What is my name?")).Text);
        Assert.True(starter.Model.RemoveConversation(options.ConversationId));
        Assert.Equal(options.ConversationId, (await Assert.ThrowsAsync<ConversationNotFoundException>(() => AskAsync("What is my name?"))).ConversationId);

        async Task<ChatResponse> AskAsync(string text)
        {
            if (!isStreamed)
                return await starter.Chat.GetResponseAsync(text, options, Cancel);
            List<ChatResponseUpdate> updates = await starter.Chat.GetStreamingResponseAsync(text, options, Cancel).ToListAsync(Cancel);
            Assert.All(updates, update => Assert.Equal(options.ConversationId, update.ConversationId));
            return updates.ToChatResponse();
        }
    }

    [Fact]
    public async Task AConversationMayBeginWithAnyRequest()
    {
        ChatOptions keep = new() { RawRepresentationFactory = _ => new EmbeddedChatOptions { KeepConversation = true } };
        ChatResponse first = await starter.Chat.GetResponseAsync("My name is Carla.", keep, Cancel);
        ChatResponse second = await starter.Chat.GetResponseAsync("What is my name?", new() { ConversationId = first.ConversationId }, Cancel);
        Assert.Equal("Your name is Carla.", second.Text);
        Assert.True(starter.Model.RemoveConversation(first.ConversationId!));
    }

    [Fact]
    public async Task AStatelessRequestHasNoConversation() => Assert.Null((await starter.Chat.GetResponseAsync("Hello!", cancellationToken: Cancel)).ConversationId);

    [Fact]
    public async Task ARequestThatFailsOrIsLeftLeavesTheConversationAsItWas()
    {
        ChatOptions options = new() { ConversationId = starter.Model.CreateConversation([new(ChatRole.User, "My name is Carla."), new(ChatRole.Assistant, "Nice to meet you, Carla!")]) };
        await Assert.ThrowsAsync<NotSupportedException>(() => starter.Chat.GetResponseAsync(new ChatMessage(ChatRole.User, [new UriContent("https://example.org/a.png", "image/png")]), options, Cancel));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starter.Chat.GetResponseAsync("My name is Tom.", options, new CancellationToken(true)));
        await foreach (ChatResponseUpdate update in starter.Chat.GetStreamingResponseAsync("My name is Tom.", options, Cancel))
            break;
        Assert.Equal("Your name is Carla.", (await starter.Chat.GetResponseAsync("What is my name?", options, Cancel)).Text);
    }

    [Fact]
    public async Task OneRequestAtATimeMayUseAConversation()
    {
        ChatOptions options = new() { ConversationId = starter.Model.CreateConversation() };
        await using IAsyncEnumerator<ChatResponseUpdate> running = starter.Chat.GetStreamingResponseAsync("Count to five.", options, Cancel).GetAsyncEnumerator(Cancel);
        Assert.True(await running.MoveNextAsync());
        await Assert.ThrowsAsync<InvalidOperationException>(() => starter.Chat.GetResponseAsync("Hello!", options, Cancel));
        while (await running.MoveNextAsync())
        {
        }

        Assert.NotEmpty((await starter.Chat.GetResponseAsync("Hello!", options, Cancel)).Text);
    }

    [Fact]
    public async Task InstructionsAreNotKept()
    {
        string id = starter.Model.CreateConversation();
        ChatResponse first = await starter.Chat.GetResponseAsync("Hello!", new() { ConversationId = id, Instructions = "Answer briefly.", MaxOutputTokens = 1 }, Cancel);
        ChatResponse second = await starter.Chat.GetResponseAsync("Hello!", new() { ConversationId = id, MaxOutputTokens = 1 }, Cancel);
        ChatResponse stateless = await starter.Chat.GetResponseAsync([new(ChatRole.User, "Hello!"), first.Messages[0], new(ChatRole.User, "Hello!")], new() { MaxOutputTokens = 1 }, Cancel);
        Assert.Equal(stateless.Usage!.InputTokenCount, second.Usage!.InputTokenCount);
    }

    [Fact]
    public async Task TheNextTurnComputesOnlyWhatIsNew()
    {
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", cancellationToken: Cancel);
        ChatOptions options = new() { ConversationId = model.CreateConversation() };
        ChatResponse first = await model.AsChatClient().GetResponseAsync("Count to five.", options, Cancel);
        ChatResponse second = await model.AsChatClient().GetResponseAsync("Hello!", options, Cancel);
        Assert.True(second.Usage!.CachedInputTokenCount >= first.Usage!.InputTokenCount);
    }

    [Fact]
    public async Task CallsOfFunctionsGoOnWithinAConversation()
    {
        string id = starter.Model.CreateConversation();
        int calls = 0;
        IChatClient chat = starter.Model.AsChatClient().AsBuilder().UseFunctionInvocation(configure: client => client.MaximumIterationsPerRequest = 2).Build();
        ChatOptions options = new() { ConversationId = id, Tools = [AIFunctionFactory.Create(() => { calls++; return "sunny"; }, "weather")], ToolMode = ChatToolMode.RequireAny };
        ChatResponse response = await chat.GetResponseAsync("How is the weather?", options, Cancel);
        Assert.Equal(id, response.ConversationId);
        Assert.True(calls > 0);
        Assert.NotEmpty((await starter.Chat.GetResponseAsync("Hello!", new() { ConversationId = id }, Cancel)).Text);
    }
}
