namespace EmbeddedLlm.Sampling;

/// <summary>The tokens that a sampler would draw from, most likely first. Valid until the scratch it lies in is used again.</summary>
internal readonly ref struct TokenDistribution
{
    public TokenDistribution(ReadOnlySpan<int> tokens, ReadOnlySpan<float> probabilities)
    {
        Tokens = tokens;
        Probabilities = probabilities;
    }

    public ReadOnlySpan<int> Tokens { get; }

    /// <summary>The probability of each of <see cref="Tokens"/> after all steps; together 1.</summary>
    public ReadOnlySpan<float> Probabilities { get; }
}
