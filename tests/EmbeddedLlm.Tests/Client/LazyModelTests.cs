using EmbeddedLlm.Client;

namespace EmbeddedLlm.Tests.Client;

public sealed class LazyModelTests
{
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

    private static async Task<EmbeddedModel> LoadForever(CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        throw new InvalidOperationException("It never ends by itself.");
    }
}
