using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class PrefillPaceTests
{
    private static readonly AttentionTile Tile = new(64, CellCost: 0.0007);

    private readonly ManualTime _time = new();

    [Theory]
    // A tenth of a second of prompt.
    [InlineData(0.001, 0.001, 96)]
    [InlineData(0.001, 0.002, 48)]
    [InlineData(0.001, 0.0001, 512)]
    // Eight steps, where these take longer than an eightieth of a second.
    [InlineData(0.05, 0.002, 192)]
    [InlineData(0.6, 0.125, 32)]
    [InlineData(0.001, 1, 16)]
    public void AStepTakesAsManyTokensOfPromptsAsOthersCanWaitFor(double step, double token, int expected)
    {
        PrefillPace pace = new(Limits(512));
        for (int i = 0; i < 10; i++)
        {
            pace.Observe(0, 1, TimeSpan.FromSeconds(step));
            int chunk = pace.Choose(1000, 1);
            pace.Observe(chunk, 1, TimeSpan.FromSeconds(step + (chunk * token)));
        }

        Assert.Equal(expected, pace.Choose(1000, 1));
    }

    [Fact]
    public void WhatWasMeasuredOnceDoesNotStay()
    {
        PrefillPace pace = new(Limits(128));
        Assert.Equal(PrefillPace.First, pace.Choose(1000, 1));
        pace.Observe(0, 1, TimeSpan.FromSeconds(0.001));
        pace.Observe(128, 1, TimeSpan.FromSeconds(10));
        Assert.Equal(PrefillPace.Granule, pace.Choose(1000, 1));
        for (int i = 0; i < 20; i++)
            pace.Observe(pace.Choose(1000, 1), 1, TimeSpan.FromSeconds(0.001));
        Assert.Equal(128, pace.Choose(1000, 1));
    }

    [Fact]
    public void WhereManyHaveANextTokenAStepTakesLongerAndSoMayPrompts()
    {
        PrefillPace pace = new(Limits(512));
        foreach ((int decoding, double seconds) in ((int, double)[])[(1, 0.033), (7, 0.12), (16, 0.18)])
            pace.Observe(0, decoding, TimeSpan.FromSeconds(seconds));
        pace.Observe(64, 16, TimeSpan.FromSeconds(0.18 + (64 * 0.005)));
        int[] chunks = [.. ((int[])[1, 2, 4, 5, 8, 16, 32]).Select(decoding => pace.Choose(1000, decoding))];
        Assert.Equal([48, 48, 48, 192, 192, 288, 288], chunks);
    }

    [Fact]
    public void WhereNoStepWithoutPromptsWasSeenItIsTakenForSoManyTokens()
    {
        PrefillPace pace = new(Limits(512));
        pace.Observe(32, 0, TimeSpan.FromSeconds(0.3));
        Assert.Equal(48, pace.Choose(1000, 2));
        pace.Observe(0, 16, TimeSpan.FromSeconds(0.2));
        Assert.Equal(160, pace.Choose(1000, 2));
    }

    [Fact]
    public void ATileIsNotCutWhereItPays()
    {
        PrefillPace pace = new(Limits(128, Tile));
        pace.Observe(0, 1, TimeSpan.FromSeconds(0.001));
        pace.Observe(128, 1, TimeSpan.FromSeconds(10));
        Assert.Equal(16, pace.Choose(300, 1));
        Assert.Equal(64, pace.Choose(4000, 1));
    }

    [Fact]
    public void AFewTokensSayNothingOfTheRest()
    {
        PrefillPace pace = new(Limits(128));
        pace.Observe(3, 1, TimeSpan.FromSeconds(10));
        Assert.Equal(128, pace.Choose(1000, 1));
    }

    [Theory]
    [InlineData(0.0001, 512)]
    [InlineData(0.003, 320)]
    [InlineData(0.005, 192)]
    [InlineData(1, 128)]
    public void ALongPromptAloneLeavesTheStepAfterASecond(double token, int expected)
    {
        PrefillPace pace = new(Limits(128));
        Assert.Equal(512, pace.ChooseAlone(512));
        pace.Observe(64, 0, TimeSpan.FromSeconds(64 * token));
        Assert.Equal(expected, pace.ChooseAlone(512));
        Assert.Equal(100, pace.ChooseAlone(100));
    }

    [Fact]
    public void WhoComesWhileALongPromptIsComputedWaitsForAPartOfIt()
    {
        SchedulerFixture fixture = Paced(secondsPerStep: 0.03, secondsPerToken: 0.004);
        FakeDecoder decoder = fixture.Decoder;
        fixture.Submit(new string('f', 100), 2);
        fixture.Run();

        // Short ones are computed whole and together, a long one in parts.
        GenerationStream[] shorts = [.. Enumerable.Range(0, 4).Select(i => fixture.Submit(new string((char)('a' + i), 100), 1))];
        GenerationStream other = fixture.Submit(new string('p', 2000), 1);
        fixture.Scheduler.Step();
        Assert.All(shorts, stream => Assert.True(stream.IsComplete));
        Assert.Equal(400, decoder.Batch.Count);
        List<int> parts = [];
        while (!other.IsComplete)
        {
            fixture.Scheduler.Step();
            parts.Add(decoder.Batch.Count);
        }

        Assert.Equal([.. Enumerable.Repeat(192, 10), 80], parts);
    }

    [Fact]
    public void ALongPromptIsNotPartedWhereNobodyCanCome()
    {
        FakeDecoder decoder = new(1, cells: 4000, batch: 512);
        SchedulerFixture fixture = Paced(decoder, secondsPerStep: 0.03, secondsPerToken: 0.004);
        fixture.Submit(new string('f', 100), 2);
        fixture.Run();
        fixture.Submit(new string('p', 1000), 1);
        fixture.Run();
        Assert.Equal([100, 1, 512, 488], decoder.History.Select(step => step.Values.Sum()));
    }

    [Fact]
    public void ASetNumberStaysWhatever()
    {
        PrefillPace pace = new(Limits(100) with { PacesPrefill = false });
        pace.Observe(100, 1, TimeSpan.FromSeconds(10));
        Assert.Equal(100, pace.Choose(1000, 1));
        Assert.Equal(TimeSpan.Zero, pace.Patience(100));
    }

    [Theory]
    [InlineData(0.0001, 32, 12)]
    [InlineData(0.008, 32, 1_000)]
    [InlineData(0.008, 1_000, 2_000)]
    public void AStepWaitsForMoreCallersAHundredthOfItsTimeAtMost(double token, int tokens, int microseconds)
    {
        PrefillPace pace = new(Limits(128));
        Assert.Equal(200, pace.Patience(tokens).TotalMicroseconds);
        pace.Observe(64, 0, TimeSpan.FromSeconds(64 * token));
        Assert.Equal(microseconds, (int)pace.Patience(tokens).TotalMicroseconds);
        Assert.InRange(pace.Patience(tokens).TotalSeconds, 0, tokens * token / 100);
    }

    [Fact]
    public void PromptsOfThoseWhoComeAtOnceAreComputedTogether()
    {
        FakeDecoder decoder = new(4);
        SchedulerFixture? fixture = null;
        Queue<string> others = new(["second", "third"]);
        fixture = new SchedulerFixture(decoder, pacesPrefill: true, awaitWake: _ => others.TryDequeue(out string? prompt) && fixture!.Submit(prompt, 2) is not null);
        fixture.Submit("first", 2);
        fixture.Scheduler.Step();
        Assert.Equal([5, 5, 6], Assert.Single(decoder.History).Values.Order());
        fixture.Run();
    }

    [Fact]
    public void NobodyIsWaitedForBesideNextTokensOrInAFullHouse()
    {
        List<int> waits = [];
        FakeDecoder decoder = new(2);
        SchedulerFixture? fixture = null;
        fixture = new SchedulerFixture(decoder, pacesPrefill: true, maxRunning: 2, awaitWake: _ =>
        {
            waits.Add(fixture!.Scheduler.RunningCount);
            return false;
        });
        fixture.Submit(FakeDecoder.PromptsWithAnswersOf(20, 1)[0], 20);
        fixture.Scheduler.Step();
        fixture.Scheduler.Step();
        fixture.Submit("beside", 1);
        fixture.Run();
        Assert.Equal([1], waits);
        fixture.Submit("both", 1);
        fixture.Submit("at once", 1);
        fixture.Run();
        Assert.Equal([1], waits);
        fixture.Submit(new string('p', 100), 1);
        fixture.Run();
        // A prompt of more than a batch needs no company.
        Assert.Equal([1], waits);
    }

    [Fact]
    public void WhoIsWokenForNothingDoesNotWaitForEver()
    {
        int wakes = 0;
        SchedulerFixture fixture = new(new FakeDecoder(4), time: _time, pacesPrefill: true, awaitWake: most =>
        {
            wakes++;
            _time.Advance(most / 2);
            return true;
        });
        fixture.Submit("alone", 1);
        fixture.Run();
        Assert.Equal(16, wakes);
    }

    [Fact]
    public void WhoGoesWhileOthersAreWaitedForIsNotComputed()
    {
        FakeDecoder decoder = new(4);
        using CancellationTokenSource source = new();
        SchedulerFixture fixture = new(decoder, pacesPrefill: true, awaitWake: _ =>
        {
            source.Cancel();
            return true;
        });
        GenerationStream stream = fixture.Submit("alone", 5, source.Token);
        fixture.Run();
        Assert.True(stream.IsComplete);
        Assert.Empty(decoder.History);
    }

    [Fact]
    public void WhoWaitsForANextTokenBesideALongPromptWaitsForATenthOfASecond()
    {
        SchedulerFixture fixture = Paced(secondsPerStep: 0.005, secondsPerToken: 0.002);
        GenerationStream patient = fixture.Submit(FakeDecoder.PromptsWithAnswersOf(60, 1)[0], 60);
        for (int i = 0; i < 5; i++)
            fixture.Scheduler.Step();
        GenerationStream other = fixture.Submit(new string('p', 2000), 1);
        List<double> waits = [];
        while (!patient.IsComplete)
        {
            long before = _time.GetTimestamp();
            fixture.Scheduler.Step();
            waits.Add(_time.GetElapsedTime(before).TotalSeconds);
        }

        // 128 tokens at first, as nothing is known of prompts; from then on 48.
        Assert.True(waits[0] > 0.2);
        Assert.All(waits[1..40], wait => Assert.InRange(wait, 0.09, 0.12));
        fixture.Run();
        Assert.True(other.IsComplete);
    }

    /// <summary>A scheduler whose decoder takes so long for each step, and for each of its tokens.</summary>
    private SchedulerFixture Paced(double secondsPerStep, double secondsPerToken)
    {
        return Paced(new FakeDecoder(8, cells: 8000, batch: 512), secondsPerStep, secondsPerToken);
    }

    private SchedulerFixture Paced(FakeDecoder decoder, double secondsPerStep, double secondsPerToken)
    {
        decoder.OnDecode = _ =>
        {
            _time.Advance(TimeSpan.FromSeconds(secondsPerStep + (decoder.Batch.Count * secondsPerToken)));
            return DecodeResult.Done;
        };
        return new SchedulerFixture(decoder, contextLength: 4000, prefillChunk: 128, time: _time, pacesPrefill: true, maxRunning: decoder.MaxSequences);
    }

    private static SchedulerLimits Limits(int most, AttentionTile tile = default) => new() { ContextLength = 4096, QueueCapacity = 10, PrefillChunk = most, PacesPrefill = true, Tile = tile };
}
