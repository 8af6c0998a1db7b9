using EmbeddedLlm.Client;

namespace EmbeddedLlm.Tests.Client;

public sealed class LazyModelTests
{
    // Waited for in full only where a test fails.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The caller has cancelled nothing: what ends its request is the disposal.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhoWaitsForALoadIsToldOfTheDisposal(bool waits)
    {
        LazyModel<object> lazy = new(LoadForever, static _ => new object());
        Task<object> request = lazy.GetClientAsync(Cancel);
        if (waits)
            await lazy.DisposeAsync();
        else
            lazy.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => request);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => lazy.GetClientAsync(Cancel));
    }

    [Fact]
    public async Task WhoCancelsIsToldOfThatAndTheOthersWaitOn()
    {
        await using LazyModel<object> lazy = new(LoadForever, static _ => new object());
        using CancellationTokenSource source = new();
        Task<object> cancelled = lazy.GetClientAsync(source.Token);
        Task<object> other = lazy.GetClientAsync(Cancel);
        await source.CancelAsync();
        OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.Equal(source.Token, exception.CancellationToken);
        Assert.False(other.IsCompleted);
    }

    [Fact]
    public async Task ALoadThatBlocksDoesNotBlockItsCaller()
    {
        using ManualResetEventSlim returned = new();
        bool isFree = false;
        LazyModel<object> lazy = new(Block, static _ => new object());
        Task<object> request = lazy.GetClientAsync(Cancel);
        returned.Set();
        lazy.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => request);
        Assert.True(isFree);

        Task<EmbeddedModel> Block(CancellationToken cancellationToken)
        {
            isFree = returned.Wait(s_limit, CancellationToken.None);
            return LoadForever(cancellationToken);
        }
    }

    [Fact]
    public async Task ALoadIsStoppedWhileOthersMayAsk()
    {
        bool isAnswered = false;
        using ManualResetEventSlim loads = new();
        LazyModel<object> lazy = null!;
        lazy = new LazyModel<object>(Load, static _ => new object());
        Task<object> request = lazy.GetClientAsync(Cancel);
        loads.Wait(Cancel);
        lazy.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => request);
        Assert.True(isAnswered);

        Task<EmbeddedModel> Load(CancellationToken cancellationToken)
        {
            cancellationToken.Register(Ask);
            loads.Set();
            return LoadForever(cancellationToken);
        }

        void Ask()
        {
            Thread other = new(() => _ = lazy.GetClientAsync(Cancel));
            other.Start();
            isAnswered = other.Join(s_limit);
        }
    }

    private static async Task<EmbeddedModel> LoadForever(CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        throw new InvalidOperationException("It never ends by itself.");
    }
}
