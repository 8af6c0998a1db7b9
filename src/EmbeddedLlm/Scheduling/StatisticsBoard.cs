namespace EmbeddedLlm.Scheduling;

/// <summary>
/// One thread's figures, readable by all others as of one moment. A sequence lock: the writer never waits, and a reader that was overtaken by it reads again.
/// </summary>
internal sealed class StatisticsBoard
{
    // Odd while the figures are being written.
    private int _version;
    private EngineStatistics _figures;

    /// <summary>By one thread only.</summary>
    public void Publish(in EngineStatistics figures)
    {
        Volatile.Write(ref _version, _version + 1);
        Interlocked.MemoryBarrier();
        _figures = figures;
        Interlocked.MemoryBarrier();
        Volatile.Write(ref _version, _version + 1);
    }

    /// <summary>By any thread. The figures hold no references, so a copy that was torn harms nobody before it is thrown away.</summary>
    public EngineStatistics Read()
    {
        SpinWait wait = default;
        while (true)
        {
            int version = Volatile.Read(ref _version);
            Interlocked.MemoryBarrier();
            EngineStatistics figures = _figures;
            Interlocked.MemoryBarrier();
            if (version % 2 == 0 && Volatile.Read(ref _version) == version)
                return figures;
            // Never asleep for a millisecond: the writer is done in nanoseconds.
            wait.SpinOnce(sleep1Threshold: -1);
        }
    }
}
