namespace EmbeddedLlm.SyntheticModels;

/// <summary>
/// How the matrices of a synthetic model are stored; each is the mix that llama.cpp's quantize tool makes for the file type of that name.
/// </summary>
internal enum SyntheticMix
{
    F32,
    F16,
    Q8_0,
    Q4_0,
    Q4_K_M,
}

/// <summary>The hyperparameters of a synthetic model.</summary>
/// <param name="Architecture">
/// <c>llama</c>, <c>qwen2</c> (biases on q, k and v), <c>qwen3</c> (norms on q and k), <c>gemma2</c> (sliding window in every other layer), <c>mamba2</c> (recurrent), <c>granitehybrid</c>
/// (mamba2 and attention by turns), <c>lfm2</c> (short convolutions and attention by turns), <c>gemma3</c> (sliding window, norms on q and k), <c>phi3</c> (joint matrices), or, with experts,
/// <c>qwen2moe</c> (a shared expert), <c>qwen3moe</c>, <c>olmoe</c> (norms over all of q and k), <c>granitemoe</c> (four scales), <c>gpt-oss</c> (sliding window, biases, sinks) or
/// <c>deepseek2</c> (latent attention). With experts <c>llama</c> is Mixtral.
/// </param>
/// <param name="Layers">Transformer blocks.</param>
/// <param name="Width">Elements of an embedding.</param>
/// <param name="Heads">Query heads.</param>
/// <param name="KvHeads">Key and value heads.</param>
/// <param name="HeadSize">Elements of one head.</param>
/// <param name="FeedForward">Elements of the hidden layer of the feed-forward network.</param>
/// <param name="ContextLength">Tokens.</param>
/// <param name="RopeBase">Base of the rotary position encoding.</param>
/// <param name="Epsilon">Of the RMS norms.</param>
/// <param name="TiedEmbeddings">Whether the output matrix is the embedding matrix.</param>
/// <param name="RopeFactors">Whether there is a <c>rope_freqs</c> tensor, as Llama 3 has.</param>
/// <param name="Mix">How the matrices are stored.</param>
internal sealed record SyntheticShape(
    string Architecture,
    int Layers,
    int Width,
    int Heads,
    int KvHeads,
    int HeadSize,
    int FeedForward,
    int ContextLength,
    float RopeBase,
    float Epsilon,
    bool TiedEmbeddings,
    bool RopeFactors,
    SyntheticMix Mix)
{
    /// <summary>Two layers of width 64: written and loaded in milliseconds.</summary>
    public static SyntheticShape Tiny { get; } =
        new("qwen2", Layers: 2, Width: 64, Heads: 4, KvHeads: 2, HeadSize: 16,
            FeedForward: 128, ContextLength: 1024, 10_000, 1e-6f,
            TiedEmbeddings: true, RopeFactors: false, SyntheticMix.Q8_0);

    /// <summary>The tokens that layers with a sliding window look back.</summary>
    public int Window { get; init; }

    /// <summary>The elements that a recurrent layer keeps of each channel.</summary>
    public int StateSize { get; init; }

    /// <summary>The experts of each feed-forward network; 0 in a dense model. Each is <see cref="FeedForward"/> elements wide.</summary>
    public int Experts { get; init; }

    /// <summary>The experts that are used for one token.</summary>
    public int ExpertsUsed { get; init; }

    /// <summary>What the file gives as the width of feed-forward networks where that is not an expert's own, as in Qwen's models with experts: no tensor has it. 0 for <see cref="FeedForward"/>.</summary>
    public int DenseFeedForward { get; init; }

    /// <summary>What Granite's models multiply; null in all others.</summary>
    public GraniteScales? Scales { get; init; }

    /// <summary>The elements to which latent attention compresses keys and values.</summary>
    public int LatentRank { get; init; }

    /// <summary>The elements of a head of latent attention that tell the position.</summary>
    public int RotarySize => HeadSize / 2;

    /// <summary>Whether layers have a state in place of keys and values.</summary>
    public bool IsRecurrent(int layer) => Architecture == "mamba2" || (Architecture is "granitehybrid" or "lfm2" && layer % 2 == 0);

    /// <summary>Tiny, with a window of 32 tokens in every other layer.</summary>
    public static SyntheticShape TinyWindow { get; } = Tiny with { Architecture = "gemma2", Layers = 4, Window = 32 };

    /// <summary>Tiny, without attention.</summary>
    public static SyntheticShape TinyRecurrent { get; } = Tiny with { Architecture = "mamba2", StateSize = 16 };

    /// <summary>Tiny, with attention in every other layer and a state in the rest.</summary>
    public static SyntheticShape TinyHybrid { get; } = Tiny with { Architecture = "granitehybrid", Layers = 4, StateSize = 16 };

    /// <summary>Tiny, with attention in every other layer and a short convolution in the rest.</summary>
    public static SyntheticShape TinyConvolution { get; } = Tiny with { Architecture = "lfm2", Layers = 4 };

    /// <summary>The tiny shape of an architecture.</summary>
    public static SyntheticShape TinyOf(string architecture) =>
        new[] { Tiny, TinyWindow, TinyRecurrent, TinyHybrid, TinyConvolution }.Single(shape => shape.Architecture == architecture);

    /// <summary>Two layers of width 256, the smallest that K-quants fit.</summary>
    public static SyntheticShape Small { get; } =
        new("llama", Layers: 2, Width: 256, Heads: 4, KvHeads: 2, HeadSize: 64,
            FeedForward: 512, ContextLength: 2048, 10_000, 1e-5f,
            TiedEmbeddings: false, RopeFactors: false, SyntheticMix.Q4_K_M);
}

/// <summary>The factors of Granite's models, by the names of their converter.</summary>
/// <param name="Embedding">On embeddings.</param>
/// <param name="Attention">On the products of queries and keys, in place of 1 / √head size.</param>
/// <param name="Residual">On what a block adds.</param>
/// <param name="Logits">That logits are divided by.</param>
internal sealed record GraniteScales(float Embedding, float Attention, float Residual, float Logits);
