namespace EmbeddedLlm.Sampling;

/// <content>Mirostat: the surprise of the chosen tokens, in bits, is held near a target (Basu et al., arXiv:2007.14966).</content>
internal sealed partial class Sampler
{
    /// <summary>How many of the most likely tokens version 1 estimates Zipf's exponent from; llama.cpp's choice, as the paper's.</summary>
    private const int ZipfTokens = 100;

    /// <summary>Corrects the greatest surprise to choose from by what has been chosen.</summary>
    /// <param name="probability">The chosen token's, among those that were kept.</param>
    internal void Follow(double probability) => _mostSurprise -= Options.MirostatEta * (float)(-Math.Log2(probability) - Options.MirostatTau);

    private int CutBySurprise(LogitBlocks blocks, ReadOnlySpan<ulong> adjusted, float origin, SamplerScratch scratch)
    {
        if (Options.Mirostat == MirostatVersion.V1)
            return KeepTopK(blocks, adjusted, ZipfCount(blocks, adjusted, scratch), float.MinValue, scratch);

        // -log₂ p ≤ μ, where log₂ p is a logit's scaled distance from the greatest less the logarithm of the sum of all weights. The greatest is kept in any case.
        double total = WeighAll(blocks, adjusted, origin, _scale, scratch);
        double floor = origin + (Math.Log2(total) - _mostSurprise) / _scale;
        return Collect(blocks, adjusted, (float)Math.Clamp(floor, float.MinValue, origin), float.NaN, scratch.Candidates, scratch.Maxima);
    }

    /// <summary>Version 1's number of tokens to choose from: by Zipf's law, with the exponent that fits the most likely ones best, for an expected surprise of μ.</summary>
    private int ZipfCount(LogitBlocks blocks, ReadOnlySpan<ulong> adjusted, SamplerScratch scratch)
    {
        Span<ulong> best = scratch.Candidates.AsSpan(0, KeepTopK(blocks, adjusted, ZipfTokens, float.MinValue, scratch));
        best.Sort();
        double products = 0;
        double squares = 0;
        for (int i = 0; i + 1 < best.Length; i++)
        {
            double t = Math.Log((i + 2.0) / (i + 1.0));
            // ln(pᵢ / pᵢ₊₁) is the difference of the logits over the temperature.
            products += t * (Candidate.Logit(best[i]) - (double)Candidate.Logit(best[i + 1])) / Options.Temperature;
            squares += t * t;
        }

        double exponent = products / squares;
        double excess = exponent - 1;
        // ε / (1 - N^-ε) tends to 1 / ln N at 0.
        int vocabulary = blocks.TokenCount;
        double ratio = Math.Abs(excess) < 1e-9 ? 1 / Math.Log(vocabulary) : excess / (1 - Math.Pow(vocabulary, -excess));
        double count = Math.Pow(ratio * Math.Pow(2, _mostSurprise), 1 / exponent);
        return count >= 1 ? (int)Math.Min(count, vocabulary) : 1;
    }
}
