namespace EmbeddedLlm;

/// <summary>How documents are ranked.</summary>
public sealed class RerankOptions
{
    /// <summary>How many of the best documents are given. Default: all.</summary>
    public int? Top { get; set; }

    /// <summary>
    /// Whether the score is put through the logistic function, which makes a probability of it: 1 / (1 + e⁻ˢ). Models whose head gives probabilities already (Qwen3-Reranker) keep theirs. The order
    /// stays the same. Default: <see langword="false"/>, the score is what the model's head gives, as a rule a logit, which is above 0 where the document is more likely to be relevant than not.
    /// </summary>
    public bool Sigmoid { get; set; }

    /// <summary>
    /// The most tokens of query and document together; at most the context that the model was trained with. Default: as for <see cref="EmbeddingOptions.MaxInputTokens"/>.
    /// </summary>
    public int? MaxInputTokens { get; set; }

    /// <summary>Whether a document that is too long loses its end. Default: <see langword="false"/>, it is an <see cref="EmbeddingInputTooLongException"/>.</summary>
    public bool TruncatesDocuments { get; set; }

    /// <summary>A copy that nobody else changes.</summary>
    internal RerankOptions Copy() => (RerankOptions)MemberwiseClone();

    /// <summary>Throws <see cref="ArgumentException"/>, naming the option, where a value makes no sense.</summary>
    internal void Validate()
    {
        if (Top is { } top)
            ArgumentOutOfRangeException.ThrowIfLessThan(top, 1, nameof(Top));
        if (MaxInputTokens is { } most)
            ArgumentOutOfRangeException.ThrowIfLessThan(most, 1, nameof(MaxInputTokens));
    }
}

/// <summary>A document's place in a ranking.</summary>
/// <param name="Index">The document's place among those that were given, from 0.</param>
/// <param name="Score">How well it answers the query; see <see cref="RerankOptions.Sigmoid"/>. Scores of different models do not compare.</param>
public readonly record struct RerankResult(int Index, float Score);
