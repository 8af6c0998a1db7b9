using EmbeddedLlm.Interop;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Runtime;

/// <summary>What a context for vectors is asked for. Generators that ask for the same share it.</summary>
/// <param name="Pooling">How tokens' vectors become one; null for the scores of the model's ranking head in its place.</param>
/// <param name="MaxTokens">The most tokens of one input; null for what suits the model.</param>
internal readonly record struct EmbedderKey(EmbeddingPooling? Pooling, int? MaxTokens);

/// <summary>The sizes of a context for vectors.</summary>
/// <param name="MaxTokens">The most tokens of one input.</param>
/// <param name="PackedTokens">The tokens that several inputs together fill a batch with.</param>
/// <param name="BatchCapacity">The most tokens of a batch.</param>
/// <param name="MaxSequences">The most inputs of a batch.</param>
/// <param name="Merge">How an input's pieces are put together; null where it has to be computed at once.</param>
internal sealed record EmbedderPlan(int MaxTokens, int PackedTokens, int BatchCapacity, int MaxSequences, PieceMerge? Merge)
{
    private const int DefaultMaxTokens = 8192;

    // Attention between all tokens of an input, and the logits' buffer, which llama.cpp makes for each token whether there are logits or not: 1 GB for 1,000 tokens of a large vocabulary.
    private const int DefaultMaxTokensAtOnce = 2048;

    // llama.cpp computes attention between all tokens of a batch, those of other inputs masked, so that a longer batch gains nothing beyond some length. Measured with AVX-512 on an encoder of 6 layers
    // and heads of 32 numbers, inputs of 12 to 102 tokens: 256 tokens fused are 2.2 to 2.7 times as fast as 512 in steps, and 64 in steps 1.7 to 1.9 times.
    private const int FusedLength = 256;
    private const int UnfusedLength = 64;

    // A recurrent model keeps the whole state of each sequence in memory that is set apart for it.
    private const int MostSequences = 64;
    private const int MostRecurrentSequences = 8;

    /// <summary>How attention is computed: where the options leave it open, by the fused kernel also on CPUs where answers are not, for there are many tokens in a batch, see <see cref="AttentionKernel"/>.</summary>
    public required llama_flash_attn_type FlashAttention { get; init; }

    /// <param name="key">What is asked for.</param>
    /// <param name="facts">What the model can.</param>
    /// <param name="trained">The context length the model was trained with, in tokens; 0 where it is unknown.</param>
    /// <param name="hasStates">Whether the model is recurrent, in part at least.</param>
    /// <param name="options">How the model was loaded.</param>
    /// <param name="usesGpu">Whether layers are on GPUs.</param>
    /// <exception cref="ArgumentOutOfRangeException">More tokens are asked for than the model was trained with.</exception>
    public static EmbedderPlan Create(EmbedderKey key, EmbeddingFacts facts, int trained, bool hasStates, EmbeddedModelOptions options, bool usesGpu)
    {
        // Positions beyond those of training have no embedding in some models, which llama.cpp would look up all the same.
        int limit = trained > 0 ? trained : DefaultMaxTokens;
        if (key.MaxTokens is { } wanted)
            ArgumentOutOfRangeException.ThrowIfGreaterThan(wanted, limit, nameof(EmbeddingOptions.MaxInputTokens));
        int most = Math.Min(options.ContextLength ?? DefaultMaxTokens, facts.NeedsWholeInputs ? DefaultMaxTokensAtOnce : DefaultMaxTokens);
        int maxTokens = key.MaxTokens ?? Math.Min(limit, most);
        int packed = options.BatchSize ?? (usesGpu ? ContextSizes.DefaultBatchSize : options.FlashAttention is false ? UnfusedLength : FusedLength);
        int sequences = Math.Min(facts.ComputesOneInput ? 1 : hasStates ? MostRecurrentSequences : MostSequences, packed);
        // As many inputs as go into a batch have no more tokens than this together.
        packed = (int)Math.Min(packed, (long)sequences * maxTokens);
        return new EmbedderPlan(
            maxTokens,
            PackedTokens: packed,
            BatchCapacity: RoundUp(facts.NeedsWholeInputs ? Math.Max(maxTokens, packed) : packed, sequences),
            MaxSequences: sequences,
            Merge: facts.NeedsWholeInputs ? null : key.Pooling switch
            {
                EmbeddingPooling.Mean => PieceMerge.Mean,
                EmbeddingPooling.Cls => PieceMerge.First,
                _ => PieceMerge.Last,
            })
        {
            FlashAttention = options.FlashAttention switch
            {
                null => llama_flash_attn_type.AUTO,
                true => llama_flash_attn_type.ENABLED,
                false => llama_flash_attn_type.DISABLED,
            },
        };
    }

    /// <summary>
    /// llama.cpp measures out its memory with a batch in which all sequences are equally long: where the capacity is no multiple of their number it takes a longer batch than it has outputs for, and ends the
    /// process where it multiplies the two to pool them (llama-context.cpp, graph_reserve).
    /// </summary>
    private static int RoundUp(int capacity, int sequences) => (int)Math.Min(int.MaxValue / sequences * sequences, ((long)capacity + sequences - 1) / sequences * sequences);

    public static llama_pooling_type NativePooling(EmbeddingPooling? pooling) => pooling switch
    {
        EmbeddingPooling.Mean => llama_pooling_type.MEAN,
        EmbeddingPooling.Cls => llama_pooling_type.CLS,
        EmbeddingPooling.Last => llama_pooling_type.LAST,
        _ => llama_pooling_type.RANK,
    };
}
