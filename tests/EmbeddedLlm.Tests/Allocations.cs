namespace EmbeddedLlm.Tests;

/// <summary>What code allocates on its thread.</summary>
internal static class Allocations
{
    /// <summary>
    /// The least of several runs, in bytes: the runtime itself may allocate on the thread now and then, when it replaces a method that has become hot, and on a busy machine it does so late.
    /// </summary>
    /// <param name="runs">How many at most; the first that allocates nothing is the last.</param>
    /// <param name="run">What is looked at.</param>
    /// <param name="excluded">The bytes so far that do not count; null where all do.</param>
    public static long Least(int runs, Action run, Func<long>? excluded = null)
    {
        long least = long.MaxValue;
        for (int i = 0; i < runs && least > 0; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread() - (excluded?.Invoke() ?? 0);
            run();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - (excluded?.Invoke() ?? 0) - before);
        }

        return least;
    }
}
