namespace EmbeddedLlm.Cli;

/// <summary>What came out of the runs of one measurement.</summary>
internal sealed class SampleSet
{
    private readonly double[] _sorted;

    /// <param name="values">At least one.</param>
    public SampleSet(IEnumerable<double> values)
    {
        _sorted = [.. values.Order()];
        ArgumentOutOfRangeException.ThrowIfZero(_sorted.Length, nameof(values));
    }

    public int Count => _sorted.Length;

    public double Least => _sorted[0];

    public double Greatest => _sorted[^1];

    /// <summary>The middle one, or the mean of the two in the middle.</summary>
    public double Median => (_sorted[(Count - 1) / 2] + _sorted[Count / 2]) / 2;

    /// <summary>By the nearest rank: the least value that so many percent do not exceed.</summary>
    public double Percentile(double percent) => _sorted[Math.Clamp((int)Math.Ceiling(percent / 100 * Count) - 1, 0, Count - 1)];
}
