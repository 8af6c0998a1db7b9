using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>
/// A chat client that loads its model with the first request, once for all callers, and owns it. Thread-safe. A load that failed is tried again by the next request.
/// </summary>
/// <param name="load">Loads the model.</param>
/// <param name="modelId">The id that the model will have; null where only the load tells.</param>
internal sealed class LazyChatClient(Func<CancellationToken, Task<EmbeddedModel>> load, string? modelId) : IChatClient, IAsyncDisposable
{
    private readonly ChatClientMetadata _metadata = new(EmbeddedChatClient.ProviderName, providerUri: null, modelId);
    private readonly LazyModel<IChatClient> _model = new(load, static model => model.AsChatClient());

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        // A load may take a minute, in which the caller may change its list and its options.
        ChatMessage[] wanted = [.. messages];
        options = options?.Clone();
        IChatClient client = await _model.GetClientAsync(cancellationToken).ConfigureAwait(false);
        return await client.GetResponseAsync(wanted, options, cancellationToken).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ChatMessage[] wanted = [.. messages];
        options = options?.Clone();
        IChatClient client = await _model.GetClientAsync(cancellationToken).ConfigureAwait(false);
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(wanted, options, cancellationToken).ConfigureAwait(false))
            yield return update;
    }

    /// <summary>What the model's own client answers once it is loaded; before that, the client itself and its metadata, which telemetry asks for when a pipeline is built.</summary>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is null && serviceType.IsInstanceOfType(this))
            return this;
        return _model.LoadedClient is { } client ? client.GetService(serviceType, serviceKey)
            : serviceKey is null && serviceType == typeof(ChatClientMetadata) ? _metadata
            : null;
    }

    public void Dispose() => _model.Dispose();

    public ValueTask DisposeAsync() => _model.DisposeAsync();
}
