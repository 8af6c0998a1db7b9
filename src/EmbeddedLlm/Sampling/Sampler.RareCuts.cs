namespace EmbeddedLlm.Sampling;

/// <content>Top-n-sigma, typical-p, XTC, the dynamic temperature: one step after the other over the candidates, since each measures from what the one before it has left.</content>
internal sealed partial class Sampler
{
    private int SampleRarely(LogitBlocks blocks, ReadOnlySpan<ulong> adjusted, float greatest, SamplerScratch scratch)
    {
        bool excludesTop = ExcludesTop(_random);
        if (Options.XtcProbability > 0f)
            _random.NextDouble();
        double random = _random.NextDouble();
        if (float.IsNegativeInfinity(greatest))
            return -1;

        (int kept, float origin, float scale) = CutRarely(blocks, adjusted, Origin(greatest), excludesTop, scratch);
        Span<ulong> candidates = scratch.Candidates.AsSpan(0, kept);
        Span<float> weights = scratch.Weights.AsSpan(0, kept);
        int chosen = Draw(candidates, weights, origin, scale, random);
        if (Options.Mirostat != MirostatVersion.Off)
            Follow(weights[chosen] / Exponential.Sum(weights));
        return Candidate.Token(candidates[chosen]);
    }

    /// <summary>Whether XTC acts, by the next number of the stream; the caller's stream does not move.</summary>
    private bool ExcludesTop(RandomStream random) => Options.XtcProbability > 0f && random.NextDouble() < Options.XtcProbability;

    /// <summary>Leaves the kept tokens in the scratch's candidates.</summary>
    /// <returns>How many they are, the greatest logit among them, and what the logits are multiplied by.</returns>
    private (int Kept, float Origin, float Scale) CutRarely(
        LogitBlocks blocks, ReadOnlySpan<ulong> adjusted, float origin, bool excludesTop, SamplerScratch scratch)
    {
        if (Options.Mirostat != MirostatVersion.Off)
            return (CutBySurprise(blocks, adjusted, origin, scratch), origin, _scale);

        float floor = Options.TopNSigma > 0f ? SigmaFloor(blocks, adjusted, origin) : float.MinValue;
        int kept = Options.TopK > 0
            ? KeepTopK(blocks, adjusted, Options.TopK, floor, scratch)
            : Collect(blocks, adjusted, floor, float.NaN, scratch.Candidates, scratch.Maxima);
        Span<ulong> candidates = scratch.Candidates.AsSpan(0, kept);
        if (Options.TypicalP < 1f)
        {
            candidates = candidates[..KeepTypical(candidates, origin, scratch)];
            origin = OriginOf(candidates);
        }

        if (Options.TopP < 1f)
        {
            Span<float> weights = scratch.Weights.AsSpan(0, candidates.Length);
            double total = Weigh(candidates, origin, Exponential.Log2E, weights);
            candidates = candidates[..Selection.BestByWeight(candidates, weights, total * Options.TopP, scratch.Buckets)];
        }

        if (Options.MinP > 0f)
            candidates = candidates[..KeepAtLeast(candidates, origin + _minPDistance)];

        if (excludesTop)
        {
            candidates = candidates[..ExcludeTop(candidates, origin, scratch)];
            origin = OriginOf(candidates);
        }

        float scale = Options.DynamicTemperatureRange > 0f ? DynamicScale(candidates, origin, scratch) : _scale;
        if (float.IsFinite(scale))
            return (candidates.Length, origin, scale);
        candidates[0] = Best(candidates);
        return (1, origin, 1f);
    }

    /// <summary>The least logit that top-n-sigma keeps. Where there are infinite logits there is no deviation, and all are kept.</summary>
    private float SigmaFloor(LogitBlocks blocks, ReadOnlySpan<ulong> adjusted, float origin)
    {
        (long count, double sum, double squares) = blocks.Moments(origin);
        foreach (ulong candidate in adjusted)
        {
            double distance = Distance(candidate, origin);
            count++;
            sum += distance;
            squares += distance * distance;
        }

        double mean = sum / count;
        double deviation = Math.Sqrt(Math.Max(0, squares / count - mean * mean));
        float floor = (float)(origin - Options.TopNSigma * deviation);
        return float.IsFinite(floor) ? floor : float.MinValue;
    }

    /// <summary>
    /// Moves the candidates to the front whose surprise -ln p is closest to the entropy. With p = e^(x - g) / Z the entropy is ln Z less the weighted mean of x - g, so a candidate is
    /// as far from it as its logit is from the weighted mean of all; neither logarithm nor entropy has to be computed.
    /// </summary>
    private int KeepTypical(Span<ulong> candidates, float origin, SamplerScratch scratch)
    {
        Span<float> weights = scratch.Weights.AsSpan(0, candidates.Length);
        double total = Weigh(candidates, origin, Exponential.Log2E, weights);
        double mean = 0;
        for (int i = 0; i < candidates.Length; i++)
        {
            if (weights[i] > 0f)
                mean += weights[i] / total * Distance(candidates[i], origin);
        }

        Span<ulong> keys = scratch.EnsureKeys(candidates.Length).AsSpan(0, candidates.Length);
        for (int i = 0; i < candidates.Length; i++)
        {
            float distance = MathF.Abs((float)(Distance(candidates[i], origin) - mean));
            keys[i] = Candidate.Create(-distance, i);
        }

        // What the keys stand for is moved to the front in its old order, so that nothing is overwritten that is still to be moved.
        keys = keys[..Selection.BestByWeight(keys, weights, total * Options.TypicalP, scratch.Buckets)];
        for (int i = 0; i < keys.Length; i++)
            keys[i] = (uint)Candidate.Token(keys[i]);
        keys.Sort();
        for (int i = 0; i < keys.Length; i++)
            candidates[i] = candidates[(int)keys[i]];
        return keys.Length;
    }

    /// <summary>Moves the candidates to the front that are not better than the last top choice.</summary>
    private int ExcludeTop(Span<ulong> candidates, float origin, SamplerScratch scratch)
    {
        Span<float> weights = scratch.Weights.AsSpan(0, candidates.Length);
        double least = Weigh(candidates, origin, Exponential.Log2E, weights) * Options.XtcThreshold;
        ulong last = 0;
        for (int i = 0; i < candidates.Length; i++)
        {
            if (weights[i] >= least)
                last = Math.Max(last, candidates[i]);
        }

        // A lower number is a better candidate. Without a top choice none is worse than 0.
        int kept = 0;
        foreach (ulong candidate in candidates)
        {
            if (candidate >= last)
                candidates[kept++] = candidate;
        }

        return kept;
    }

    /// <summary>The scale of the temperature that belongs to the candidates' entropy, relative to the greatest that so many can have. Infinite for a temperature of 0.</summary>
    private float DynamicScale(ReadOnlySpan<ulong> candidates, float origin, SamplerScratch scratch)
    {
        if (candidates.Length < 2)
            return 1f;
        Span<float> weights = scratch.Weights.AsSpan(0, candidates.Length);
        double total = Weigh(candidates, origin, Exponential.Log2E, weights);
        double mean = 0;
        for (int i = 0; i < candidates.Length; i++)
        {
            if (weights[i] > 0f)
                mean += weights[i] / total * Distance(candidates[i], origin);
        }

        float entropy = (float)((Math.Log(total) - mean) / Math.Log(candidates.Length));
        float least = MathF.Max(0f, Options.Temperature - Options.DynamicTemperatureRange);
        float most = Options.Temperature + Options.DynamicTemperatureRange;
        float temperature = least + (most - least) * MathF.Pow(Math.Clamp(entropy, 0f, 1f), Options.DynamicTemperatureExponent);
        return Exponential.Log2E / temperature;
    }

    /// <summary>A candidate's logit less the greatest, 0 or below, of infinite ones as well.</summary>
    private static double Distance(ulong candidate, float origin) => Math.Min((double)Candidate.Logit(candidate) - origin, 0);

    private static float OriginOf(ReadOnlySpan<ulong> candidates) => Origin(Candidate.Logit(Best(candidates)));

    private static ulong Best(ReadOnlySpan<ulong> candidates)
    {
        ulong best = ulong.MaxValue;
        foreach (ulong candidate in candidates)
            best = Math.Min(best, candidate);
        return best;
    }
}
