using System.Diagnostics;
using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Tests.Runtime;

public sealed class ThreadGovernorTests
{
    private readonly ThreadGovernor _governor = new(8, threads: 8, largestStep: 4);
    private long _now = 1_000_000;

    [Fact]
    public void StepsThatTakeManyTimesLongerCostThreads()
    {
        Run(50, seconds: 0.01);
        Run(2, seconds: 0.19);
        Assert.Equal(8, _governor.Threads);
        Run(1, seconds: 0.19);
        Assert.Equal(4, _governor.Threads);
        Run(3, seconds: 0.19);
        Assert.Equal(2, _governor.Threads);
    }

    [Fact]
    public void AStepThatLastsMuchLongerIsEvidenceEnough()
    {
        Run(50, seconds: 0.01);
        Run(1, seconds: 0.5);
        Assert.Equal(4, _governor.Threads);
    }

    [Theory]
    [InlineData(0.01, 0.21)]
    [InlineData(0.02, 0.22)]
    [InlineData(0.5, 4)]
    public void AStepThatLastsMuchLongerIsGivenUp(double usual, double expected)
    {
        Assert.Null(_governor.DeadlineOf(1, _now));
        Run(50, seconds: usual);
        Assert.Equal(expected, Limit(), 0.06 * expected);
        Assert.True(_governor.ObserveGivenUp(_now));
        Assert.Equal(4, _governor.Threads);
        // Of a step with half the threads more is to be expected.
        Assert.Equal(Math.Max(usual + 0.2, usual * 16), Limit(), 0.06 * Math.Max(usual + 0.2, usual * 16));
        Assert.True(_governor.ObserveGivenUp(_now));
        Assert.True(_governor.ObserveGivenUp(_now));
        Assert.Equal(1, _governor.Threads);
        Assert.Null(_governor.DeadlineOf(1, _now));
        Assert.False(_governor.ObserveGivenUp(_now));

        double Limit() => Stopwatch.GetElapsedTime(_now, _governor.DeadlineOf(1, _now)!.Value).TotalSeconds;
    }

    [Fact]
    public void OnlyStepsOfKnownSizesAreGivenUp()
    {
        Run(50, seconds: 0.01);
        Assert.NotNull(_governor.DeadlineOf(1, _now));
        Assert.Null(_governor.DeadlineOf(2, _now));
        Assert.Null(_governor.DeadlineOf(5, _now));
        Assert.Null(_governor.DeadlineOf(0, _now));
    }

    [Fact]
    public void NothingIsTriedWhileTheClockShowsABusyMachine()
    {
        ThreadGovernor governor = WithClock(8, () => 8);
        Run(50, seconds: 0.01, governor: governor);
        Run(1, seconds: 0.5, governor: governor);
        Run(2000, seconds: 0.02, governor: governor);
        Assert.Equal(4, governor.Threads);
    }

    [Fact]
    public void ThreadsComeBackOneStepAtATime()
    {
        Run(50, seconds: 0.01);
        Run(6, seconds: 0.19);
        Assert.Equal(2, _governor.Threads);
        Run(150, seconds: 0.015);
        Assert.Equal(4, _governor.Threads);
        Run(150, seconds: 0.015);
        Assert.Equal(8, _governor.Threads);
    }

    [Fact]
    public void EachTryThatFailsMakesTheNextOneComeLater()
    {
        Run(50, seconds: 0.01);
        Run(1, seconds: 1);
        List<int> waits = [];
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(4, _governor.Threads);
            int steps = 0;
            for (; _governor.Threads == 4; steps++)
                Run(1, seconds: 0.02);
            waits.Add(steps);
            Run(3, seconds: 0.15);
        }

        Assert.Equal([100, 200, 400, 800], waits);
    }

    [Fact]
    public void FewerThreadsMayTakeLongerInProportion()
    {
        Run(50, seconds: 0.01);
        Run(3, seconds: 0.19);
        Run(3, seconds: 0.15);
        Assert.Equal(4, _governor.Threads);
    }

    [Theory]
    [InlineData(0.07)]
    [InlineData(0.02)]
    public void OrdinaryNoiseChangesNothing(double noise)
    {
        Run(20, seconds: 0.01);
        for (int i = 0; i < 100; i++)
        {
            Run(3, seconds: 0.01);
            Run(1, seconds: noise);
        }

        Assert.Equal(8, _governor.Threads);
    }

    [Fact]
    public void SlowFirstStepsTeachNothingWrong()
    {
        Run(3, seconds: 2);
        Run(20, seconds: 0.01);
        Run(3, seconds: 0.19);
        Assert.Equal(4, _governor.Threads);
    }

    [Fact]
    public void StepsOfDifferentSizesAreNotCompared()
    {
        Run(50, seconds: 0.001, tokens: 1);
        Run(50, seconds: 0.01, tokens: 4);
        Run(50, seconds: 10, tokens: 5);
        Assert.Equal(8, _governor.Threads);
    }

    [Fact]
    public void AModelThatGrowsSlowerLittleByLittleKeepsItsThreads()
    {
        double seconds = 0.01;
        for (int i = 0; i < 500; i++, seconds *= 1.01)
            Run(1, seconds);
        Assert.Equal(8, _governor.Threads);
    }

    [Fact]
    public void ThreadsComeBackWithinASecondWhereTheClockShowsFreeCores()
    {
        double busy = 8;
        ThreadGovernor governor = WithClock(8, () => busy);
        Run(50, seconds: 0.01, governor: governor);
        Run(9, seconds: 0.5, governor: governor);
        Assert.Equal(1, governor.Threads);
        Run(19, seconds: 0.08, governor: governor);
        Assert.Equal(1, governor.Threads);
        busy = 1;
        Run(12, seconds: 0.08, governor: governor);
        Assert.Equal(8, governor.Threads);
    }

    [Fact]
    public void NoMoreThreadsComeBackThanThereAreFreeCores()
    {
        double busy = 8;
        ThreadGovernor governor = WithClock(8, () => busy);
        Run(50, seconds: 0.01, governor: governor);
        Run(9, seconds: 0.5, governor: governor);
        busy = 5;
        Run(12, seconds: 0.08, governor: governor);
        Assert.Equal(4, governor.Threads);
    }

    [Fact]
    public void AClockThatMisledIsNotBelievedAgainSoSoon()
    {
        ThreadGovernor governor = WithClock(8, () => 0);
        Run(50, seconds: 0.01, governor: governor);
        Run(3, seconds: 0.19, governor: governor);
        Assert.Equal(4, governor.Threads);
        Run(40, seconds: 0.02, governor: governor);
        Assert.Equal(8, governor.Threads);
        Run(3, seconds: 0.19, governor: governor);
        Run(100, seconds: 0.02, governor: governor);
        Assert.Equal(4, governor.Threads);
    }

    [Fact]
    public void AModelLoadedOnABusyMachineGetsItsThreadsLater()
    {
        double busy = 8;
        ThreadGovernor governor = WithClock(threads: 2, () => busy);
        Run(90, seconds: 0.02, governor: governor);
        Assert.Equal(2, governor.Threads);
        busy = 2;
        Run(40, seconds: 0.02, governor: governor);
        Assert.Equal(8, governor.Threads);
        Run(3, seconds: 0.19, governor: governor);
        Assert.Equal(4, governor.Threads);
    }

    /// <summary>A governor of up to 8 threads on 8 cores, whose clock shows a load from one reading to the next.</summary>
    private ThreadGovernor WithClock(int threads, Func<double> busyCores)
    {
        CpuTime clock = new(0, 0, 8);
        return new ThreadGovernor(8, threads, largestStep: 4, () => clock = new CpuTime(clock.Busy + (long)(busyCores() * 100), clock.Total + 800, 8));
    }

    private void Run(int steps, double seconds, int tokens = 1, ThreadGovernor? governor = null)
    {
        for (int i = 0; i < steps; i++)
        {
            long start = _now;
            _now += (long)(seconds * Stopwatch.Frequency);
            (governor ?? _governor).Observe(tokens, start, _now);
        }
    }
}
