namespace EmbeddedLlm.Benchmarks.Results;

/// <summary>What became of a figure.</summary>
internal enum Verdict
{
    /// <summary>Within the tolerance, or within what samples differ by themselves.</summary>
    Same,

    /// <summary>Better than either explains.</summary>
    Better,

    /// <summary>Worse than either explains.</summary>
    Worse,

    /// <summary>Only in the new file.</summary>
    New,

    /// <summary>Only in the old file.</summary>
    Missing,
}

/// <summary>A figure of two files.</summary>
/// <param name="Old">In the old file; null if it is not there.</param>
/// <param name="New">In the new file; null if it is not there.</param>
/// <param name="Verdict">What became of it.</param>
internal sealed record Change(Figure? Old, Figure? New, Verdict Verdict)
{
    public Figure Figure => New ?? Old ?? throw new InvalidOperationException("A change has no figure.");

    /// <summary>The new value over the old, less one; null where one is missing or the old is 0.</summary>
    public double? Relative => Old is { Value: not 0 } old && New is { } now ? (now.Value - old.Value) / Math.Abs(old.Value) : null;
}

/// <summary>Two files of results, figure by figure.</summary>
internal static class Comparison
{
    /// <summary>Compares.</summary>
    /// <param name="old">The figures of before.</param>
    /// <param name="now">The figures of now; their order is that of the result, and what is missing comes last.</param>
    /// <param name="tolerance">The part of the old value by which a figure may change, such as 0.05.</param>
    /// <remarks>
    /// A figure is worse if it changed for the worse by more than the tolerance and each median lies beyond the other's samples. Where a figure has no samples but one, the tolerance alone decides.
    /// The library chooses the number of threads anew with each run: a figure that differs from one other in nothing else is compared with it.
    /// </remarks>
    public static IReadOnlyList<Change> Of(IReadOnlyList<Figure> old, IReadOnlyList<Figure> now, double tolerance)
    {
        Dictionary<string, Figure> byKey = old.ToDictionary(figure => figure.Key);
        HashSet<string> keysNow = [.. now.Select(figure => figure.Key)];
        ILookup<string, Figure> left = old.Where(figure => !keysNow.Contains(figure.Key)).ToLookup(KeyWithoutThreads);
        ILookup<string, Figure> come = now.Where(figure => !byKey.ContainsKey(figure.Key)).ToLookup(KeyWithoutThreads);

        HashSet<Figure> seen = new(ReferenceEqualityComparer.Instance);
        List<Change> changes = [];
        foreach (Figure figure in now)
        {
            Figure? before = byKey.GetValueOrDefault(figure.Key);
            string loose = KeyWithoutThreads(figure);
            if (before is null && left[loose].Count() == 1 && come[loose].Count() == 1)
                before = left[loose].Single();
            if (before is not null)
                seen.Add(before);
            changes.Add(new Change(before, figure, before is null ? Verdict.New : Judge(before, figure, tolerance)));
        }

        changes.AddRange(old.Where(figure => !seen.Contains(figure)).Select(figure => new Change(figure, null, Verdict.Missing)));
        return changes;
    }

    private static string KeyWithoutThreads(Figure figure) => (figure with { Threads = null }).Key;

    private static Verdict Judge(Figure old, Figure now, double tolerance)
    {
        double gain = now.IsMoreBetter ? now.Value - old.Value : old.Value - now.Value;
        if (Math.Abs(gain) <= tolerance * Math.Abs(old.Value) || IsWithin(now.Value, old) || IsWithin(old.Value, now))
            return Verdict.Same;
        return gain > 0 ? Verdict.Better : Verdict.Worse;
    }

    private static bool IsWithin(double value, Figure figure) => value >= (figure.Least ?? figure.Value) && value <= (figure.Greatest ?? figure.Value);
}
