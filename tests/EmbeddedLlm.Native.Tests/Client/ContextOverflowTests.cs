using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Client;

public sealed class ContextOverflowTests(StarterModelFixture starter)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task DroppingTheOldestTurnsLeavesRoomForAnAnswerAndIsReported()
    {
        List<ChatMessage> messages = [new(ChatRole.System, "Answer briefly.")];
        for (int i = 0; i < 60; i++)
            messages.AddRange([new(ChatRole.User, "Count to five."), new(ChatRole.Assistant, "1, 2, 3, 4, 5.")]);
        messages.Add(new(ChatRole.User, "Count to five."));
        await Assert.ThrowsAsync<ContextOverflowException>(() => starter.Chat.GetResponseAsync(messages, cancellationToken: Cancel));

        ChatResponse response = await starter.Chat.GetResponseAsync(messages, With(ContextOverflowPolicy.DropOldestTurns), Cancel);
        Assert.Equal("1, 2, 3, 4, 5.", response.Text);
        Assert.InRange(response.Usage!.InputTokenCount!.Value, 512 / 2, 512 * 3 / 4);
        int dropped = Assert.IsType<int>(response.AdditionalProperties!["embeddedllm.dropped_messages"]);
        Assert.True(dropped > 0 && dropped % 2 == 0);
        List<ChatResponseUpdate> updates = await starter.Chat.GetStreamingResponseAsync(messages, With(ContextOverflowPolicy.DropOldestTurns), Cancel).ToListAsync(Cancel);
        Assert.Equal(dropped, updates[^1].AdditionalProperties!["embeddedllm.dropped_messages"]);
    }

    // Without it the prompt would be split to its end, and then be found too long.
    [Fact]
    public async Task SplittingALongPromptEndsByCancellation()
    {
        string text = string.Concat(Enumerable.Repeat("1, ", 2_000_000));
        using CancellationTokenSource impatience = new(TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starter.Chat.GetResponseAsync(text, cancellationToken: impatience.Token));
        using CancellationTokenSource again = new(TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starter.Model.CompleteAsync(text, cancellationToken: again.Token));
    }

    [Fact]
    public async Task AConversationThatFitsIsLeftAlone()
    {
        ChatResponse response = await starter.Chat.GetResponseAsync("Count to five.", With(ContextOverflowPolicy.DropOldestTurns), Cancel);
        Assert.Equal("1, 2, 3, 4, 5.", response.Text);
        Assert.Null(response.AdditionalProperties);
    }

    [Fact]
    public async Task StoppingGivesAnEmptyAnswerThatEndsWithLength()
    {
        ChatResponse response = await starter.Chat.GetResponseAsync(string.Join(' ', Enumerable.Repeat("apple", 600)), With(ContextOverflowPolicy.Stop), Cancel);
        Assert.Equal(("", ChatFinishReason.Length, 0), (response.Text, response.FinishReason, response.Usage!.OutputTokenCount));
        Assert.InRange(response.Usage.InputTokenCount!.Value, 600, 2000);
    }

    [Fact]
    public async Task ALastTurnThatIsTooLongByItselfIsAnError() =>
        await Assert.ThrowsAsync<ContextOverflowException>(
            () => starter.Chat.GetResponseAsync(string.Join(' ', Enumerable.Repeat("apple", 600)), With(ContextOverflowPolicy.DropOldestTurns), Cancel));

    [Fact]
    public async Task ARequestTimesOut()
    {
        // Without an end the answer takes the whole context, longer than any timer is late.
        Dictionary<int, float> endless = starter.Model.GrammarVocabulary.EndTokens.ToArray().ToDictionary(token => token, _ => float.NegativeInfinity);
        ChatOptions options = new() { RawRepresentationFactory = _ => new EmbeddedChatOptions { RequestTimeout = TimeSpan.FromTicks(1), LogitBias = endless } };
        TimeoutException exception = await Assert.ThrowsAsync<TimeoutException>(() => starter.Chat.GetResponseAsync("Count to five.", options, Cancel));
        Assert.Contains("RequestTimeout", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADrainedModelRefusesRequests()
    {
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", cancellationToken: Cancel);
        Task<ChatResponse> answer = model.AsChatClient().GetResponseAsync("Count to five.", cancellationToken: Cancel);
        await answer;
        await model.DrainAsync(Cancel);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => model.AsChatClient().GetResponseAsync("Count to five.", cancellationToken: Cancel));
    }

    private static ChatOptions With(ContextOverflowPolicy policy) => new() { RawRepresentationFactory = _ => new EmbeddedChatOptions { ContextOverflow = policy } };
}
