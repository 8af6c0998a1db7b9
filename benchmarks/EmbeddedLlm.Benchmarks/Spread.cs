namespace EmbeddedLlm.Benchmarks;

/// <summary>Samples of one quantity, summed up.</summary>
/// <param name="Median">The middle one; of an even number, halfway between the two in the middle.</param>
/// <param name="Least">The least.</param>
/// <param name="Greatest">The greatest.</param>
/// <param name="Samples">How many.</param>
internal readonly record struct Spread(double Median, double Least, double Greatest, int Samples)
{
    private const double Confidence = 0.95;

    /// <summary>
    /// With a chance of 95 % at least, the median of ever more samples lies between this and <see cref="High"/>: the order statistics that the binomial distribution gives (H. A. David, Order Statistics). Of fewer
    /// than six samples it is the least, and the chance is smaller: 94 % of five, 75 % of three.
    /// </summary>
    public double Low { get; init; } = Least;

    /// <inheritdoc cref="Low"/>
    public double High { get; init; } = Greatest;

    /// <exception cref="ArgumentException">There are none.</exception>
    public static Spread Of(IEnumerable<double> samples)
    {
        double[] sorted = [.. samples.Order()];
        if (sorted.Length == 0)
            throw new ArgumentException("Nothing was measured.", nameof(samples));
        int outside = CountOutside(sorted.Length);
        return new Spread((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2, sorted[0], sorted[^1], sorted.Length) { Low = sorted[outside], High = sorted[^(outside + 1)] };
    }

    /// <summary>So much of something a second, or whatever the samples are, where they say how long it takes; and the other way round.</summary>
    public Spread Divide(double dividend) => new(dividend / Median, dividend / Greatest, dividend / Least, Samples) { Low = dividend / High, High = dividend / Low };

    /// <summary>How many samples lie below the bounds of the median, and as many above: of n samples, so many at most are below it with a chance of 1 / 2ⁿ for each way to choose them.</summary>
    private static int CountOutside(int samples)
    {
        double sum = 0;
        int count = -1;
        // As logarithms, since 2ⁿ is more than a number holds where there are thousands.
        double log = -samples * Math.Log(2);
        while (true)
        {
            sum += Math.Exp(log);
            if (2 * sum > 1 - Confidence)
                return Math.Max(count, 0);
            count++;
            log += Math.Log(samples - count) - Math.Log(count + 1);
        }
    }
}
