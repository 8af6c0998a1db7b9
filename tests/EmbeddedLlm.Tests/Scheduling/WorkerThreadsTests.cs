using System.Collections.Concurrent;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class WorkerThreadsTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    [Fact]
    public void EveryItemIsExecutedOnce()
    {
        const int Items = 10_000;
        WorkerThreads workers = new(capacity: 4, Long);
        int[] executions = new int[Items];
        using CountdownEvent done = new(Items);
        Parallel.For(0, Items, i => workers.Post(new Item(() =>
        {
            Interlocked.Increment(ref executions[i]);
            done.Signal();
        })));
        Assert.True(done.Wait(Long, TestContext.Current.CancellationToken));
        Assert.All(executions, count => Assert.Equal(1, count));
        Assert.InRange(workers.Count, 1, 4);
    }

    [Fact]
    public void ItemsOneAfterTheOtherShareAThread()
    {
        WorkerThreads workers = new(capacity: 100, Long);
        for (int i = 0; i < 100; i++)
        {
            ThreadOf(workers);
            Thread.Sleep(1);
        }

        // More than one where the thread was held up on its way to sleep.
        Assert.InRange(workers.Count, 1, 10);
    }

    [Fact]
    public void ABlockedItemHoldsNoneUp()
    {
        WorkerThreads workers = new(capacity: 2, Long);
        using ManualResetEventSlim gate = new();
        using CountdownEvent done = new(5);
        for (int i = 0; i < 4; i++)
        {
            // Four that wait for the fifth: two on the threads, two on the pool.
            workers.Post(new Item(() =>
            {
                gate.Wait(Long);
                done.Signal();
            }));
        }

        workers.Post(new Item(() =>
        {
            gate.Set();
            done.Signal();
        }));
        Assert.True(done.Wait(Long, TestContext.Current.CancellationToken));
        Assert.InRange(workers.Count, 1, 2);
    }

    [Fact]
    public void AThreadWithoutWorkEnds()
    {
        WorkerThreads workers = new(capacity: 2, TimeSpan.FromMilliseconds(20));
        for (int i = 0; i < 3; i++)
        {
            ThreadOf(workers);
            Assert.True(SpinWait.SpinUntil(() => workers.Count == 0, Long));
        }
    }

    [Fact]
    public void WorkAndTheEndOfIdleThreadsMayMeet()
    {
        WorkerThreads workers = new(capacity: 3, TimeSpan.FromMilliseconds(1));
        for (int i = 0; i < 300; i++)
        {
            ThreadOf(workers);
            Thread.Sleep(i % 3);
        }

        Assert.True(SpinWait.SpinUntil(() => workers.Count == 0, Long));
    }

    [Fact]
    public void AnItemLeavesNothingInTheThread()
    {
        WorkerThreads workers = new(capacity: 1, Long);
        AsyncLocal<string> local = new();
        ConcurrentQueue<(string? Local, SynchronizationContext? Context)> seen = [];
        using CountdownEvent done = new(3);
        for (int i = 0; i < 3; i++)
        {
            workers.Post(new Item(() =>
            {
                seen.Enqueue((local.Value, SynchronizationContext.Current));
                local.Value = "mine";
                SynchronizationContext.SetSynchronizationContext(new SynchronizationContext());
                done.Signal();
            }));
        }

        Assert.True(done.Wait(Long, TestContext.Current.CancellationToken));
        Assert.All(seen, item => Assert.Equal((null, null), item));
    }

    private static int ThreadOf(WorkerThreads workers)
    {
        int id = 0;
        using ManualResetEventSlim done = new();
        workers.Post(new Item(() =>
        {
            id = Environment.CurrentManagedThreadId;
            done.Set();
        }));
        Assert.True(done.Wait(Long, TestContext.Current.CancellationToken));
        return id;
    }

    private sealed class Item(Action action) : IThreadPoolWorkItem
    {
        public void Execute() => action();
    }
}
