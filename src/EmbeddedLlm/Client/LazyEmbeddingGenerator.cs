using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>An embedding generator that loads its model with the first request, and owns it. Thread-safe.</summary>
internal sealed class LazyEmbeddingGenerator(Func<CancellationToken, Task<EmbeddedModel>> load, EmbeddingOptions? options)
    : IEmbeddingGenerator<string, Embedding<float>>, IAsyncDisposable
{
    private readonly LazyModel<IEmbeddingGenerator<string, Embedding<float>>> _model = new(load, model => model.AsEmbeddingGenerator(options));

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        IEmbeddingGenerator<string, Embedding<float>> generator = await _model.GetClientAsync(cancellationToken).ConfigureAwait(false);
        return await generator.GenerateAsync(values, options, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What the model's own generator answers once it is loaded; before that, the generator itself alone.</summary>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is null && serviceType.IsInstanceOfType(this) ? this : _model.LoadedClient?.GetService(serviceType, serviceKey);
    }

    public void Dispose() => _model.Dispose();

    public ValueTask DisposeAsync() => _model.DisposeAsync();
}
