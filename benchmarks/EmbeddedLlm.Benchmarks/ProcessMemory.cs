namespace EmbeddedLlm.Benchmarks;

/// <summary>The memory that the operating system has given to this process, mapped files that were read included.</summary>
internal static class ProcessMemory
{
    /// <summary>Bytes.</summary>
    public static long Resident => Environment.WorkingSet;

    /// <summary>The most resident memory while something runs, looked at every few milliseconds.</summary>
    public static async Task<long> PeakOfAsync(Func<Task> work)
    {
        long peak = Resident;
        await using Timer watch = new(_ => InterlockedMax(ref peak, Resident), null, TimeSpan.Zero, TimeSpan.FromMilliseconds(5));
        await work();
        return Math.Max(Interlocked.Read(ref peak), Resident);
    }

    private static void InterlockedMax(ref long target, long value)
    {
        for (long seen = Interlocked.Read(ref target); value > seen;)
        {
            long before = Interlocked.CompareExchange(ref target, value, seen);
            if (before == seen)
                return;
            seen = before;
        }
    }
}
