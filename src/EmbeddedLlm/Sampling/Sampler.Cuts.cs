namespace EmbeddedLlm.Sampling;

/// <content>Top-k, top-p and min-p.</content>
internal sealed partial class Sampler
{
    /// <summary>Leaves the tokens that top-k, top-p and min-p keep in the scratch's candidates and returns how many they are.</summary>
    private int Cut(LogitBlocks blocks, ReadOnlySpan<ulong> adjusted, float origin, SamplerScratch scratch)
    {
        float minLogit = origin + _minPDistance;
        if (Options.TopK == 0)
            return CutWithoutTopK(blocks, adjusted, origin, minLogit, scratch);

        int kept = KeepTopK(blocks, adjusted, Options.TopK, float.MinValue, scratch);
        Span<ulong> candidates = scratch.Candidates.AsSpan(0, kept);
        Span<float> weights = scratch.Weights.AsSpan(0, kept);
        if (Options.TopP < 1f)
        {
            double total = Weigh(candidates, origin, Exponential.Log2E, weights);
            kept = Selection.BestByWeight(candidates, weights, total * Options.TopP, scratch.Buckets);
        }

        return Options.MinP > 0f ? KeepAtLeast(candidates[..kept], minLogit) : kept;
    }

    private int CutWithoutTopK(LogitBlocks blocks, ReadOnlySpan<ulong> adjusted, float origin, float minLogit, SamplerScratch scratch)
    {
        minLogit = MathF.Max(minLogit, float.MinValue);
        if (Options.TopP >= 1f)
            return Collect(blocks, adjusted, minLogit, float.NaN, scratch.Candidates, scratch.Maxima);

        // Min-p measures from the greatest logit, whatever top-p has cut off before, so both cuts can be made in either order. Most rows
        // have their probability close to the greatest logit; only where that is not so are lower slices of the logits looked at.
        double target = Options.TopP * WeighAll(blocks, adjusted, origin, Exponential.Log2E, scratch);
        int kept = 0;
        float below = float.NaN;
        for (float reach = 3f; ; reach = reach < 16f ? reach + 1f : float.PositiveInfinity)
        {
            float threshold = MathF.Max(minLogit, origin - reach);
            int count = Collect(blocks, adjusted, threshold, below, scratch.Candidates.AsSpan(kept), scratch.Maxima);
            Span<ulong> candidates = scratch.Candidates.AsSpan(kept, count);
            Span<float> weights = scratch.Weights.AsSpan(kept, count);
            double weight = Weigh(candidates, origin, Exponential.Log2E, weights);
            if (weight >= target)
                return kept + Selection.BestByWeight(candidates, weights, target, scratch.Buckets);
            kept += count;
            if (threshold == minLogit)
                return kept;
            target -= weight;
            below = threshold;
        }
    }

    /// <summary>Leaves the k best of the tokens with at least a logit in the scratch's candidates and returns how many they are.</summary>
    internal static int KeepTopK(LogitBlocks blocks, ReadOnlySpan<ulong> adjusted, int k, float floor, SamplerScratch scratch)
    {
        // Each of the k blocks with the greatest maxima holds at least one token as high as the least of these maxima.
        int parts = blocks.Count + adjusted.Length;
        float threshold = k < Math.Min(parts, blocks.TokenCount) ? Selection.KthGreatest(scratch.Maxima.AsSpan(0, parts), k, scratch.Weights) : float.NegativeInfinity;
        int count = Collect(blocks, adjusted, MathF.Max(threshold, floor), float.NaN, scratch.Candidates, scratch.Maxima);
        if (count <= k)
            return count;

        Selection.Best(scratch.Candidates.AsSpan(0, count), k, scratch.Weights, scratch.Buckets);
        return k;
    }

    /// <summary>Moves the candidates with at least this logit to the front and returns how many they are.</summary>
    private static int KeepAtLeast(Span<ulong> candidates, float logit)
    {
        int kept = 0;
        foreach (ulong candidate in candidates)
        {
            if (Candidate.Logit(candidate) >= logit)
                candidates[kept++] = candidate;
        }

        return kept;
    }

    private static int Collect(
        LogitBlocks blocks, ReadOnlySpan<ulong> adjusted, float threshold, float below, Span<ulong> candidates, ReadOnlySpan<float> maxima)
    {
        int count = blocks.Collect(threshold, below, maxima, candidates);
        foreach (ulong candidate in adjusted)
        {
            float logit = Candidate.Logit(candidate);
            if (logit >= threshold && !(logit >= below))
                candidates[count++] = candidate;
        }

        return count;
    }
}
