namespace EmbeddedLlm.Benchmarks;

/// <summary>Percentiles of times, by the nearest rank.</summary>
internal sealed class Percentiles(IEnumerable<TimeSpan> times)
{
    private readonly TimeSpan[] _sorted = [.. times.Order()];

    public int Count => _sorted.Length;

    /// <summary>In milliseconds; not a number where nothing was measured.</summary>
    public double this[double percentile] =>
        Count == 0 ? double.NaN : _sorted[Math.Clamp((int)Math.Ceiling(percentile / 100 * Count) - 1, 0, Count - 1)].TotalMilliseconds;
}
