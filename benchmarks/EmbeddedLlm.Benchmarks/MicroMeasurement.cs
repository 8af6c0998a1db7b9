using System.Diagnostics;

namespace EmbeddedLlm.Benchmarks;

/// <summary>The time of something short, from runs of many.</summary>
internal static class MicroMeasurement
{
    private static readonly TimeSpan Batch = TimeSpan.FromMilliseconds(10);

    /// <summary>The microseconds of one call.</summary>
    /// <param name="call">What to measure; it may be called any number of times.</param>
    /// <param name="budget">How many samples; each is the mean of as many calls as fit into some milliseconds.</param>
    public static Spread Microseconds(Action call, SampleBudget budget)
    {
        int calls = Calibrate(call);
        double[] samples = new double[budget.CountFor(Batch)];
        for (int i = 0; i < samples.Length; i++)
            samples[i] = Time(call, calls).TotalMicroseconds / calls;
        return Spread.Of(samples);
    }

    private static int Calibrate(Action call)
    {
        call();
        for (int calls = 1; ; calls *= 2)
        {
            if (Time(call, calls) >= Batch || calls >= 1 << 24)
                return calls;
        }
    }

    private static TimeSpan Time(Action call, int calls)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < calls; i++)
            call();
        return Stopwatch.GetElapsedTime(start);
    }
}
