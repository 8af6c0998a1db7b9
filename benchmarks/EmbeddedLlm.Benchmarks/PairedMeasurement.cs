using System.Diagnostics;

namespace EmbeddedLlm.Benchmarks;

/// <summary>
/// Something that two contenders can do, measured in pairs: one right after the other and in turns first, in one process. What else the machine does falls on both alike, so the median of the pairs' ratios
/// means something where two rates measured minutes apart do not. The yardstick is the bare loop as a rule.
/// </summary>
internal abstract class PairedMeasurement(string name)
{
    public string Name { get; } = name;

    /// <param name="pairs">How many pairs; null for as many as a thorough measurement takes.</param>
    public Task<PairedResult> RunAsync(int? pairs) => RunAsync(pairs is { } count ? SampleBudget.Exactly(count) : SampleBudget.Thorough, CancellationToken.None);

    /// <param name="budget">How many pairs, after one that warms up and is not counted.</param>
    /// <param name="cancellationToken">Stops it after a pair.</param>
    public async Task<PairedResult> RunAsync(SampleBudget budget, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        await MeasureAsync(-1);
        Pair[] measured = new Pair[budget.CountFor(Stopwatch.GetElapsedTime(start))];
        for (int i = 0; i < measured.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            measured[i] = await MeasureAsync(i);
        }

        return PairedResult.Of(measured);
    }

    /// <summary>How many tokens the client's allocations of one run are divided among.</summary>
    protected abstract int Tokens { get; }

    /// <summary>Whether one thread computes for each of the two, so that both are held on the same core: see <see cref="ComputingCore"/>.</summary>
    protected virtual bool IsSingleThreaded => false;

    /// <summary>Makes what both need for a pair, unmeasured.</summary>
    protected abstract void Prepare(int pair);

    /// <summary>The tokens a second of the yardstick, which computes on the calling thread or on an engine's.</summary>
    protected abstract Task<double> BareAsync();

    /// <summary>The tokens a second of the client.</summary>
    protected abstract Task<double> ClientAsync();

    protected static double Rate(int tokens, TimeSpan time) => tokens / time.TotalSeconds;

    /// <summary>The two change places from pair to pair, so that neither always runs on the warmer machine.</summary>
    private async Task<Pair> MeasureAsync(int pair)
    {
        Prepare(pair);
        int? core = IsSingleThreaded ? ComputingCore.HoldEngines() : null;
        Run bare = default, client = default;
        long allocated = 0;
        for (int turn = 0; turn < 2; turn++)
        {
            TimeSpan processor = Environment.CpuUsage.TotalTime;
            if ((pair + turn) % 2 == 0)
            {
                double rate = await BareAsync(core);
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

    private Task<double> BareAsync(int? core)
    {
        if (core is not { } number)
            return BareAsync();
        ComputingCore.HoldCaller(number);
        try
        {
            return BareAsync();
        }
        finally
        {
            ComputingCore.ReleaseCaller();
        }
    }
}

/// <summary>A run of one of the two.</summary>
/// <param name="Rate">Tokens a second.</param>
/// <param name="Processor">The processor time of the whole process.</param>
internal readonly record struct Run(double Rate, TimeSpan Processor);

/// <summary>One pair of runs.</summary>
/// <param name="Bare">The yardstick's.</param>
/// <param name="Client">The client's.</param>
/// <param name="AllocatedPerToken">Bytes of managed memory that the client's run allocated, on all threads.</param>
internal readonly record struct Pair(Run Bare, Run Client, double AllocatedPerToken);

/// <summary>Pairs summed up.</summary>
/// <param name="BareRates">Tokens a second of the yardstick.</param>
/// <param name="ClientRates">Tokens a second of the client.</param>
/// <param name="Ratios">The client's rate over the yardstick's, of each pair.</param>
/// <param name="ProcessorRatio">The median of the yardstick's processor time over the client's.</param>
/// <param name="AllocatedPerToken">Bytes.</param>
internal sealed record PairedResult(Spread BareRates, Spread ClientRates, Spread Ratios, double ProcessorRatio, Spread AllocatedPerToken)
{
    public int Pairs => Ratios.Samples;

    public double BareRate => BareRates.Median;

    public double ClientRate => ClientRates.Median;

    public double Ratio => Ratios.Median;

    /// <summary>The client's fastest run over the yardstick's, which is what is left where everything else on the machine only slows runs down.</summary>
    public double BestRatio => ClientRates.Greatest / BareRates.Greatest;

    public static PairedResult Of(Pair[] pairs) => new(
        Spread.Of(pairs.Select(pair => pair.Bare.Rate)),
        Spread.Of(pairs.Select(pair => pair.Client.Rate)),
        Spread.Of(pairs.Select(pair => pair.Client.Rate / pair.Bare.Rate)),
        Spread.Of(pairs.Select(pair => pair.Bare.Processor / pair.Client.Processor)).Median,
        Spread.Of(pairs.Select(pair => pair.AllocatedPerToken)));
}
