using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>An embedding generator that loads its model with the first request, and owns it. Thread-safe.</summary>
/// <param name="load">Loads the model.</param>
/// <param name="modelId">The id that the model will have; null where only the load tells.</param>
/// <param name="options">How texts become vectors.</param>
internal sealed class LazyEmbeddingGenerator(Func<CancellationToken, Task<EmbeddedModel>> load, string? modelId, EmbeddingOptions? options)
    : IEmbeddingGenerator<string, Embedding<float>>, IAsyncDisposable
{
    private readonly EmbeddingGeneratorMetadata _metadata = new(EmbeddedChatClient.ProviderName, providerUri: null, modelId);
    private readonly LazyModel<IEmbeddingGenerator<string, Embedding<float>>> _model = new(load, model => model.AsEmbeddingGenerator(options));

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        string[] texts = [.. values];
        options = options?.Clone();
        IEmbeddingGenerator<string, Embedding<float>> generator = await _model.GetClientAsync(cancellationToken).ConfigureAwait(false);
        return await generator.GenerateAsync(texts, options, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc cref="LazyChatClient.GetService"/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is null && serviceType.IsInstanceOfType(this))
            return this;
        return _model.LoadedClient is { } generator ? generator.GetService(serviceType, serviceKey)
            : serviceKey is null && serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata
            : null;
    }

    public void Dispose() => _model.Dispose();

    public ValueTask DisposeAsync() => _model.DisposeAsync();
}
