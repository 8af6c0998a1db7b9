using System.Text;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>Prefixes that are computed ahead, on each kind of memory.</summary>
public sealed class PinnedPrefixTests
{
    private const string System = "The instructions that all conversations begin with. ";

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 12)]
    public void TheFirstRequestWithItComputesOnlyWhatFollows(bool isRecurrent, int window)
    {
        SchedulerFixture fixture = new(new FakeDecoder { IsRecurrent = isRecurrent, Window = window }, prefixCells: 1000);
        Preload(fixture, System);
        Assert.Equal(System.Length, fixture.Decoder.ComputedTokens);
        string prompt = System + "What is it about?";
        Assert.Equal(FakeDecoder.Answer(prompt, 10), fixture.Ask(prompt, 10, out GenerationSummary summary));
        Assert.Equal(System.Length, summary.CachedTokens);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OthersDoNotPushItOutUntilItIsReleased(bool isRecurrent)
    {
        SchedulerFixture fixture = new(new FakeDecoder(3) { IsRecurrent = isRecurrent }, prefixCells: 150, maxRunning: 1, bystanderCells: 0);
        PinnedPrefix prefix = Preload(fixture, System);
        Churn(fixture);
        fixture.Ask(System + "x", 3, out GenerationSummary kept);
        Assert.Equal(System.Length, kept.CachedTokens);
        fixture.Scheduler.Release(prefix);
        Assert.Equal(-1, prefix.Slot);
        Churn(fixture);
        fixture.Ask(System + "x", 3, out GenerationSummary gone);
        Assert.Equal(0, gone.CachedTokens);
    }

    [Fact]
    public void PrefixesThatDoNotFitTheBudgetTogetherAreRefused()
    {
        SchedulerFixture fixture = new(new FakeDecoder(8), prefixCells: 120, maxRunning: 1);
        PinnedPrefix first = Preload(fixture, System);
        GenerationStream second = Submit(fixture, new PinnedPrefix(Tokens(new string('y', 80))));
        fixture.Run();
        PrefixCacheFullException exception = Assert.Throws<PrefixCacheFullException>(() => End(second));
        Assert.Equal(80, exception.Tokens);
        Assert.Throws<PrefixCacheFullException>(() => Submit(fixture, new PinnedPrefix(Tokens(new string('y', 121)))));
        fixture.Scheduler.Release(first);
        Assert.InRange(Preload(fixture, new string('y', 80)).Slot, 0, 7);
    }

    [Fact]
    public void TwoThatShareTheirBeginningCountItOnce()
    {
        SchedulerFixture fixture = new(new FakeDecoder(8), prefixCells: 100, maxRunning: 1);
        PinnedPrefix first = Preload(fixture, System + "A");
        PinnedPrefix second = Preload(fixture, System + "B");
        Assert.True(first.Slot >= 0 && second.Slot >= 0);
        Assert.Equal(System.Length + 2, fixture.Decoder.UsedCells);
    }

    [Fact]
    public void RequestsKeepTheirSlots()
    {
        SchedulerFixture fixture = new(new FakeDecoder(4), prefixCells: 1000, maxRunning: 2);
        Preload(fixture, System + "A");
        Preload(fixture, System + "B");
        GenerationStream third = Submit(fixture, new PinnedPrefix(Tokens(System + "C")));
        fixture.Run();
        Assert.Throws<PrefixCacheFullException>(() => End(third));
        fixture.Submit("one", 20);
        fixture.Submit("two", 20);
        fixture.Scheduler.Step();
        Assert.Equal(2, fixture.Scheduler.RunningCount);
        fixture.Run();
    }

    [Fact]
    public void ARequestThatIsAloneGetsAllTheCellsItNeeds()
    {
        SchedulerFixture fixture = new(new FakeDecoder(4, cells: 150), contextLength: 150, prefixCells: 150, maxRunning: 2);
        PinnedPrefix prefix = Preload(fixture, System);
        string prompt = new('z', 120);
        Assert.Equal(FakeDecoder.Answer(prompt, 20), fixture.Ask(prompt, 20, out _));
        Assert.Equal(-1, prefix.Slot);
        fixture.Scheduler.Release(prefix);
    }

    [Fact]
    public void ManyRequestsBesideItTakeTurnsAndAnswerEachAsAlone()
    {
        SchedulerFixture fixture = new(new FakeDecoder(6, cells: 200), contextLength: 100, prefixCells: 200, maxRunning: 4);
        PinnedPrefix prefix = Preload(fixture, System);
        string[] prompts = [.. Enumerable.Range(0, 12).Select(i => i % 2 == 0 ? $"{System}{i}" : new string((char)('a' + i), 40))];
        GenerationStream[] streams = [.. prompts.Select(prompt => fixture.Submit(prompt, 30))];
        fixture.Run();
        Assert.Equal(prompts.Select(prompt => FakeDecoder.Answer(prompt, 30)), streams.Select(SchedulerFixture.Text));
        Assert.True(prefix.Slot >= 0);
    }

    [Fact]
    public void CancelledWhileItIsComputedItIsNotKept()
    {
        SchedulerFixture fixture = new(new FakeDecoder(4, batch: 8), prefixCells: 1000);
        using CancellationTokenSource source = new();
        PinnedPrefix prefix = new(Tokens(System));
        GenerationStream stream = Submit(fixture, prefix, source.Token);
        fixture.Scheduler.Step();
        source.Cancel();
        fixture.Run();
        Assert.ThrowsAny<OperationCanceledException>(() => End(stream));
        Assert.Equal(-1, prefix.Slot);
    }

    [Fact]
    public void ReleasedBeforeItIsComputedItIsNotKept()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), prefixCells: 1000);
        PinnedPrefix prefix = new(Tokens(System));
        Submit(fixture, prefix);
        fixture.Scheduler.Release(prefix);
        fixture.Run();
        Assert.Equal(-1, prefix.Slot);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void NoTokensAreGuessedAfterIt(bool hasDraftModel)
    {
        SchedulerFixture fixture = new(
            new FakeDecoder { Repeats = true }, prefixCells: 1000, draftLength: 6, draftDecoder: hasDraftModel ? new FakeDecoder { Repeats = true, Confidence = 20 } : null);
        const string Repeated = "and again and again and again and again";
        PinnedPrefix prefix = new(Tokens(Repeated));
        GenerationStream stream = Submit(fixture, prefix);
        fixture.Run();
        Assert.Equal("", SchedulerFixture.Text(stream));
        Assert.Equal(Repeated.Length, fixture.Decoder.CellsOf(prefix.Slot));
        Assert.Equal(FakeDecoder.Answer(Repeated + " and", 20, repeats: true), fixture.Ask(Repeated + " and", 20, out GenerationSummary summary));
        Assert.Equal(Repeated.Length, summary.CachedTokens);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 12)]
    public void AStateThatWasSavedIsGoneOnFromInAnotherScheduler(bool isRecurrent, int window)
    {
        SchedulerFixture first = new(new FakeDecoder { IsRecurrent = isRecurrent, Window = window }, prefixCells: 1000);
        PinnedPrefix prefix = Preload(first, System);
        byte[] state = first.Scheduler.Save(prefix);
        SchedulerFixture second = new(new FakeDecoder { IsRecurrent = isRecurrent, Window = window }, prefixCells: 1000);
        second.Scheduler.Restore(new PinnedPrefix(prefix.Tokens), state);
        second.Scheduler.CheckIntegrity();
        Assert.Equal(0, second.Decoder.ComputedTokens);
        string prompt = System + "What is it about?";
        Assert.Equal(FakeDecoder.Answer(prompt, 10), second.Ask(prompt, 10, out GenerationSummary summary));
        Assert.Equal(System.Length, summary.CachedTokens);
    }

    [Fact]
    public void AStateThatIsRefusedTakesNoPlace()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), prefixCells: 1000);
        Assert.Throws<PrefixFileException>(() => fixture.Scheduler.Restore(new PinnedPrefix(Tokens(System)), [1, 2, 3]));
        fixture.Scheduler.CheckIntegrity();
        Assert.Equal((4, 0), (fixture.Scheduler.FreeSlots, fixture.Decoder.UsedCells));
    }

    [Fact]
    public void WhatIsGivenUpCannotBeSaved()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), prefixCells: 1000);
        PinnedPrefix prefix = Preload(fixture, System);
        fixture.Scheduler.Release(prefix);
        Assert.Throws<InvalidOperationException>(() => fixture.Scheduler.Save(prefix));
    }

    [Fact]
    public void AStateWaitsForNoRunningRequestsCells()
    {
        SchedulerFixture fixture = new(new FakeDecoder(4, cells: 100), contextLength: 100, prefixCells: 100, maxRunning: 2);
        byte[] state = new byte[60 * sizeof(ulong)];
        GenerationStream running = fixture.Submit(new string('r', 50), 10);
        fixture.Scheduler.Step();
        Assert.Throws<PrefixCacheFullException>(() => fixture.Scheduler.Restore(new PinnedPrefix(new int[60]), state));
        fixture.Scheduler.CheckIntegrity();
        fixture.Run();
        Assert.Equal(FakeDecoder.Answer(new string('r', 50), 10), SchedulerFixture.Text(running));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OneWhoseNumbersAreNoneIsNotKept(bool isRecurrent)
    {
        SchedulerFixture fixture = new(new FakeDecoder { Poison = 'Z', IsRecurrent = isRecurrent }, prefixCells: 1000);
        PinnedPrefix prefix = new(Tokens("Z" + System));
        GenerationStream stream = Submit(fixture, prefix);
        fixture.Run();
        Assert.Throws<DecodeException>(() => End(stream));
        Assert.Equal((-1, 0), (prefix.Slot, fixture.Decoder.UsedCells));
        string prompt = System + "What is it about?";
        Assert.Equal(FakeDecoder.Answer(prompt, 10), fixture.Ask(prompt, 10, out _));
    }

    [Fact]
    public void OneWhoseNumbersAreNoneEndsNobodysAnswer()
    {
        SchedulerFixture fixture = new(new FakeDecoder(4, batch: 16) { Poison = 'Z' }, prefixCells: 1000);
        PinnedPrefix bad = new(Tokens("Z" + System));
        PinnedPrefix good = new(Tokens(System));
        string prompt = FakeDecoder.PromptsWithAnswersOf(40, 1)[0];
        GenerationStream[] streams = [Submit(fixture, bad), fixture.Submit(prompt, 40), Submit(fixture, good)];
        fixture.Run();
        Assert.Throws<DecodeException>(() => End(streams[0]));
        Assert.Equal(FakeDecoder.Answer(prompt, 40), SchedulerFixture.Text(streams[1]));
        End(streams[2]);
        Assert.True(bad.Slot < 0 && good.Slot >= 0);
    }

    private static void End(GenerationStream stream)
    {
        Assert.True(stream.IsComplete);
        stream.WaitToReadAsync().AsTask().GetAwaiter().GetResult();
    }

    private static void Churn(SchedulerFixture fixture)
    {
        for (int i = 0; i < 6; i++)
            fixture.Ask(new string((char)('a' + i), 60), 10, out _);
    }

    private static PinnedPrefix Preload(SchedulerFixture fixture, string text)
    {
        PinnedPrefix prefix = new(Tokens(text));
        GenerationStream stream = Submit(fixture, prefix);
        fixture.Run();
        Assert.Equal("", SchedulerFixture.Text(stream));
        Assert.InRange(prefix.Slot, 0, fixture.Decoder.MaxSequences - 1);
        return prefix;
    }

    private static GenerationStream Submit(SchedulerFixture fixture, PinnedPrefix prefix, CancellationToken cancellationToken = default) =>
        fixture.Scheduler.Submit(new GenerationRequest { Prompt = prefix.Tokens, Prefix = prefix, Priority = int.MinValue, Sampling = new SamplingOptions() }, cancellationToken);

    private static int[] Tokens(string text) => [.. Encoding.UTF8.GetBytes(text).Select(b => (int)b)];
}
