using System.Diagnostics;
using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Tests.Runtime;

public sealed class EmbedderThreadsTests
{
    private const long Megabyte = 1 << 20;

    [Theory]
    [InlineData(20, 1, 2)]
    [InlineData(20, 4, 6)]
    [InlineData(20, 12, 8)]
    [InlineData(2, 1, 1)]
    [InlineData(2, 10, 2)]
    [InlineData(2, 256, 8)]
    public void AsManyThreadsComputeAsTheBatchKeepsBusy(long megabytes, int tokens, int expected) =>
        Assert.Equal(expected, new EmbedderThreads(megabytes * Megabyte, most: 8, threads: 8, readClock: null).For(tokens));

    [Fact]
    public void WhatOthersKeepBusyAtFirstIsLeftToThem() => Assert.Equal(3, new EmbedderThreads(100 * Megabyte, most: 8, threads: 3, readClock: null).For(256));

    [Fact]
    public void AFixedNumberStays()
    {
        EmbedderThreads threads = new(3);
        Assert.Equal((3, 3), (threads.For(1), threads.For(500)));
    }

    [Fact]
    public void FewerComputeWhenBatchesSuddenlyTakeManyTimesLonger()
    {
        EmbedderThreads threads = new(100 * Megabyte, most: 8, threads: 8, readClock: null);
        long now = 1;
        for (int i = 0; i < 8; i++)
            Compute(milliseconds: 5);
        Assert.Equal(8, threads.For(200));
        Compute(milliseconds: 400);
        Assert.Equal((4, 4), (threads.For(200), threads.For(20)));

        void Compute(int milliseconds)
        {
            long end = now + (milliseconds * Stopwatch.Frequency / 1000);
            threads.Observe(200, now, end);
            now = end;
        }
    }
}
