namespace EmbeddedLlm.Sampling;

/// <summary>The token that a row of logits makes most probable, and how probable it is by the softmax over the whole vocabulary.</summary>
/// <param name="Token">The token; -1 where the row has no usable number.</param>
/// <param name="Probability">From 0 to 1.</param>
internal readonly record struct MostProbable(int Token, float Probability)
{
    /// <param name="logits">One number per token.</param>
    /// <param name="scratch">Working memory.</param>
    public static MostProbable Of(ReadOnlySpan<float> logits, SamplerScratch scratch)
    {
        scratch.Ensure(logits.Length, 0);
        LogitBlocks blocks = new(logits, [], scratch.Tail);
        float greatest = blocks.Maxima(scratch.Maxima);
        if (!float.IsFinite(greatest))
            return new MostProbable(-1, 0);
        int token = blocks.IndexOf(greatest, scratch.Maxima);
        return new MostProbable(token, (float)(1 / blocks.Weigh(greatest, Exponential.Log2E, scratch.Maxima, scratch.Sums)));
    }
}
