using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>
/// A chat client that loads its model with the first request, once for all callers, and owns it. Thread-safe. A load that failed is tried again by the next request.
/// </summary>
internal sealed class LazyChatClient(Func<CancellationToken, Task<EmbeddedModel>> load) : IChatClient, IAsyncDisposable
{
    private readonly LazyModel<IChatClient> _model = new(load, static model => model.AsChatClient());

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        IChatClient client = await _model.GetClientAsync(cancellationToken).ConfigureAwait(false);
        return await client.GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        IChatClient client = await _model.GetClientAsync(cancellationToken).ConfigureAwait(false);
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(messages, options, cancellationToken).ConfigureAwait(false))
            yield return update;
    }

    /// <summary>What the model's own client answers once it is loaded; before that, the client itself alone.</summary>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is null && serviceType.IsInstanceOfType(this) ? this : _model.LoadedClient?.GetService(serviceType, serviceKey);
    }

    public void Dispose() => _model.Dispose();

    public ValueTask DisposeAsync() => _model.DisposeAsync();
}
