using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class PreemptionTests
{
    [Fact]
    public void ARequestIsAdmittedForThePromptAndNotForItsWholeLimit()
    {
        SchedulerFixture fixture = new(new FakeDecoder(8, cells: 512), contextLength: 512);
        for (int i = 0; i < 8; i++)
            fixture.Submit($"prompt {i}", 500);
        fixture.Scheduler.Step();
        Assert.Equal(8, fixture.Scheduler.RunningCount);
        fixture.Run();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(60)]
    public void WhereCellsRunOutTheYoungestWaitsAndNoTextIsLostOrRepeated(int prefixCells)
    {
        SchedulerFixture fixture = new(new FakeDecoder(4, cells: 120), contextLength: 120, prefixCells: prefixCells);
        string[] prompts = FakeDecoder.PromptsWithAnswersOf(60, 4);
        GenerationStream[] streams = [.. prompts.Select(prompt => fixture.Submit(prompt, 60))];
        int most = 0;
        bool lost = false;
        while (fixture.Scheduler.Step())
        {
            fixture.Scheduler.CheckIntegrity();
            lost |= fixture.Scheduler.RunningCount < most && streams.All(stream => !stream.IsComplete);
            most = Math.Max(most, fixture.Scheduler.RunningCount);
        }

        Assert.True(lost);
        Assert.Equal(prompts.Select(prompt => FakeDecoder.Answer(prompt, 60)), streams.Select(SchedulerFixture.Text));
        Assert.All(streams, stream => Assert.Equal(60, stream.Summary.OutputTokens));
    }

    [Fact]
    public void TheOldestIsNeverPreempted()
    {
        SchedulerFixture fixture = new(new FakeDecoder(4, cells: 100), contextLength: 100);
        string first = FakeDecoder.PromptsWithAnswersOf(90, 1)[0];
        GenerationStream oldest = fixture.Submit(first, 90);
        for (int i = 0; i < 6; i++)
            fixture.Submit($"other {i}", 80);
        int steps = 0;
        for (; !oldest.IsComplete; steps++)
            fixture.Scheduler.Step();
        Assert.Equal(90, steps);
        fixture.Run();
    }

    [Fact]
    public void WhoWaitsForWhatAnotherComputesIsNotLeftAlone()
    {
        SchedulerFixture fixture = new(new FakeDecoder(4, cells: 230, batch: 8), contextLength: 150, prefixCells: 150, maxRunning: 2);
        string prompt = new('c', 100);
        GenerationStream low = fixture.Scheduler.Submit(SchedulerFixture.Request(prompt, 10, priority: -1), default);
        fixture.Scheduler.Step();
        GenerationStream high = fixture.Scheduler.Submit(SchedulerFixture.Request(prompt + "x", 10, priority: 1), default);
        fixture.Scheduler.Step();
        Assert.Equal([true, false], fixture.Scheduler.Running.Select(sequence => sequence.IsStarted));
        // It takes the cells that the first was about to need.
        fixture.Scheduler.Restore(new PinnedPrefix(new int[150]), new byte[150 * sizeof(ulong)]);
        fixture.Run();
        Assert.Equal(FakeDecoder.Answer(prompt, 10), SchedulerFixture.Text(low));
        Assert.Equal(FakeDecoder.Answer(prompt + "x", 10), SchedulerFixture.Text(high));
    }

    [Fact]
    public void ALowerPriorityIsPreemptedBeforeAYoungerSequence()
    {
        SchedulerFixture fixture = new(new FakeDecoder(2, cells: 60), contextLength: 60);
        string[] prompts = FakeDecoder.PromptsWithAnswersOf(40, 2);
        GenerationStream low = fixture.Scheduler.Submit(SchedulerFixture.Request(prompts[0], 40, priority: -1), default);
        GenerationStream high = fixture.Scheduler.Submit(SchedulerFixture.Request(prompts[1], 40), default);
        while (!high.IsComplete)
            fixture.Scheduler.Step();
        Assert.False(low.IsComplete);
        fixture.Run();
        Assert.Equal(prompts.Select(prompt => FakeDecoder.Answer(prompt, 40)), [SchedulerFixture.Text(low), SchedulerFixture.Text(high)]);
    }

    [Fact]
    public void PreemptedSequencesCanBeCancelledWhileTheyWait()
    {
        SchedulerFixture fixture = new(new FakeDecoder(4, cells: 100), contextLength: 100);
        using CancellationTokenSource source = new();
        GenerationStream[] streams = [.. FakeDecoder.PromptsWithAnswersOf(80, 4).Select(prompt => fixture.Submit(prompt, 80, source.Token))];
        do
            Assert.True(fixture.Scheduler.Step());
        while (fixture.Scheduler.WaitingCount == 0);
        source.Cancel();
        fixture.Run();
        Assert.All(streams, stream => Assert.True(stream.IsComplete));
    }
}
