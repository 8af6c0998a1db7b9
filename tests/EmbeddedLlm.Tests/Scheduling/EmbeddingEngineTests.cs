using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.Logging.Abstractions;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class EmbeddingEngineTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task InputsShareBatchesUpToTheirTokensAndSlots()
    {
        FakeEmbedder embedder = new();
        await using EmbeddingEngine engine = Create(embedder);
        int[][] inputs = [[1, 2, 3], [4, 5], [6, 7, 8], [9], [10], [11], [12], [13]];
        float[][] vectors = await engine.Submit(inputs, Cancel);
        Assert.Equal(inputs.Select(FakeEmbedder.VectorOf), vectors);
        Assert.Equal([[1, 4, 6], [9, 10, 11, 12], [13]], embedder.Batches);
    }

    [Fact]
    public async Task AnInputThatHasToBeWholeGetsABatchForItself()
    {
        FakeEmbedder embedder = new(packedTokens: 4, maxTokens: 10);
        await using EmbeddingEngine engine = Create(embedder);
        int[][] inputs = [[1], [2, 3, 4, 5, 6, 7], [8], [9, 10]];
        Assert.Equal(inputs.Select(FakeEmbedder.VectorOf), await engine.Submit(inputs, Cancel));
        Assert.Equal([[1], [2], [8, 9]], embedder.Batches);
    }

    [Theory]
    [InlineData((int)PieceMerge.Mean, 2)]
    [InlineData((int)PieceMerge.First, 0)]
    [InlineData((int)PieceMerge.Last, 1)]
    public async Task PiecesArePutTogetherToTheWholeInputsVector(int merge, int index)
    {
        FakeEmbedder embedder = new(packedTokens: 4, maxTokens: 20, merge: (PieceMerge)merge);
        await using EmbeddingEngine engine = Create(embedder);
        int[] input = [3, 1, 4, 1, 5, 9, 2, 6, 5, 30];
        float[][] vectors = await engine.Submit([[7], input, [8]], Cancel);
        Assert.Equal(FakeEmbedder.VectorOf(input)[index], vectors[1][index], 1e-5f);
        Assert.Equal([[7], [3], [5], [5], [8]], embedder.Batches);
    }

    [Fact]
    public async Task CallersTakeTurns()
    {
        using Gate gate = new();
        FakeEmbedder embedder = new(packedTokens: 4);
        embedder.OnCompute = _ =>
        {
            gate.Pass();
            return DecodeResult.Done;
        };
        await using EmbeddingEngine engine = Create(embedder);
        Task<float[][]> many = engine.Submit([.. Enumerable.Range(100, 40).Select(token => new[] { token, 0 })], Cancel);
        gate.AwaitArrival();
        Task<float[][]> few = engine.Submit([[1, 0], [2, 0], [3, 0]], Cancel);
        gate.Open();
        await Task.WhenAll(many, few);
        Assert.Equal([[102, 1], [2, 103], [104, 3], [105, 106]], embedder.Batches.Skip(1).Take(4));
    }

    [Fact]
    public async Task CancellationOfTheOnlyCallerAbortsTheBatch()
    {
        using Gate gate = new();
        FakeEmbedder embedder = new();
        embedder.OnCompute = batch =>
        {
            gate.Pass();
            return batch == 1 ? DecodeResult.Aborted : DecodeResult.Done;
        };
        await using EmbeddingEngine engine = Create(embedder);
        using CancellationTokenSource source = new();
        Task<float[][]> cancelled = engine.Submit([[1], [2]], source.Token);
        gate.AwaitArrival();
        await source.CancelAsync();
        OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.Equal(source.Token, exception.CancellationToken);
        Assert.Equal(1, embedder.AbortRequests);
        Task<float[][]> next = engine.Submit([[3]], Cancel);
        gate.Open();
        Assert.Equal([FakeEmbedder.VectorOf(3)], await next);
        Assert.Equal([[1, 2], [3]], embedder.Batches);
    }

    [Fact]
    public async Task AnAbortedBatchIsComputedAgainForThoseWhoStay()
    {
        FakeEmbedder embedder = new() { OnCompute = batch => batch == 2 ? DecodeResult.Aborted : DecodeResult.Done };
        await using EmbeddingEngine engine = Create(embedder);
        int[][] inputs = [.. Enumerable.Range(1, 10).Select(token => new[] { token })];
        Assert.Equal(inputs.Select(FakeEmbedder.VectorOf), await engine.Submit(inputs, Cancel));
        Assert.Equal([[1, 2, 3, 4], [5, 6, 7, 8], [5, 6, 7, 8], [9, 10]], embedder.Batches);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AFailedBatchEndsItsCallersAndTheEngineGoesOn(bool throws)
    {
        FakeEmbedder embedder = new();
        embedder.OnCompute = batch => batch != 1 ? DecodeResult.Done : throws ? throw new InvalidOperationException("on purpose") : DecodeResult.Failed;
        await using EmbeddingEngine engine = Create(embedder);
        // A batch that throws is not counted, so the first one that is fails only once.
        DecodeException exception = await Assert.ThrowsAsync<DecodeException>(() => engine.Submit([[1]], Cancel));
        Assert.Equal(throws ? "on purpose" : null, exception.InnerException?.Message);
        embedder.OnCompute = null;
        Assert.Equal([FakeEmbedder.VectorOf(2)], await engine.Submit([[2]], Cancel));
    }

    /// <summary>Without a job there is nobody whose failure ends it: it sleeps until somebody comes, and ends when it is forgotten.</summary>
    [Fact]
    public async Task AnEngineThatAlwaysFailsDoesNotSpin()
    {
        int steps = 0;
        FakeEmbedder embedder = new()
        {
            OnClear = () =>
            {
                steps++;
                throw new InvalidOperationException("on purpose");
            },
        };
        EmbeddingEngine engine = Create(embedder);
        Assert.Equal("on purpose", (await Assert.ThrowsAsync<DecodeException>(() => engine.Submit([[1]], Cancel))).InnerException?.Message);
        engine.EndWhenIdle();
        await embedder.Disposed.Task.WaitAsync(TimeSpan.FromMinutes(1), Cancel);
        // At most: before the job, with it, after it, and for the end.
        Assert.InRange(steps, 2, 4);
    }

    /// <summary>The cancellation that comes between the last operation of a batch and its end is no reason to give the next one up.</summary>
    [Fact]
    public async Task ACancellationAtTheEndOfABatchDoesNotAbortTheNextOne()
    {
        using CancellationTokenSource source = new();
        FakeEmbedder embedder = new() { HeedsAborts = true };
        embedder.OnComputed = batch =>
        {
            if (batch == 1)
                source.Cancel();
        };
        await using EmbeddingEngine engine = Create(embedder);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.Submit([[1]], source.Token));
        Assert.Equal([FakeEmbedder.VectorOf(2)], await engine.Submit([[2]], Cancel));
        Assert.Equal([[1], [2]], embedder.Batches);
    }

    [Theory]
    [InlineData(null)]
    [InlineData((int)PieceMerge.First)]
    [InlineData((int)PieceMerge.Mean)]
    public async Task NumbersThatAreNoneReachNoOtherInput(int? merge)
    {
        FakeEmbedder embedder = new(packedTokens: 4, maxTokens: 20, merge: (PieceMerge?)merge) { Poison = 13 };
        await using EmbeddingEngine engine = Create(embedder);
        int[][] inputs = [[1], [2, 13], [3], [4, 13, 5, 13, 13, 6], [7, 7, 7, 7, 7, 7], [8]];
        float[][] vectors = await engine.Submit(inputs, Cancel);
        for (int i = 0; i < inputs.Length; i++)
        {
            if (!inputs[i].Contains(13))
                Assert.Equal(merge is null ? FakeEmbedder.VectorOf(inputs[i])[2] : inputs[i][0], vectors[i][merge is null ? 2 : 0]);
            else
                Assert.True(float.IsNaN(vectors[i][0]));
        }
    }

    [Fact]
    public async Task WhoIsComputedAgainInVainEndsWithoutTheOthers()
    {
        FakeEmbedder embedder = new(packedTokens: 4) { Poison = 13 };
        using CancellationTokenSource source = new();
        using Gate gate = new();
        embedder.OnCompute = batch =>
        {
            if (batch == 1)
                gate.Pass();
            if (batch == 3)
                source.Cancel();
            return DecodeResult.Done;
        };
        await using EmbeddingEngine engine = Create(embedder);
        Task<float[][]> first = engine.Submit([[9]], Cancel);
        gate.AwaitArrival();
        Task<float[][]> bad = engine.Submit([[13], [13], [13]], source.Token);
        Task<float[][]> good = engine.Submit([[1], [2]], Cancel);
        gate.Open();
        await first;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bad);
        Assert.Equal([FakeEmbedder.VectorOf(1), FakeEmbedder.VectorOf(2)], await good);
        Assert.Equal([FakeEmbedder.VectorOf(3)], await engine.Submit([[3]], Cancel));
    }

    [Fact]
    public async Task DisposalEndsAllAndDisposesTheModel()
    {
        using Gate gate = new();
        FakeEmbedder embedder = new(packedTokens: 1);
        embedder.OnCompute = _ =>
        {
            gate.Pass();
            return DecodeResult.Done;
        };
        EmbeddingEngine engine = Create(embedder);
        Task<float[][]> running = engine.Submit([[1], [2]], Cancel);
        Task<float[][]> waiting = engine.Submit([[3], [4]], Cancel);
        gate.AwaitArrival();
        ValueTask disposal = engine.DisposeAsync();
        Assert.Equal(1, embedder.AbortRequests);
        gate.Open();
        await disposal;
        await Assert.ThrowsAsync<ObjectDisposedException>(() => running);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => engine.Submit([[5]], Cancel));
        Assert.True(embedder.IsDisposed);
    }

    [Fact]
    public async Task MoreThanTheQueueHoldsIsRefusedUntilSomebodyLeaves()
    {
        using Gate gate = new();
        FakeEmbedder embedder = new()
        {
            OnCompute = _ =>
            {
                gate.Pass();
                return DecodeResult.Done;
            },
        };
        await using EmbeddingEngine engine = new(embedder, queueCapacity: 1, NullLogger.Instance);
        Task<float[][]> first = engine.Submit([[1]], Cancel);
        using CancellationTokenSource source = new();
        Task<float[][]> second = engine.Submit([[2]], source.Token);
        Assert.Equal(1, (await Assert.ThrowsAsync<QueueFullException>(() => engine.Submit([[3]], Cancel))).Capacity);
        await source.CancelAsync();
        Task<float[][]> fourth = engine.Submit([[4]], Cancel);
        gate.Open();
        Assert.Equal([FakeEmbedder.VectorOf(1), FakeEmbedder.VectorOf(4)], [.. await first, .. await fourth]);
    }

    [Fact]
    public async Task ADrainEndsWithTheLastJobAndRefusesFurtherOnes()
    {
        using Gate gate = new();
        FakeEmbedder embedder = new()
        {
            OnCompute = _ =>
            {
                gate.Pass();
                return DecodeResult.Done;
            },
        };
        await using EmbeddingEngine engine = Create(embedder);
        Task<float[][]> running = engine.Submit([[1]], Cancel);
        Task drain = engine.DrainAsync(Cancel);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => engine.Submit([[2]], Cancel));
        Assert.False(drain.IsCompleted);
        gate.Open();
        await drain;
        Assert.Equal([FakeEmbedder.VectorOf(1)], await running);
    }

    [Fact]
    public async Task WhoGivesUpADrainLeavesNoFailureBehindThatNobodySees()
    {
        string reason = $"on purpose, {Guid.NewGuid()}";
        int unobserved = 0;
        TaskScheduler.UnobservedTaskException += Count;
        try
        {
            await DrainInVainAsync(reason);
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Assert.Equal(0, unobserved);
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= Count;
        }

        void Count(object? sender, UnobservedTaskExceptionEventArgs arguments)
        {
            if (arguments.Exception.ToString().Contains(reason, StringComparison.Ordinal))
                unobserved++;
        }

        static async Task DrainInVainAsync(string reason)
        {
            using Gate gate = new();
            FakeEmbedder embedder = new()
            {
                OnCompute = _ =>
                {
                    gate.Pass();
                    throw new InvalidOperationException(reason);
                },
            };
            await using EmbeddingEngine engine = Create(embedder);
            Task<float[][]>[] jobs = [engine.Submit([[1]], Cancel), engine.Submit([[2]], Cancel)];
            gate.AwaitArrival();
            using CancellationTokenSource source = new();
            Task drain = engine.DrainAsync(source.Token);
            await source.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => drain);
            gate.Open();
            foreach (Task<float[][]> job in jobs)
                await Assert.ThrowsAsync<DecodeException>(() => job);
        }
    }

    private static EmbeddingEngine Create(FakeEmbedder embedder) => new(embedder, queueCapacity: 100, NullLogger.Instance);
}
