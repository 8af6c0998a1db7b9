using System.Diagnostics;
using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Tests.Runtime;

public sealed class ThreadGovernorTests
{
    private readonly ThreadGovernor _governor = new(8, largestStep: 4);
    private long _now = 1_000_000;

    [Fact]
    public void StepsThatTakeManyTimesLongerCostThreads()
    {
        Run(50, seconds: 0.01);
        Run(2, seconds: 0.5);
        Assert.Equal(8, _governor.Threads);
        Run(1, seconds: 0.5);
        Assert.Equal(4, _governor.Threads);
        Run(3, seconds: 0.5);
        Assert.Equal(2, _governor.Threads);
    }

    [Fact]
    public void ThreadsComeBackOneStepAtATime()
    {
        Run(50, seconds: 0.01);
        Run(6, seconds: 0.5);
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
        Run(3, seconds: 1);
        List<int> waits = [];
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(4, _governor.Threads);
            int steps = 0;
            for (; _governor.Threads == 4; steps++)
                Run(1, seconds: 0.02);
            waits.Add(steps);
            Run(3, seconds: 0.3);
        }

        Assert.Equal([100, 200, 400, 800], waits);
    }

    [Fact]
    public void FewerThreadsMayTakeLongerInProportion()
    {
        Run(50, seconds: 0.01);
        Run(3, seconds: 0.5);
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
        Run(3, seconds: 0.5);
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

    private void Run(int steps, double seconds, int tokens = 1)
    {
        for (int i = 0; i < steps; i++)
        {
            long start = _now;
            _now += (long)(seconds * Stopwatch.Frequency);
            _governor.Observe(tokens, start, _now);
        }
    }
}
