using EmbeddedLlm.Runtime;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm;

/// <summary>
/// The computed beginning of later prompts, which stays in the KV cache until it is disposed: requests that begin with it compute only what follows. Thread-safe. Disposal before the model's is not
/// required, and what runs meanwhile goes on.
/// </summary>
public sealed class PreloadedPrefix : IAsyncDisposable, IDisposable
{
    private readonly Engine _engine;
    private readonly PinnedPrefix _prefix;
    private readonly Func<StateIdentity> _identity;
    private int _isDisposed;

    internal PreloadedPrefix(Engine engine, PinnedPrefix prefix, Func<StateIdentity> identity)
    {
        _engine = engine;
        _prefix = prefix;
        _identity = identity;
    }

    /// <summary>How many tokens the prefix has. They count as <c>CachedInputTokenCount</c> of the requests that begin with it.</summary>
    public int TokenCount => _prefix.Tokens.Length;

    /// <summary>
    /// Whether the prefix is in the KV cache. It is until it is disposed, unless one request, when it was the only one left running, needed so many cells that none could be spared, or a computation went wrong in
    /// such a way that nothing in the cache could be relied on.
    /// </summary>
    public bool IsLoaded => _prefix.Slot >= 0;

    /// <summary>Saves the prefix to a file, from which <see cref="EmbeddedModel.RestoreAsync"/> brings it back without computing it. A file that is there already is replaced once the new one is whole.</summary>
    /// <remarks>
    /// The file holds the tokens, and thus the text, as well as the model's state after them: about <c>Info.KvBytesPerToken</c> for each token. It is of use to the same model file, the same KV cache types,
    /// the same adapters and the same llama.cpp.
    /// </remarks>
    /// <param name="path">The file's path.</param>
    /// <param name="cancellationToken">Stops the writing; no file is left.</param>
    /// <exception cref="InvalidOperationException">The prefix is not in the KV cache any more, see <see cref="IsLoaded"/>.</exception>
    /// <exception cref="ObjectDisposedException">The prefix or the model is disposed.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file or its folder may not be used.</exception>
    /// <exception cref="EmbeddedLlmException">The state has 2 GiB or more.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public async Task SaveAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _isDisposed) != 0, this);
        StateIdentity identity = await Task.Run(_identity, cancellationToken).ConfigureAwait(false);
        byte[] state = await _engine.InvokeAsync(scheduler => scheduler.Save(_prefix), cancellationToken).ConfigureAwait(false);
        await PrefixFile.WriteAsync(path, identity, _prefix.Tokens, state, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Lets the prefix go: its cells are given up like those of finished requests, when others need them.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        try
        {
            await ReleaseAsync(_engine, _prefix).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is ObjectDisposedException or DecodeException)
        {
            // With the model, or an engine that has failed for good, all its cells have gone.
        }
    }

    /// <summary>The same as <see cref="DisposeAsync"/>, without waiting for the computing thread.</summary>
    public void Dispose() => _ = DisposeAsync().AsTask();

    internal static Task ReleaseAsync(Engine engine, PinnedPrefix prefix) =>
        engine.InvokeAsync(scheduler =>
        {
            scheduler.Release(prefix);
            return true;
        }, CancellationToken.None);
}
