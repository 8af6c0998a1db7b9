namespace EmbeddedLlm.Benchmarks;

/// <summary>Samples of one quantity, summed up.</summary>
/// <param name="Median">The middle one; of an even number, halfway between the two in the middle.</param>
/// <param name="Least">The least.</param>
/// <param name="Greatest">The greatest.</param>
/// <param name="Samples">How many.</param>
internal readonly record struct Spread(double Median, double Least, double Greatest, int Samples)
{
    /// <exception cref="ArgumentException">There are none.</exception>
    public static Spread Of(IEnumerable<double> samples)
    {
        double[] sorted = [.. samples.Order()];
        return sorted.Length > 0
            ? new Spread((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2, sorted[0], sorted[^1], sorted.Length)
            : throw new ArgumentException("Nothing was measured.", nameof(samples));
    }
}
