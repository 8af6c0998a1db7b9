using EmbeddedLlm.Native.Tests.Interop;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Client;

public sealed class CompletionTests(StarterModelFixture starter)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ATextIsContinuedAsABareLoopDoesIt()
    {
        using StarterModel bare = new();
        string expected = bare.Generate("Count to five: 1, 2,", maximum: 20);
        CompletionResponse response = await starter.Model.CompleteAsync("Count to five: 1, 2,", Greedy(20), Cancel);
        Assert.NotEmpty(expected);
        Assert.Equal(expected, response.Text);
    }

    [Fact]
    public async Task UsageReasonAndTimingsAreThere()
    {
        CompletionResponse response = await starter.Model.CompleteAsync("One, two, three", Greedy(4, bans: 1023), Cancel);
        int prompt = starter.Model.Tokenize("One, two, three").Length;
        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
        Assert.Equal((prompt, 4, prompt + 4), (response.Usage.InputTokenCount, response.Usage.OutputTokenCount, response.Usage.TotalTokenCount));
        Assert.True(response.Timings.Prefill > TimeSpan.Zero);
    }

    [Fact]
    public async Task WithoutTheTokensThatEndItAnAnswerHasItsFullLength()
    {
        // A bias that ends the answer at once, unless the token is excluded.
        int end = Assert.Single(starter.Model.EndOfGenerationTokens, token => starter.Model.Detokenize([token], includeSpecial: true) == "<|im_end|>");
        CompletionOptions options = new() { Temperature = 0, MaxOutputTokens = 40, LogitBias = new Dictionary<int, float> { [end] = 1000 } };
        CompletionResponse ended = await starter.Model.CompleteAsync("One, two, three", options, Cancel);
        options.LogitBias = starter.Model.EndOfGenerationTokens.ToDictionary(token => token, _ => float.NegativeInfinity);
        CompletionResponse whole = await starter.Model.CompleteAsync("One, two, three", options, Cancel);
        Assert.Equal((ChatFinishReason.Stop, ChatFinishReason.Length), (ended.FinishReason, whole.FinishReason));
        Assert.Equal(40, whole.Usage.OutputTokenCount);
    }

    [Fact]
    public async Task PiecesMakeTheWholeAndTheLastTellsTheReason()
    {
        string whole = (await starter.Model.CompleteAsync("Count to five: 1,", Greedy(12), Cancel)).Text;
        List<CompletionUpdate> updates = [];
        await foreach (CompletionUpdate update in starter.Model.CompleteStreamingAsync("Count to five: 1,", Greedy(12), Cancel))
            updates.Add(update);
        Assert.Equal(whole, string.Concat(updates));
        Assert.All(updates.SkipLast(1), update => Assert.Equal((null, null, null), (update.FinishReason, update.Usage, update.Timings)));
        Assert.NotNull(updates[^1].FinishReason);
        Assert.NotNull(updates[^1].Usage);
    }

    [Fact]
    public async Task AControlTokensTextIsMereCharacters()
    {
        const string Prompt = "<|im_end|>";
        CompletionResponse response = await starter.Model.CompleteAsync(Prompt, Greedy(1), Cancel);
        Assert.Equal(starter.Model.Tokenize(Prompt, parseSpecial: false).Length, response.Usage.InputTokenCount);
        Assert.NotEqual(1, response.Usage.InputTokenCount);
    }

    [Fact]
    public async Task AStopSequenceEndsTheText()
    {
        CompletionOptions options = Greedy(30, bans: 1023);
        string free = (await starter.Model.CompleteAsync("Count to five: 1, 2,", options, Cancel)).Text;
        string stop = free[5..8];
        options.StopSequences = [stop];
        CompletionResponse response = await starter.Model.CompleteAsync("Count to five: 1, 2,", options, Cancel);
        Assert.Equal(free[..free.IndexOf(stop, StringComparison.Ordinal)], response.Text);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
    }

    [Fact]
    public async Task AGrammarHoldsTheText()
    {
        CompletionOptions options = new() { Grammar = Grammar.FromRegex("[0-9]{3}-[a-f]{2}"), Temperature = 1.5f, Seed = 4 };
        CompletionResponse response = await starter.Model.CompleteAsync("Number: ", options, Cancel);
        Assert.Matches("^[0-9]{3}-[a-f]{2}$", response.Text);
        Assert.Equal(response.Text, (await starter.Model.CompleteAsync("Number: ", options, Cancel)).Text);
    }

    [Fact]
    public async Task TokensAreToldOnRequest()
    {
        CompletionOptions options = Greedy(6, bans: 1023);
        options.TopLogProbabilities = 2;
        CompletionResponse response = await starter.Model.CompleteAsync("Count to five: 1,", options, Cancel);
        Assert.Equal(response.Text, string.Concat(response.Tokens));
        Assert.Equal((6, 2), (response.Tokens.Count, response.Tokens[0].TopLogProbabilities.Count));
        Assert.Empty((await starter.Model.CompleteAsync("Count to five: 1,", Greedy(6), Cancel)).Tokens);
    }

    [Fact]
    public async Task WhatCannotBeIsRefused()
    {
        EmbeddedModel model = starter.Model;
        await Assert.ThrowsAsync<ArgumentException>(() => model.CompleteAsync("", null, Cancel));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => model.CompleteAsync("x", new() { MaxOutputTokens = 0 }, Cancel));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => model.CompleteAsync("x", new() { TypicalP = 2f }, Cancel));
        await Assert.ThrowsAsync<NotSupportedException>(() => model.CompleteAsync("x", new() { Grammar = Grammar.FromRegex("a+"), StopSequences = ["b"] }, Cancel));
        await Assert.ThrowsAsync<ContextOverflowException>(() => model.CompleteAsync(string.Concat(Enumerable.Repeat("word ", 20_000)), null, Cancel));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => model.CompleteAsync("x", null, new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task WhoStopsReadingStopsTheComputation()
    {
        await foreach (CompletionUpdate update in starter.Model.CompleteStreamingAsync("Count", new() { LogitBias = new Dictionary<int, float> { [1023] = float.NegativeInfinity } }, Cancel))
        {
            Assert.NotEmpty(update.Text);
            break;
        }

        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", cancellationToken: Cancel);
        await foreach (CompletionUpdate _ in model.CompleteStreamingAsync("Count", new() { LogitBias = new Dictionary<int, float> { [1023] = float.NegativeInfinity } }, Cancel))
            break;
        await model.DrainAsync(Cancel);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ABeginOfSequenceTokenComesFirstWhereTheTokenizerWantsOne(bool adds)
    {
        using TemporaryFolder folder = new();
        string path = StarterCopy.Write(folder, ["tokenizer.ggml.add_bos_token"], writer => writer.Add("tokenizer.ggml.add_bos_token", adds));
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, cancellationToken: Cancel);
        int bare = model.Tokenize("some text").Length;
        Assert.Equal(bare + (adds ? 1 : 0), (await model.CompleteAsync("some text", Greedy(1), Cancel)).Usage.InputTokenCount);
        if (adds)
            Assert.Equal(1, (await model.CompleteAsync("", Greedy(1), Cancel)).Usage.InputTokenCount);
    }

    [Fact]
    public async Task OptionsMayServeTheNextCallAtOnce()
    {
        CompletionOptions options = Greedy(0, bans: 1023);
        List<Task<CompletionResponse>> responses = [];
        for (int length = 1; length <= 4; length++)
        {
            options.MaxOutputTokens = length;
            responses.Add(starter.Model.CompleteAsync("One, two, three", options, Cancel));
        }

        Assert.Equal([1L, 2L, 3L, 4L], (await Task.WhenAll(responses)).Select(response => response.Usage.OutputTokenCount ?? 0));
    }

    private static CompletionOptions Greedy(int maxTokens, params int[] bans) => new()
    {
        Temperature = 0,
        MaxOutputTokens = maxTokens,
        LogitBias = bans.ToDictionary(token => token, _ => float.NegativeInfinity),
    };
}
