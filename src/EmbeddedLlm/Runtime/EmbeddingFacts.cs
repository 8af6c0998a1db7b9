using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Runtime;

/// <summary>What the header of a model's file says about vectors and ranks.</summary>
/// <param name="Pooling">How the tokens' vectors become one; null where the model is for ranking.</param>
/// <param name="HasRankingHead">Whether the model gives a pair of texts a score.</param>
/// <param name="GivesProbabilities">Whether the head's scores are probabilities already.</param>
/// <param name="IsEncoder">Whether the model makes vectors only, and no text.</param>
/// <param name="NeedsWholeInputs">Whether each token looks at all others, so that an input has to be computed at once.</param>
internal sealed record EmbeddingFacts(EmbeddingPooling? Pooling, bool HasRankingHead, bool GivesProbabilities, bool IsEncoder, bool NeedsWholeInputs)
{
    // llama.h: llama_pooling_type.
    private const uint Mean = 1;
    private const uint Cls = 2;
    private const uint Last = 3;
    private const uint Rank = 4;

    /// <summary>Whether llama.cpp can give vectors: of these it reads more than there is, which ends the process.</summary>
    public bool MakesVectors { get; private init; } = true;

    /// <summary>Whether inputs have to be computed one after the other.</summary>
    public bool ComputesOneInput { get; init; }

    public static EmbeddingFacts Read(IReadOnlyList<GgufFile> files)
    {
        GgufMetadata metadata = files[0].Metadata;
        string architecture = GgufModelKeys.ArchitectureOf(metadata) ?? "";
        uint pooling = metadata.TryGetUInt32($"{architecture}.pooling_type", out uint type) ? type : 0;
        bool looksBackwardsOnly = !metadata.TryGetBoolean($"{architecture}.attention.causal", out bool causal) || causal;
        bool isEncoder = GgufArchitectures.IsEncoder(architecture);
        return new EmbeddingFacts(
            pooling switch
            {
                Mean => EmbeddingPooling.Mean,
                Cls => EmbeddingPooling.Cls,
                Last => EmbeddingPooling.Last,
                Rank => null,
                _ => EmbeddingPooling.Mean,
            },
            HasRankingHead: files.Any(HasHead),
            // llama.cpp takes the softmax over the two labels of these.
            GivesProbabilities: architecture is "qwen3" or "qwen3vl",
            isEncoder,
            NeedsWholeInputs: isEncoder || !looksBackwardsOnly || architecture == "llama-embed")
        {
            MakesVectors = architecture is not ("deepseek4" or "qwen4exp"),
            ComputesOneInput = GgufArchitectures.ComputesOneSequence(architecture),
        };
    }

    /// <summary>A head is two projections, or the last alone; with the first one alone it has to give one number.</summary>
    private static bool HasHead(GgufFile file) =>
        file.TryGetTensor("cls.output.weight", out _) || (file.TryGetTensor("cls.weight", out GgufTensorInfo? only) && only.DimensionOrOne(1) == 1);
}
