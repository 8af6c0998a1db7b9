using System.Numerics;

namespace EmbeddedLlm.Runtime;

/// <summary>How many threads compute a batch of inputs: as many as its tokens keep busy, and no more than the machine has free. Used by one thread at a time.</summary>
internal sealed class EmbedderThreads
{
    // Batches of about as many tokens are one step to the governor, since few have the same number.
    private const int LargestStep = 32;

    private readonly long _weightBytes;
    private readonly ThreadGovernor? _governor;
    /// <summary>The same number whatever is computed.</summary>
    public EmbedderThreads(int threads) => Most = threads;

    /// <param name="weightBytes">The bytes of the model's weights.</param>
    /// <param name="most">The threads to use while the machine is free.</param>
    /// <param name="threads">The threads to begin with.</param>
    /// <param name="readClock">Reads the system's CPU clock, see <see cref="ThreadGovernor"/>.</param>
    public EmbedderThreads(long weightBytes, int most, int threads, Func<CpuTime?>? readClock)
    {
        (_weightBytes, Most) = (weightBytes, most);
        _governor = most > 1 ? new ThreadGovernor(most, threads, LargestStep, readClock) : null;
    }

    /// <summary>The most threads there will be.</summary>
    public int Most { get; }

    /// <summary>The threads for a batch of so many tokens.</summary>
    public int For(int tokens) => _governor is null ? Most : Math.Min(_governor.Threads, ThreadCount.Choose(_weightBytes * tokens, Most, busyCores: 0));

    /// <summary>Takes note of how long a batch took.</summary>
    /// <param name="tokens">How many tokens it had.</param>
    /// <param name="startedAt">When it began, as <see cref="System.Diagnostics.Stopwatch.GetTimestamp"/> has it.</param>
    /// <param name="endedAt">When it ended.</param>
    public void Observe(int tokens, long startedAt, long endedAt) => _governor?.Observe(BitOperations.Log2((uint)tokens) + 1, startedAt, endedAt);
}
