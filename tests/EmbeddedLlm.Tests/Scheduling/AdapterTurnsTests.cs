using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>Requests with different adapters on one decoder, which has one set of them at a time.</summary>
public sealed class AdapterTurnsTests
{
    private static readonly AdapterSet s_first = AdapterSet.Of(new ScaledAdapter(0, 1));
    private static readonly AdapterSet s_second = AdapterSet.Of(new ScaledAdapter(1, 1));
    private static readonly AdapterSet s_both = AdapterSet.Of(new ScaledAdapter(1, 0.5f), new ScaledAdapter(0, 1));

    [Fact]
    public void ASetIsWhatItsAdaptersAndScalesAre()
    {
        Assert.Equal(s_both, AdapterSet.Of(new ScaledAdapter(0, 1), new ScaledAdapter(1, 0.5f), new ScaledAdapter(2, 0)));
        Assert.Equal(s_both.GetHashCode(), AdapterSet.Of(new ScaledAdapter(0, 1), new ScaledAdapter(1, 0.5f)).GetHashCode());
        Assert.NotEqual(s_both, AdapterSet.Of(new ScaledAdapter(0, 1), new ScaledAdapter(1, 0.25f)));
        Assert.Same(AdapterSet.None, AdapterSet.Of(new ScaledAdapter(0, 0), new ScaledAdapter(1, -0f)));
    }

    [Fact]
    public void RequestsWithDifferentAdaptersAnswerEachAsAlone()
    {
        SchedulerFixture fixture = new(new FakeDecoder(8), prefixCells: 1000);
        AdapterSet[] sets = [AdapterSet.None, s_first, s_second, s_both];
        (string Prompt, AdapterSet Adapters)[] requests = [.. Enumerable.Range(0, 24).Select(i => ($"One and the same beginning, {i / 4}", sets[i % 4]))];
        GenerationStream[] streams = [.. requests.Select(request => Submit(fixture, request.Prompt, request.Adapters, 30))];
        fixture.Run();
        Assert.Equal(requests.Select(request => Answer(request.Prompt, request.Adapters, 30)), streams.Select(SchedulerFixture.Text));
        Assert.Equal(4, requests.Take(4).Select(request => Answer(request.Prompt, request.Adapters, 30)).Distinct().Count());
        // They were computed together as far as they have the same adapters.
        Assert.Contains(fixture.Decoder.History, step => step.Count > 1);
    }

    [Fact]
    public void OneSetAloneIsSetOnce()
    {
        SchedulerFixture fixture = new(new FakeDecoder());
        GenerationStream[] streams = [.. LongPrompts(s_first, 100, 3).Select(prompt => Submit(fixture, prompt, AdapterSet.Of(new ScaledAdapter(0, 1)), 100))];
        fixture.Run();
        Assert.All(streams, stream => Assert.Equal(100, SchedulerFixture.Text(stream).Length));
        Assert.Equal(1, fixture.Decoder.Switches);
        // All three in each step.
        Assert.Equal(100, fixture.Decoder.Steps);
    }

    [Fact]
    public void WithoutAdaptersNoneAreEverSet()
    {
        SchedulerFixture fixture = new(new FakeDecoder());
        fixture.Ask("prompt", 40, out _);
        Assert.Equal(0, fixture.Decoder.Switches);
    }

    [Fact]
    public void SetsTakeTurnsOfSeveralStepsAndNoneWaitsLongerThanForOneTurnOfEachOther()
    {
        const int Turn = 5;
        SchedulerFixture fixture = new(new FakeDecoder(8), stepsPerAdapterTurn: Turn);
        AdapterSet[] sets = [AdapterSet.None, s_first, s_second, s_both];
        foreach (AdapterSet set in sets)
        {
            foreach (string prompt in LongPrompts(set, 60, 2))
                Submit(fixture, prompt, set, 60);
        }

        fixture.Run();
        List<AdapterSet> history = fixture.Decoder.AdapterHistory;
        Assert.Equal(4 * 60, history.Count);
        (AdapterSet Set, int Steps)[] turns = Turns(history);
        Assert.All(turns, turn => Assert.Equal(Turn, turn.Steps));
        for (int i = 0; i < turns.Length; i++)
            Assert.Equal(turns[i % 4].Set, turns[i].Set);
    }

    [Fact]
    public void ASetIsNotStarvedByOthersThatKeepComing()
    {
        SchedulerFixture fixture = new(new FakeDecoder(4), queueCapacity: 10, stepsPerAdapterTurn: 4);
        GenerationStream patient = Submit(fixture, LongPrompts(s_first, 40, 1)[0], s_first, 40);
        int others = 0;
        for (int step = 0; !patient.IsComplete; step++)
        {
            // Ten turns, between each of which three others have one.
            Assert.InRange(step, 0, (10 * 4 * 4) + 4);
            while (fixture.Scheduler.WaitingCount < 3)
                Submit(fixture, $"another {others++}", AdapterSet.Of(new ScaledAdapter(2, 1 + others)), 6);
            fixture.Scheduler.Step();
        }

        Assert.InRange(others, 12, int.MaxValue);
    }

    [Fact]
    public void WhoComesToASetThatHasLongBeenAloneWaitsForNoTurn()
    {
        SchedulerFixture fixture = new(new FakeDecoder());
        Submit(fixture, LongPrompts(s_first, 60, 1)[0], s_first, 60);
        for (int i = 0; i < 20; i++)
            fixture.Scheduler.Step();
        GenerationStream late = Submit(fixture, "late", s_second, 1);
        fixture.Scheduler.Step();
        Assert.True(late.IsComplete);
        fixture.Run();
    }

    [Fact]
    public void WhoIsMoreUrgentWaitsForOneStepOfOthersAndStopsNobody()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), stepsPerAdapterTurn: 6);
        GenerationStream slow = Submit(fixture, LongPrompts(s_first, 30, 1)[0], s_first, 30);
        fixture.Scheduler.Step();
        Submit(fixture, LongPrompts(s_second, 40, 1)[0], s_second, 40, priority: 1);
        fixture.Run();
        (AdapterSet Set, int Steps)[] turns = Turns(fixture.Decoder.AdapterHistory);
        Assert.Equal((s_first, 1), turns[0]);
        // 40 tokens are seven turns; after them the other is alone.
        for (int i = 1; i < 13; i++)
            Assert.Equal(i % 2 == 1 ? (s_second, 6) : (s_first, 1), turns[i]);
        Assert.Equal((s_second, 4), turns[13]);
        Assert.Equal((s_first, 30 - 7), turns[14]);
        Assert.Equal(30, SchedulerFixture.Text(slow).Length);
    }

    [Fact]
    public void ALongPromptOfAnotherSetComesInChunks()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), prefillChunk: 10, stepsPerAdapterTurn: 2);
        GenerationStream first = Submit(fixture, LongPrompts(s_first, 30, 1)[0], s_first, 30);
        fixture.Scheduler.Step();
        Submit(fixture, new string('p', 200), s_second, 1);
        while (!first.IsComplete)
        {
            fixture.Scheduler.Step();
            Assert.InRange(fixture.Decoder.History[^1].Values.Sum(), 1, 10);
        }

        fixture.Run();
    }

    [Fact]
    public void WhatWasComputedIsOfUseToTheSameSetOnly()
    {
        SchedulerFixture fixture = new(new FakeDecoder(6), prefixCells: 1000);
        string prompt = new('p', 60);
        foreach (AdapterSet set in new[] { AdapterSet.None, s_first, s_second, s_both })
        {
            Assert.Equal(0, Ask(fixture, prompt, set).CachedTokens);
            Assert.Equal(59, Ask(fixture, prompt, set).CachedTokens);
        }
    }

    [Fact]
    public void APinnedPrefixIsOfUseToItsOwnSetOnly()
    {
        SchedulerFixture fixture = new(new FakeDecoder(6), prefixCells: 1000);
        PinnedPrefix prefix = new([.. Enumerable.Repeat((int)'p', 50)], s_first);
        fixture.Scheduler.Submit(new GenerationRequest { Prompt = prefix.Tokens, Adapters = s_first, Prefix = prefix }, default);
        fixture.Run();
        string prompt = new string('p', 50) + "and so on";
        Assert.Equal(0, Ask(fixture, prompt, AdapterSet.None).CachedTokens);
        Assert.Equal(50, Ask(fixture, prompt, s_first).CachedTokens);
        SchedulerFixture other = new(new FakeDecoder(6), prefixCells: 1000);
        other.Scheduler.Restore(new PinnedPrefix(prefix.Tokens, s_first), fixture.Scheduler.Save(prefix));
        Assert.Equal(0, Ask(other, prompt, s_second).CachedTokens);
        Assert.Equal(50, Ask(other, prompt, s_first).CachedTokens);
    }

    [Fact]
    public void APrefixIsComputedWithItsOwnAdapters()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), prefixCells: 100);
        PinnedPrefix prefix = new([1, 2, 3], s_first);
        Assert.Throws<ArgumentException>(() => fixture.Scheduler.Submit(new GenerationRequest { Prompt = prefix.Tokens, Prefix = prefix }, default));
    }

    [Theory]
    [InlineData(DecodeResult.Failed)]
    [InlineData(DecodeResult.NoCells)]
    [InlineData(DecodeResult.Aborted)]
    internal void AStepThatFailsCostsItsOwnSetsRequestsOnly(DecodeResult failure)
    {
        for (int failing = 1; failing <= 40; failing++)
        {
            FakeDecoder decoder = new();
            SchedulerFixture fixture = new(decoder, prefixCells: 200, stepsPerAdapterTurn: 3);
            AdapterSet failed = AdapterSet.None;
            decoder.OnDecode = step =>
            {
                if (step != failing)
                    return DecodeResult.Done;
                failed = decoder.AdapterHistory[^1];
                return failure;
            };
            (string Prompt, AdapterSet Set)[] requests = [.. new[] { AdapterSet.None, s_first, s_second, s_first }.SelectMany(set => LongPrompts(set, 20, 1).Select(prompt => (prompt, set)))];
            GenerationStream[] streams = [.. requests.Select(request => Submit(fixture, request.Prompt, request.Set, 20))];
            fixture.Run();
            for (int i = 0; i < streams.Length; i++)
            {
                if (failure != DecodeResult.Aborted && requests[i].Set.Equals(failed))
                    Assert.IsType<DecodeException>(streams[i].WaitToReadAsync().AsTask().Exception?.InnerException);
                else
                    Assert.Equal(Answer(requests[i].Prompt, requests[i].Set, 20), SchedulerFixture.Text(streams[i]));
            }
        }
    }

    [Fact]
    public void WithFewCellsSetsPushEachOtherOutAndAllAreAnswered()
    {
        SchedulerFixture fixture = new(new FakeDecoder(6, cells: 100), contextLength: 100, stepsPerAdapterTurn: 3);
        (string Prompt, AdapterSet Set)[] requests =
            [.. new[] { s_first, s_second, s_both, AdapterSet.None }.SelectMany(set => LongPrompts(set, 60, 2).Select(prompt => (prompt, set)))];
        GenerationStream[] streams = [.. requests.Select(request => Submit(fixture, request.Prompt, request.Set, 60))];
        fixture.Run();
        Assert.Equal(requests.Select(request => Answer(request.Prompt, request.Set, 60)), streams.Select(SchedulerFixture.Text));
        Assert.True(fixture.Scheduler.Meter.Read().Preemptions > 0);
    }

    [Fact]
    public void NothingIsAllocatedWhileSetsTakeTurns()
    {
        FakeDecoder decoder = new(batch: 8) { KeepsHistory = false };
        Scheduler scheduler = new(new SilentDecoder(decoder), FakeDecoder.Vocabulary, new() { ContextLength = 2000, QueueCapacity = 3, PrefixCells = 1000, StepsPerAdapterTurn = 2 }, () => { });
        foreach (AdapterSet set in new[] { s_first, s_second })
            scheduler.Submit(SchedulerFixture.Request("x", 1000, adapters: set), default);
        for (int i = 0; i < 600; i++)
            scheduler.Step();
        Assert.Equal(0, Allocations.Least(5, Step100Times));
        Assert.InRange(decoder.Switches, 300, 600);

        void Step100Times()
        {
            for (int i = 0; i < 100; i++)
                Assert.True(scheduler.Step());
        }
    }

    private static (AdapterSet Set, int Steps)[] Turns(List<AdapterSet> history)
    {
        List<(AdapterSet Set, int Steps)> turns = [];
        foreach (AdapterSet set in history)
        {
            if (turns.Count > 0 && turns[^1].Set.Equals(set))
                turns[^1] = (set, turns[^1].Steps + 1);
            else
                turns.Add((set, 1));
        }

        return [.. turns];
    }

    private static GenerationStream Submit(SchedulerFixture fixture, string prompt, AdapterSet adapters, int maxTokens, int priority = 0) =>
        fixture.Scheduler.Submit(SchedulerFixture.Request(prompt, maxTokens, priority: priority, adapters: adapters), default);

    private static GenerationSummary Ask(SchedulerFixture fixture, string prompt, AdapterSet adapters)
    {
        GenerationStream stream = Submit(fixture, prompt, adapters, 5);
        fixture.Run();
        Assert.Equal(Answer(prompt, adapters, 5), SchedulerFixture.Text(stream));
        return stream.Summary;
    }

    private static string Answer(string prompt, AdapterSet adapters, int maxTokens) => FakeDecoder.Answer(prompt, maxTokens, adapters: adapters);

    /// <summary>Prompts whose answers do not end by themselves before so many tokens.</summary>
    private static string[] LongPrompts(AdapterSet adapters, int tokens, int count) =>
        [.. Enumerable.Range(0, 10_000).Select(i => $"prompt {i}").Where(prompt => Answer(prompt, adapters, tokens).Length == tokens).Take(count)];

    /// <summary>Says the same token for ever, and allocates nothing.</summary>
    private sealed class SilentDecoder(FakeDecoder inner) : IDecoder
    {
        private readonly float[] _logits = [.. Enumerable.Range(0, 258).Select(i => i == 'k' ? 1f : 0f)];

        public int VocabularySize => inner.VocabularySize;

        public int MaxSequences => inner.MaxSequences;

        public bool HasCellPerToken => true;

        public bool NeedsCheckpoints => false;

        public int CellCount => inner.CellCount;

        public DecodeBatch Batch => inner.Batch;

        public void UseAdapters(AdapterSet adapters) => inner.UseAdapters(adapters);

        public DecodeResult Decode() => DecodeResult.Done;

        public ReadOnlySpan<float> GetLogits(int batchIndex) => _logits;

        public bool RemoveCells(int slot, int fromPosition) => true;

        public void Wipe() => inner.Wipe();

        public bool CanShare(int slot, int count) => true;

        public void CopyCells(int from, int to, int count)
        {
        }

        public long GetStateSize(int slot) => 0;

        public bool TryGetState(int slot, Span<byte> state) => false;

        public bool TrySetState(int slot, int count, ReadOnlySpan<byte> state) => false;

        public void RequestAbort()
        {
        }

        public void ForgetAbort()
        {
        }

        public void Dispose() => inner.Dispose();
    }
}
