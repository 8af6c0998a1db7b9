using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class PrefixCacheTests
{
    /// <summary>A prompt whose answer does not end by itself for a while.</summary>
    private static readonly string Question = Enumerable.Range(0, 1000)
        .Select(i => $"A prompt that is long enough for its beginning to be of use {i}:").First(prompt => FakeDecoder.Answer(prompt, 20).Length == 20);

    [Fact]
    public void TheNextTurnComputesOnlyWhatIsNew()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), prefixCells: 1000);
        string first = fixture.Ask(Question, 20, out _);
        int before = fixture.Decoder.ComputedTokens;
        string next = Question + first + " And what then?";
        Assert.Equal(FakeDecoder.Answer(next, 5), fixture.Ask(next, 5, out GenerationSummary summary));
        // The last token of an answer is not computed when it is given.
        Assert.Equal(Question.Length + first.Length - 1, summary.CachedTokens);
        Assert.Equal(next.Length - summary.CachedTokens + summary.OutputTokens - 1, fixture.Decoder.ComputedTokens - before);
    }

    [Fact]
    public void ThePartOfAHistoryThatWasNotRewrittenIsUsed()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), prefixCells: 1000);
        fixture.Ask(Question, 20, out _);
        string next = Question + "REWRITTEN";
        Assert.Equal(FakeDecoder.Answer(next, 20), fixture.Ask(next, 20, out GenerationSummary summary));
        Assert.Equal(Question.Length, summary.CachedTokens);
    }

    [Fact]
    public void TheLastTokenOfAPromptIsAlwaysComputed()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), prefixCells: 1000);
        string first = fixture.Ask(Question, 20, out _);
        Assert.Equal(first, fixture.Ask(Question, 20, out GenerationSummary summary));
        Assert.Equal(Question.Length - 1, summary.CachedTokens);
    }

    [Fact]
    public void WithoutABudgetNothingIsSharedOrKept()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), prefixCells: 0);
        fixture.Ask(Question, 20, out _);
        fixture.Ask(Question, 20, out GenerationSummary summary);
        Assert.Equal(0, summary.CachedTokens);
        Assert.Empty(fixture.Decoder.Copies);
    }

    [Fact]
    public void ARecurrentStateIsUsedWholeOrFromACopyThatWasKept()
    {
        SchedulerFixture fixture = new(new FakeDecoder { IsRecurrent = true }, prefixCells: 1000);
        string first = fixture.Ask(Question, 20, out _);
        string next = Question + first + " And what then?";
        Assert.Equal(FakeDecoder.Answer(next, 5), fixture.Ask(next, 5, out GenerationSummary whole));
        Assert.Equal(Question.Length + first.Length - 1, whole.CachedTokens);
        Assert.Equal(FakeDecoder.Answer(Question, 5), fixture.Ask(Question, 5, out GenerationSummary again));
        Assert.Equal(Question.Length - 1, again.CachedTokens);
        string parted = Question[..^3] + "...";
        Assert.Equal(FakeDecoder.Answer(parted, 5), fixture.Ask(parted, 5, out GenerationSummary part));
        Assert.Equal(0, part.CachedTokens);
    }

    [Fact]
    public void AWindowIsUsedAsFarAsItReachesBack()
    {
        SchedulerFixture fixture = new(new FakeDecoder { Window = 16 }, prefixCells: 1000);
        string first = fixture.Ask(Question, 20, out _);
        string next = Question + first + " And what then?";
        Assert.Equal(FakeDecoder.Answer(next, 5), fixture.Ask(next, 5, out GenerationSummary whole));
        Assert.Equal(Question.Length + first.Length - 1, whole.CachedTokens);
        string parted = Question[..^3] + "...";
        Assert.Equal(FakeDecoder.Answer(parted, 5), fixture.Ask(parted, 5, out GenerationSummary part));
        Assert.Equal(0, part.CachedTokens);
    }

    [Fact]
    public void PromptsThatBeginAlikeComputeTheBeginningOnce()
    {
        FakeDecoder decoder = new(8, batch: 16);
        SchedulerFixture fixture = new(decoder, prefixCells: 1000);
        string[] prompts = [.. Enumerable.Range(0, 8).Select(i => Question + (char)('0' + i))];
        GenerationStream[] streams = [.. prompts.Select(prompt => fixture.Submit(prompt, 10))];
        fixture.Run();
        Assert.Equal(prompts.Select(prompt => FakeDecoder.Answer(prompt, 10)), streams.Select(SchedulerFixture.Text));
        Assert.Equal(Question.Length + streams.Sum(stream => stream.Summary.OutputTokens), decoder.ComputedTokens);
        Assert.Equal([0, .. Enumerable.Repeat(Question.Length, 7)], streams.Select(stream => stream.Summary.CachedTokens));
    }

    [Fact]
    public void WhoWaitsForAPrefixIsNotLeftBehindWhenItIsCancelled()
    {
        SchedulerFixture fixture = new(new FakeDecoder(4, batch: 8), prefixCells: 1000);
        using CancellationTokenSource source = new();
        fixture.Submit(Question + "1", 10, source.Token);
        GenerationStream follower = fixture.Submit(Question + "2", 10);
        fixture.Scheduler.Step();
        source.Cancel();
        fixture.Run();
        Assert.Equal(FakeDecoder.Answer(Question + "2", 10), SchedulerFixture.Text(follower));
    }

    [Fact]
    public void TheLeastRecentlyUsedPrefixGoesFirst()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), prefixCells: 130);
        string[] prompts = [.. "ABCD".Select(letter => new string(letter, 50))];
        fixture.Ask(prompts[0], 5, out _);
        fixture.Ask(prompts[1], 5, out _);
        fixture.Ask(prompts[0], 5, out _);
        fixture.Ask(prompts[2], 5, out _);
        fixture.Ask(prompts[0], 5, out GenerationSummary kept);
        fixture.Ask(prompts[1], 5, out GenerationSummary gone);
        Assert.Equal((49, 0), (kept.CachedTokens, gone.CachedTokens));
    }

    [Fact]
    public void WhatNoRunningRequestSharesMustBeFewWhileOneRuns()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), prefixCells: 1000, bystanderCells: 60);
        string first = fixture.Ask(Question, 20, out _);
        int kept = fixture.Decoder.UsedCells;
        Assert.Equal(Question.Length + first.Length - 1, kept);
        fixture.Ask(Question + first + " And then?", 5, out GenerationSummary next);
        Assert.Equal(kept, next.CachedTokens);
        fixture.Submit("Something else", 5);
        fixture.Scheduler.Step();
        Assert.Equal("Something else".Length, fixture.Decoder.UsedCells);
        fixture.Run();
        fixture.Submit("And another thing", 5);
        fixture.Scheduler.Step();
        Assert.InRange(fixture.Decoder.UsedCells, "Something else".Length + "And another thing".Length, 60);
        fixture.Run();
    }

    [Fact]
    public void WhoFinishesWhileOthersRunIsABystanderToo()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), prefixCells: 1000, bystanderCells: 0);
        GenerationStream running = fixture.Submit(FakeDecoder.PromptsWithAnswersOf(30, 1)[0], 30);
        GenerationStream finished = fixture.Submit("x", 1);
        while (!finished.IsComplete)
            fixture.Scheduler.Step();
        fixture.Scheduler.Step();
        fixture.Scheduler.CheckIntegrity();
        Assert.False(running.IsComplete);
        Assert.Equal(3, fixture.Scheduler.FreeSlots);
        fixture.Run();
        Assert.Equal(3, fixture.Scheduler.FreeSlots);
    }

    [Fact]
    public void CachedPrefixesMakeRoomForSlotsAndCells()
    {
        SchedulerFixture fixture = new(new FakeDecoder(2, cells: 100), contextLength: 100, prefixCells: 100, maxRunning: 1);
        for (int i = 0; i < 10; i++)
        {
            string prompt = new((char)('A' + i), 40 + i);
            Assert.Equal(FakeDecoder.Answer(prompt, 30), fixture.Ask(prompt, 30, out _));
        }
    }

    [Fact]
    public void AnAnswerThatIsACachedPrefixAlreadyTakesNoMorePlace()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), prefixCells: 1000);
        for (int i = 0; i < 5; i++)
            fixture.Ask(Question, 20, out _);
        Assert.Equal(Question.Length + 19, fixture.Decoder.UsedCells);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 12)]
    public void RandomConversationsAnswerAsWithoutACache(bool isRecurrent, int window)
    {
        int copies = 0;
        for (int seed = 0; seed < 15; seed++)
        {
            Random random = new(seed);
            FakeDecoder decoder = new(random.Next(2, 9), cells: 300, batch: random.Next(9, 40)) { IsRecurrent = isRecurrent, Window = window };
            decoder.OnDecode = _ => random.Next(40) == 0 ? DecodeResult.Aborted : DecodeResult.Done;
            SchedulerFixture fixture = new(decoder, contextLength: 150, queueCapacity: 1000, prefixCells: random.Next(1, 300), maxRunning: random.Next(1, 8));
            List<string> histories = ["The system's words. ", "Other words of a system. "];
            List<(string Prompt, int Max, GenerationStream Stream, CancellationTokenSource Source)> requests = [];
            for (int i = 0; i < 150; i++)
            {
                string history = histories[random.Next(histories.Count)];
                string prompt = history[..random.Next(1, history.Length + 1)] + random.Next(4);
                if (prompt.Length > 120)
                    prompt = prompt[..100];
                CancellationTokenSource source = new();
                int max = random.Next(1, 40);
                requests.Add((prompt, max, fixture.Submit(prompt, max, source.Token), source));
                histories.Add(prompt + FakeDecoder.Answer(prompt, max));
                for (int steps = random.Next(8); steps > 0; steps--)
                {
                    fixture.Scheduler.Step();
                    fixture.Scheduler.CheckIntegrity();
                }

                if (random.Next(6) == 0)
                    requests[random.Next(requests.Count)].Source.Cancel();
            }

            fixture.Run();
            foreach ((string prompt, int max, GenerationStream stream, CancellationTokenSource source) in requests)
            {
                if (!source.IsCancellationRequested)
                    Assert.Equal(FakeDecoder.Answer(prompt, Math.Min(max, 150 - prompt.Length)), SchedulerFixture.Text(stream));
                Assert.True(stream.IsComplete);
                source.Dispose();
            }

            copies += decoder.Copies.Count;
        }

        Assert.InRange(copies, 10, int.MaxValue);
    }
}
