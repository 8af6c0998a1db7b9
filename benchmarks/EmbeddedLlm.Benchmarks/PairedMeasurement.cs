using System.Diagnostics;

namespace EmbeddedLlm.Benchmarks;

/// <summary>Something that both the bare loop and the client can do, measured in pairs.</summary>
internal abstract class PairedMeasurement(string name)
{
    private const double Seconds = 30;

    public string Name { get; } = name;

    /// <param name="pairs">How many pairs; null for as many as fit into the time, but always an odd number from 5 to 51.</param>
    public async Task<PairedResult> RunAsync(int? pairs)
    {
        long start = Stopwatch.GetTimestamp();
        await MeasureAsync(-1);
        double once = Stopwatch.GetElapsedTime(start).TotalSeconds;
        int count = pairs ?? (int)Math.Clamp(Seconds / once, 5, 51) | 1;

        Pair[] measured = new Pair[count];
        for (int i = 0; i < count; i++)
            measured[i] = await MeasureAsync(i);
        return PairedResult.Of(measured);
    }

    /// <summary>How many tokens the client's allocations of one run are divided among.</summary>
    protected abstract int Tokens { get; }

    /// <summary>Makes what both need for a pair, unmeasured.</summary>
    protected abstract void Prepare(int pair);

    /// <summary>The tokens a second of the bare loop.</summary>
    protected abstract double Bare();

    /// <summary>The tokens a second of the client.</summary>
    protected abstract Task<double> ClientAsync();

    protected static double Rate(int tokens, TimeSpan time) => tokens / time.TotalSeconds;

    /// <summary>The two change places from pair to pair, so that neither always runs on the warmer machine.</summary>
    private async Task<Pair> MeasureAsync(int pair)
    {
        Prepare(pair);
        Run bare = default, client = default;
        long allocated = 0;
        for (int turn = 0; turn < 2; turn++)
        {
            TimeSpan processor = Environment.CpuUsage.TotalTime;
            if ((pair + turn) % 2 == 0)
            {
                double rate = Bare();
                bare = new Run(rate, Environment.CpuUsage.TotalTime - processor);
            }
            else
            {
                long before = GC.GetTotalAllocatedBytes(precise: true);
                double rate = await ClientAsync();
                client = new Run(rate, Environment.CpuUsage.TotalTime - processor);
                allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
            }
        }

        return new Pair(bare, client, (double)allocated / Tokens);
    }
}

/// <summary>A run of one of the two.</summary>
/// <param name="Rate">Tokens a second.</param>
/// <param name="Processor">The processor time of the whole process.</param>
internal readonly record struct Run(double Rate, TimeSpan Processor);

/// <summary>One pair of runs.</summary>
/// <param name="Bare">The bare loop's.</param>
/// <param name="Client">The client's.</param>
/// <param name="AllocatedPerToken">Bytes of managed memory that the client's run allocated, on all threads.</param>
internal readonly record struct Pair(Run Bare, Run Client, double AllocatedPerToken);

/// <summary>Pairs summed up: medians, and the extremes of the ratio of rates.</summary>
internal sealed record PairedResult(
    int Pairs, double BareRate, double ClientRate, double Ratio, double LeastRatio, double GreatestRatio, double ProcessorRatio, double AllocatedPerToken)
{
    public static PairedResult Of(Pair[] pairs)
    {
        double[] ratios = [.. pairs.Select(pair => pair.Client.Rate / pair.Bare.Rate)];
        return new PairedResult(
            pairs.Length,
            Median(pairs.Select(pair => pair.Bare.Rate)),
            Median(pairs.Select(pair => pair.Client.Rate)),
            Median(ratios),
            ratios.Min(),
            ratios.Max(),
            Median(pairs.Select(pair => pair.Bare.Processor / pair.Client.Processor)),
            Median(pairs.Select(pair => pair.AllocatedPerToken)));
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
