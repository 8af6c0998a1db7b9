namespace EmbeddedLlm.Scheduling;

/// <summary>
/// Where on the way through a prompt copies of its state are kept: where later prompts are likely to part from it, and now and then in the midst of a long one, since a memory that cannot be cut
/// gives nothing back in between. Pure.
/// </summary>
internal static class CheckpointPlan
{
    /// <summary>Nearer than so many tokens one copy does for both.</summary>
    private const int Nearest = 16;

    /// <param name="start">How many tokens are there already.</param>
    /// <param name="common">How many tokens another sequence has in common with the prompt: where two have parted, more may.</param>
    /// <param name="promptLength">The prompt's tokens.</param>
    /// <param name="hints">Where prompts may part, as counts of tokens in any order.</param>
    /// <param name="limits">How many copies there may be, and their distance where nothing is known.</param>
    /// <returns>Counts of tokens, ascending, all of them after <paramref name="start"/> and before <paramref name="promptLength"/>.</returns>
    public static int[] Create(int start, int common, int promptLength, ReadOnlySpan<int> hints, SchedulerLimits limits)
    {
        SortedSet<int> counts = [];
        int last = promptLength - 1;
        foreach (int hint in hints)
            TryAdd(hint);
        // The whole prompt but for the token whose logits are needed, for those who ask again.
        if (counts.Count == 0)
            TryAdd(last);
        TryAdd(common);
        // Later ones save more than earlier ones.
        while (counts.Count > limits.CheckpointsPerPrompt)
            counts.Remove(counts.Min);

        int left = limits.CheckpointsPerPrompt - counts.Count;
        if (left > 0)
        {
            int distance = Math.Max(limits.CheckpointDistance, (last - start) / (left + 1) + 1);
            for (int count = start + distance; left > 0 && count < last; count += distance)
                left -= TryAdd(count) ? 1 : 0;
        }

        return [.. counts];

        bool TryAdd(int count) =>
            count >= start + Nearest && count <= last
            && counts.GetViewBetween(Math.Max(0, count - Nearest + 1), count + Nearest - 1).Count == 0 && counts.Add(count);
    }
}
