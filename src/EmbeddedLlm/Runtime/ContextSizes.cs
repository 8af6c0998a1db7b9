using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Runtime;

/// <summary>The sizes of a context that its memory depends on.</summary>
/// <param name="ContextLength">The longest prompt and answer of one request together, in tokens.</param>
/// <param name="CacheLength">The KV cache's size in tokens.</param>
/// <param name="BatchSize">The most tokens in one step.</param>
/// <param name="PrefixCacheLength">How many of the KV cache's tokens may be cached prefixes.</param>
/// <param name="Slots">How many sequences may be in the KV cache, those of cached prefixes included.</param>
/// <param name="Outputs">How many tokens of one step may have logits.</param>
internal sealed record ContextSizes(int ContextLength, int CacheLength, int BatchSize, int PrefixCacheLength, int Slots, int Outputs)
{
    // A recurrent model keeps the whole state of each slot in memory that is set apart for it; elsewhere a slot costs next to nothing but a row of logits.
    private const int PrefixSlots = 16;
    private const int FewestCheckpointSlots = 4;
    private const int MostCheckpointSlots = 32;
    private const int MaxSlots = 256;

    /// <summary>llama.cpp's own default.</summary>
    public const int DefaultBatchSize = 512;

    private const int UnfusedBatchSize = 256;
    private const int DefaultContextLength = 8192;
    private const long DefaultCacheBytes = 1L << 30;

    /// <summary>What the options ask for, and for the rest what suits the model.</summary>
    /// <param name="info">The model.</param>
    /// <param name="options">How it is loaded.</param>
    /// <param name="usesGpu">Whether layers may be on GPUs.</param>
    public static ContextSizes Choose(GgufModelInfo info, EmbeddedModelOptions options, bool usesGpu)
    {
        // A prompt's token and an answer's take two, whatever the file says.
        int contextLength = options.ContextLength ?? Math.Clamp(info.ContextLength > 0 ? info.ContextLength : DefaultContextLength, 2, DefaultContextLength);
        if (options.CacheLength is { } wanted)
            contextLength = Math.Min(contextLength, wanted);
        long cellBytes = Math.Max(1, info.KvBytesPerToken(ContextPlan.GgufType(options.KeyCacheType), ContextPlan.GgufType(options.ValueCacheType)));
        long affordable = DefaultCacheBytes / cellBytes;
        long cacheLength = options.CacheLength ?? Math.Min((long)contextLength * options.MaxSequences, Math.Max(contextLength, affordable));
        return Of(info, options, usesGpu, contextLength, (int)Math.Min(cacheLength, int.MaxValue));
    }

    /// <summary>The rest of the sizes for a context and a cache.</summary>
    public static ContextSizes Of(GgufModelInfo info, EmbeddedModelOptions options, bool usesGpu, int contextLength, int cacheLength)
    {
        int batchSize = Math.Min(Math.Max(options.BatchSize ?? ChooseBatchSize(info, options, usesGpu), options.MaxSequences), cacheLength);
        int prefixCacheLength = Math.Min(options.PrefixCacheLength ?? Math.Max(contextLength, cacheLength / 2), cacheLength);
        int prefixSlots = prefixCacheLength == 0 ? 0 : ChoosePrefixSlots(info, options);
        int slots = Math.Min(options.MaxSequences + prefixSlots, MaxSlots);
        // Only each sequence's last token and its guesses ask for logits, so their buffer need not hold a whole batch: 300 MB with 152k tokens. llama.cpp wants a row per slot.
        int outputs = slots + (options.MaxSequences * DraftLength(options));
        return new ContextSizes(contextLength, cacheLength, batchSize, prefixCacheLength, slots, outputs);
    }

    /// <summary>The most tokens that are guessed ahead of one sequence.</summary>
    public static int DraftLength(EmbeddedModelOptions options) => Math.Max(options.PromptLookupTokens, options.DraftModel is null ? 0 : options.DraftTokens);

    /// <summary>
    /// More tokens at once make the products with the weights no faster on a CPU beyond some 256, but where attention is computed in steps, their products with the keys no longer stay in the processor's caches.
    /// Measured with AVX-512 on heads of 32 numbers: a prompt of 512 tokens takes 1.2 times as long in one step as in two.
    /// </summary>
    private static int ChooseBatchSize(GgufModelInfo info, EmbeddedModelOptions options, bool usesGpu) =>
        usesGpu || AttentionKernel.IsFused(info, options, gpuLayers: 0) ? DefaultBatchSize : UnfusedBatchSize;

    /// <summary>Where memory cannot be cut a conversation is kept several times, at different lengths.</summary>
    private static int ChoosePrefixSlots(GgufModelInfo info, EmbeddedModelOptions options)
    {
        if (info.HasStates)
            return info.RecurrentStateBytes == 0 ? FewestCheckpointSlots : (int)Math.Clamp(options.CheckpointBytes / info.RecurrentStateBytes, FewestCheckpointSlots, MostCheckpointSlots);
        return info.HasWindowedLayers ? MostCheckpointSlots : PrefixSlots;
    }
}
