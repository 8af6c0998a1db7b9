using EmbeddedLlm.Client;
using EmbeddedLlm.Runtime;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm;

/// <content>Vectors and ranks.</content>
public sealed partial class EmbeddedModel
{
    /// <summary>
    /// An embedding generator for the model. It is thread-safe: inputs of all its callers are computed together. Its disposal leaves the model loaded. The memory to compute in, which
    /// is beside that of chats, is taken with the first request and freed with the model; generators of the same pooling and length share it.
    /// </summary>
    /// <param name="options">How texts become vectors; the defaults suit the model.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option makes no sense, or asks for more tokens than the model was trained with.</exception>
    /// <exception cref="NotSupportedException">The model is for ranking, and no pooling is named; or llama.cpp gives no vectors of its architecture.</exception>
    public IEmbeddingGenerator<string, Embedding<float>> AsEmbeddingGenerator(EmbeddingOptions? options = null)
    {
        options ??= new EmbeddingOptions();
        options.Validate();
        EmbeddingEngines engines = _model.Embeddings;
        if (!engines.Facts.MakesVectors)
            throw new NotSupportedException($"'{Id}' is of an architecture of which llama.cpp gives no vectors.");
        EmbeddingPooling pooling = options.Pooling ?? engines.Facts.Pooling ?? throw new NotSupportedException(
            $"'{Id}' is for ranking: use {nameof(RerankAsync)}, or name a pooling with {nameof(EmbeddingOptions)}.{nameof(EmbeddingOptions.Pooling)}.");
        EmbedderKey key = new(pooling, options.MaxInputTokens);
        engines.MaxTokensOf(key);
        return new EmbeddedEmbeddingGenerator(this, engines, key, options);
    }

    /// <summary>
    /// Orders documents by how well they answer a query, as a model with a ranking head sees it. Inputs of all callers are computed together, and documents in batches.
    /// </summary>
    /// <param name="query">The query.</param>
    /// <param name="documents">The documents; none is null.</param>
    /// <param name="options">How to rank.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The documents' places and scores, the best first; equals in their order.</returns>
    /// <remarks>
    /// The prompt is the one that llama.cpp makes: the model's own (<c>tokenizer.chat_template.rerank</c>) where it has one, else query and document with the tokens between and around
    /// them that the vocabulary asks for.
    /// </remarks>
    /// <exception cref="NotSupportedException">The model has no ranking head.</exception>
    /// <exception cref="ArgumentException">A document is null.</exception>
    /// <exception cref="EmbeddingInputTooLongException">Query and document together have too many tokens; the index is the document's.</exception>
    /// <exception cref="QueueFullException">Too many requests wait.</exception>
    /// <exception cref="TimeoutException">The model's <see cref="EmbeddedModelOptions.RequestTimeout"/> is over.</exception>
    /// <exception cref="DecodeException">llama.cpp failed, or the model gave no usable score.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public async Task<IReadOnlyList<RerankResult>> RerankAsync(
        string query, IEnumerable<string> documents, RerankOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(documents);
        options = options?.Copy() ?? new RerankOptions();
        options.Validate();
        EmbeddingEngines engines = _model.Embeddings;
        if (!engines.Facts.HasRankingHead || engines.RankLength < 1)
            throw new NotSupportedException($"'{Id}' has no ranking head (a tensor 'cls.output.weight'): documents are ranked by rerankers, such as bge-reranker or Qwen3-Reranker.");
        EmbedderKey key = new(Pooling: null, options.MaxInputTokens);
        int maxTokens = engines.MaxTokensOf(key);
        string[] texts = [.. documents];
        bool truncates = options.TruncatesDocuments;
        int[][] inputs = await Task.Run(() => Tokenize(), cancellationToken).ConfigureAwait(false);
        float[][] scores = await engines.ComputeAsync(key, inputs, Timeouts.Whole, cancellationToken).ConfigureAwait(false);
        return RerankMapper.Order(scores, options, engines.Facts.GivesProbabilities);

        int[][] Tokenize()
        {
            int[][] pairs = new int[texts.Length][];
            for (int i = 0; i < texts.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (texts[i] is null)
                    throw new ArgumentException($"Document {i} is null.", nameof(documents));
                pairs[i] = engines.Inputs.TokenizePair(query, texts[i], new InputLimit(i, maxTokens, truncates));
                if (pairs[i].Length == 0)
                    throw new ArgumentException($"Query and document {i} are empty, and the model adds no token of its own: there is nothing to compute.", nameof(documents));
            }

            return pairs;
        }
    }
}
