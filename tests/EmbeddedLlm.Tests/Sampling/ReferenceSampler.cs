using EmbeddedLlm.Sampling;

namespace EmbeddedLlm.Tests.Sampling;

/// <summary>The sampling chain as its definition says it: everything sorted, everything in double precision, nothing fast.</summary>
internal static class ReferenceSampler
{
    public readonly record struct Entry(int Token, double Logit, double Probability);

    /// <summary>The kept tokens, most likely first, and how much room top-p had: the distance of the nearest running sum to the limit.</summary>
    public static (List<Entry> Kept, double TopPMargin) Distribution(
        ReadOnlySpan<float> logits, ReadOnlySpan<ulong> allowed, SamplingOptions options, IReadOnlyList<int> history)
    {
        Dictionary<int, int> counts = [];
        foreach (int token in history.Skip(Math.Max(0, history.Count - options.PenaltyLastN)))
            counts[token] = counts.GetValueOrDefault(token) + 1;

        List<Entry> entries = [];
        for (int token = 0; token < logits.Length; token++)
        {
            if (!IsAllowed(allowed, token))
                continue;
            // Single precision where llama.cpp has it, so that ties and thresholds are the same.
            float logit = logits[token];
            if (options.LogitBias?.TryGetValue(token, out float bias) == true)
                logit += bias;
            if (counts.TryGetValue(token, out int count))
            {
                logit = logit <= 0f ? logit * options.RepeatPenalty : logit / options.RepeatPenalty;
                logit -= count * options.FrequencyPenalty + options.PresencePenalty;
            }

            if (logit > float.NegativeInfinity)
                entries.Add(new Entry(token, Math.Min(logit, float.MaxValue), 0));
        }

        entries.Sort((a, b) => a.Logit != b.Logit ? b.Logit.CompareTo(a.Logit) : a.Token.CompareTo(b.Token));
        if (entries.Count == 0)
            return (entries, 1);
        if (options.Temperature == 0)
            return ([entries[0] with { Probability = 1 }], 1);

        if (options.TopK > 0 && entries.Count > options.TopK)
            entries.RemoveRange(options.TopK, entries.Count - options.TopK);

        double greatest = entries[0].Logit;
        double margin = 1;
        if (options.TopP < 1)
        {
            double total = entries.Sum(e => Math.Exp(e.Logit - greatest));
            double sum = 0;
            for (int i = 0; i < entries.Count; i++)
            {
                sum += Math.Exp(entries[i].Logit - greatest) / total;
                margin = Math.Min(margin, Math.Abs(sum - options.TopP));
                if (sum < options.TopP)
                    continue;
                entries.RemoveRange(i + 1, entries.Count - i - 1);
                break;
            }
        }

        if (options.MinP > 0)
        {
            float least = (float)greatest + MathF.Log(options.MinP);
            entries.RemoveAll(e => e.Logit < least);
        }

        double all = entries.Sum(e => Math.Exp((e.Logit - greatest) / options.Temperature));
        return ([.. entries.Select(e => e with { Probability = Math.Exp((e.Logit - greatest) / options.Temperature) / all })], margin);
    }

    public static bool IsAllowed(ReadOnlySpan<ulong> allowed, int token)
        => allowed.IsEmpty || (token >> 6 < allowed.Length && (allowed[token >> 6] >> (token & 63) & 1) != 0);
}
