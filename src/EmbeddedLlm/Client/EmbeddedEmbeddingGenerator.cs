using EmbeddedLlm.Runtime;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>
/// A model as <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/>. Thread-safe and stateless. Disposal does nothing, since the model belongs to whoever loaded it.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="engines">Its engines; the one that is needed is made with the first request.</param>
/// <param name="key">Which of them.</param>
/// <param name="options">The rest of what was asked for.</param>
internal sealed class EmbeddedEmbeddingGenerator(EmbeddedModel model, EmbeddingEngines engines, EmbedderKey key, EmbeddingOptions options)
    : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly bool _truncates = options.TruncatesInputs;
    private readonly bool _normalizes = options.Normalizes;
    private readonly bool _parsesSpecial = options.ParsesSpecialTokens;
    private readonly EmbeddingGeneratorMetadata _metadata = new(EmbeddedChatClient.ProviderName, providerUri: null, model.Id, engines.VectorLength);

    /// <exception cref="ArgumentException">An input is null, or has no tokens at all.</exception>
    /// <exception cref="NotSupportedException">An option cannot be honoured; the message names it.</exception>
    /// <exception cref="EmbeddingInputTooLongException">An input has too many tokens.</exception>
    /// <exception cref="QueueFullException">Too many requests wait.</exception>
    /// <exception cref="TimeoutException">The model's <see cref="EmbeddedModelOptions.RequestTimeout"/> is over.</exception>
    /// <exception cref="DecodeException">llama.cpp failed, or the model gave no usable vector.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        EmbeddingMapper.EnsureSupported(options, this, model.Id);
        int dimensions = EmbeddingMapper.Dimensions(options, engines.VectorLength);
        string[] texts = [.. values];
        // On the pool, so that a long text does not hold up a caller's user interface.
        int[][] inputs = await Task.Run(() => Tokenize(texts, cancellationToken), cancellationToken).ConfigureAwait(false);
        float[][] vectors = await engines.ComputeAsync(key, inputs, model.Timeouts.Whole, cancellationToken).ConfigureAwait(false);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        long count = inputs.Sum(input => (long)input.Length);
        return new GeneratedEmbeddings<Embedding<float>>(
            vectors.Select(vector => new Embedding<float>(EmbeddingMapper.Finish(vector, dimensions, _normalizes)) { CreatedAt = now, ModelId = model.Id }))
        {
            Usage = new UsageDetails { InputTokenCount = count, TotalTokenCount = count },
        };
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        return serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata
            : serviceType.IsInstanceOfType(this) ? this
            : serviceType.IsInstanceOfType(model) ? model
            : null;
    }

    public void Dispose()
    {
    }

    private int[][] Tokenize(string[] values, CancellationToken cancellationToken)
    {
        int maxTokens = engines.MaxTokensOf(key);
        int[][] inputs = new int[values.Length][];
        for (int i = 0; i < values.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (values[i] is null)
                throw new ArgumentException($"Input {i} is null.", nameof(values));
            inputs[i] = engines.Inputs.Tokenize(values[i], _parsesSpecial, new InputLimit(i, maxTokens, _truncates));
            if (inputs[i].Length == 0)
                throw new ArgumentException($"Input {i} is empty, and the model adds no token of its own: there is nothing to compute.", nameof(values));
        }

        return inputs;
    }
}
