namespace EmbeddedLlm.Sampling;

/// <summary>The logarithms of a row's probabilities as the model gives them: the softmax over the whole vocabulary, nothing masked or changed. Valid until the scratch is used again.</summary>
internal readonly ref struct LogProbabilities
{
    private readonly double _logTotal;

    /// <param name="logits">One number per token; at least one is above negative infinity.</param>
    /// <param name="top">How many of the most probable tokens to find.</param>
    /// <param name="scratch">Working memory.</param>
    public LogProbabilities(ReadOnlySpan<float> logits, int top, SamplerScratch scratch)
    {
        scratch.Ensure(logits.Length, 0);
        LogitBlocks blocks = new(logits, [], scratch.Tail);
        float origin = MathF.Min(blocks.Maxima(scratch.Maxima), float.MaxValue);
        _logTotal = origin + Math.Log(blocks.Weigh(origin, Exponential.Log2E, scratch.Maxima, scratch.Sums));
        if (top == 0)
            return;
        Span<ulong> best = scratch.Candidates.AsSpan(0, Sampler.KeepTopK(blocks, [], top, float.MinValue, scratch));
        best.Sort();
        Top = best;
    }

    /// <summary>The most probable tokens, the most probable first, see <see cref="Candidate"/>.</summary>
    public ReadOnlySpan<ulong> Top { get; }

    /// <summary>The natural logarithm of the probability of a token with this logit.</summary>
    public float Of(float logit) => (float)Math.Min(logit - _logTotal, 0);
}
