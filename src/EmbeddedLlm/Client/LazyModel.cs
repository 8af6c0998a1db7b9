namespace EmbeddedLlm.Client;

/// <summary>
/// Loads a model with the first request, once for all callers, makes a client of it, and owns both. Thread-safe. A load that failed is tried again by the next request.
/// </summary>
/// <param name="load">Loads the model.</param>
/// <param name="makeClient">Makes the client.</param>
/// <typeparam name="TClient">The client, which needs no disposal of its own.</typeparam>
internal sealed class LazyModel<TClient>(Func<CancellationToken, Task<EmbeddedModel>> load, Func<EmbeddedModel, TClient> makeClient) : IAsyncDisposable, IDisposable
    where TClient : class
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _disposal = new();
    private Task<Loaded>? _loading;

    /// <summary>The client where the model is loaded; null before that.</summary>
    public TClient? LoadedClient => Volatile.Read(ref _loading) is { IsCompletedSuccessfully: true } loading ? loading.Result.Client : null;

    public async Task<TClient> GetClientAsync(CancellationToken cancellationToken)
    {
        Task<Loaded> loading;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposal.IsCancellationRequested, typeof(TClient));
            if (_loading is null || _loading.IsFaulted || _loading.IsCanceled)
            {
                // Not here: what a load does before it first waits reads files and asks the caller's logger, and whoever comes next could not cancel while it waits for the gate.
                _loading = Task.Run(LoadAsync);
            }

            loading = _loading;
        }

        try
        {
            return (await loading.WaitAsync(cancellationToken).ConfigureAwait(false)).Client;
        }
        catch (OperationCanceledException exception) when (_disposal.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // The owner has stopped the load, and not this caller, who has no token that would say so.
            throw new ObjectDisposedException("The model was disposed while it was loaded.", exception);
        }
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

    private async Task<Loaded> LoadAsync()
    {
        EmbeddedModel model = await load(_disposal.Token).ConfigureAwait(false);
        try
        {
            return new Loaded(model, makeClient(model));
        }
        catch
        {
            await model.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private Task<Loaded>? Close()
    {
        // Outside, for the load's callbacks run here. No load begins after it.
        _disposal.Cancel();
        lock (_gate)
            return _loading;
    }

    private sealed record Loaded(EmbeddedModel Model, TClient Client);
}
