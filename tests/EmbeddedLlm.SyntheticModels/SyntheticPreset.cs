namespace EmbeddedLlm.SyntheticModels;

/// <summary>A real model's shape, for benchmarks: hyperparameters as its <c>config.json</c> has them, vocabulary included.</summary>
/// <param name="Name">By which it is chosen.</param>
/// <param name="Shape">The hyperparameters.</param>
/// <param name="TokenCount">The tokens of the vocabulary.</param>
/// <param name="PreTokenizer">llama.cpp's name of how text is cut before it is tokenized.</param>
/// <param name="ParameterCount">The weights of the real model, as its publisher counts them: tied embeddings once, and without <c>rope_freqs</c>, which GGUF files have as a tensor.</param>
internal sealed record SyntheticPreset(string Name, SyntheticShape Shape, int TokenCount, string PreTokenizer, long ParameterCount)
{
    private const int Qwen = 151_936, Llama3 = 128_256;

    /// <summary>All presets, the smallest first.</summary>
    public static IReadOnlyList<SyntheticPreset> All { get; } =
    [
        // Its width is no multiple of 256, so most of its matrices fall back from K-quants to Q5_0 and Q8_0.
        new("qwen2.5-0.5b",
            new("qwen2", Layers: 24, Width: 896, Heads: 14, KvHeads: 2, HeadSize: 64,
                FeedForward: 4864, ContextLength: 32_768, 1_000_000, 1e-6f, TiedEmbeddings: true, RopeFactors: false, SyntheticMix.Q4_K_M),
            Qwen, "qwen2", 494_032_768),
        new("llama-3.2-1b",
            new("llama", Layers: 16, Width: 2048, Heads: 32, KvHeads: 8, HeadSize: 64,
                FeedForward: 8192, ContextLength: 131_072, 500_000, 1e-5f, TiedEmbeddings: true, RopeFactors: true, SyntheticMix.Q4_K_M),
            Llama3, "llama-bpe", 1_235_814_400),
        new("granite-3.1-1b-a400m",
            new("granitemoe", Layers: 24, Width: 1024, Heads: 16, KvHeads: 8, HeadSize: 64,
                FeedForward: 512, ContextLength: 131_072, 1_500_000, 1e-6f, TiedEmbeddings: true, RopeFactors: false, SyntheticMix.Q4_K_M)
            {
                Experts = 32,
                ExpertsUsed = 8,
                Scales = new GraniteScales(Embedding: 12, Attention: 0.015625f, Residual: 0.22f, Logits: 6),
            },
            49_155, "refact", 1_334_628_352),
        new("qwen3-4b",
            new("qwen3", Layers: 36, Width: 2560, Heads: 32, KvHeads: 8, HeadSize: 128,
                FeedForward: 9728, ContextLength: 40_960, 1_000_000, 1e-6f, TiedEmbeddings: true, RopeFactors: false, SyntheticMix.Q4_K_M),
            Qwen, "qwen2", 4_022_468_096),
        new("olmoe-1b-7b",
            new("olmoe", Layers: 16, Width: 2048, Heads: 16, KvHeads: 16, HeadSize: 128,
                FeedForward: 1024, ContextLength: 4096, 10_000, 1e-5f, TiedEmbeddings: false, RopeFactors: false, SyntheticMix.Q4_K_M)
            {
                Experts = 64,
                ExpertsUsed = 8,
            },
            50_304, "olmo", 6_919_161_856),
        new("llama-3.1-8b",
            new("llama", Layers: 32, Width: 4096, Heads: 32, KvHeads: 8, HeadSize: 128,
                FeedForward: 14_336, ContextLength: 131_072, 500_000, 1e-5f, TiedEmbeddings: false, RopeFactors: true, SyntheticMix.Q4_K_M),
            Llama3, "llama-bpe", 8_030_261_248),
        new("qwen3-30b-a3b",
            new("qwen3moe", Layers: 48, Width: 2048, Heads: 32, KvHeads: 4, HeadSize: 128,
                FeedForward: 768, ContextLength: 40_960, 1_000_000, 1e-6f, TiedEmbeddings: false, RopeFactors: false, SyntheticMix.Q4_K_M)
            {
                DenseFeedForward = 6144,
                Experts = 128,
                ExpertsUsed = 8,
            },
            Qwen, "qwen2", 30_532_122_624),
    ];

    /// <summary>The preset of a name, whatever its case; null where there is none.</summary>
    public static SyntheticPreset? Find(string name) => All.FirstOrDefault(preset => preset.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>A generated vocabulary of the real one's size that cuts text as the real one does.</summary>
    public SyntheticVocabulary CreateVocabulary() => SyntheticVocabulary.ByteLevelLike(TokenCount, PreTokenizer);
}
