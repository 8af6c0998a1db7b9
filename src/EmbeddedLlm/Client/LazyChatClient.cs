using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>
/// A chat client that loads its model with the first request, once for all callers, and owns it. Thread-safe. A load that failed is tried again by the next request.
/// </summary>
internal sealed class LazyChatClient(Func<CancellationToken, Task<EmbeddedModel>> load) : IChatClient, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _disposal = new();
    private Task<Loaded>? _loading;

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        IChatClient client = await GetClientAsync(cancellationToken).ConfigureAwait(false);
        return await client.GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        IChatClient client = await GetClientAsync(cancellationToken).ConfigureAwait(false);
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(messages, options, cancellationToken).ConfigureAwait(false))
            yield return update;
    }

    /// <summary>What the model's own client answers once it is loaded; before that, the client itself alone.</summary>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is null && serviceType.IsInstanceOfType(this))
            return this;
        Task<Loaded>? loading = Volatile.Read(ref _loading);
        return loading is { IsCompletedSuccessfully: true } ? loading.Result.Client.GetService(serviceType, serviceKey) : null;
    }

    public void Dispose()
    {
        Task<Loaded>? loading = Close();
        if (loading is { IsCompletedSuccessfully: true })
            loading.Result.Model.Dispose();
        else
            _ = loading?.ContinueWith(
                static task => task.Result.Model.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
    }

    public async ValueTask DisposeAsync()
    {
        Task<Loaded>? loading = Close();
        if (loading is null)
            return;
        await ((Task)loading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (loading.IsCompletedSuccessfully)
            await loading.Result.Model.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<IChatClient> GetClientAsync(CancellationToken cancellationToken)
    {
        Task<Loaded> loading;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposal.IsCancellationRequested, typeof(IChatClient));
            if (_loading is null || _loading.IsFaulted || _loading.IsCanceled)
                _loading = LoadAsync();
            loading = _loading;
        }

        return (await loading.WaitAsync(cancellationToken).ConfigureAwait(false)).Client;
    }

    private async Task<Loaded> LoadAsync()
    {
        EmbeddedModel model = await load(_disposal.Token).ConfigureAwait(false);
        try
        {
            return new Loaded(model, model.AsChatClient());
        }
        catch
        {
            await model.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private Task<Loaded>? Close()
    {
        lock (_gate)
        {
            _disposal.Cancel();
            return _loading;
        }
    }

    private sealed record Loaded(EmbeddedModel Model, IChatClient Client);
}
