using System.Diagnostics;

namespace EmbeddedLlm.Runtime;

/// <summary>
/// Takes threads away where the machine has become too busy for them, and gives them back later. ggml's threads spin at barriers, so one that gets no core holds up all:
/// a step then takes not a little longer but tens of times, and fewer threads are faster. Used by one thread at a time.
/// </summary>
internal sealed class ThreadGovernor
{
    // Ordinary noise, a page fault or a garbage collection included, stays below; the cliff lies far above.
    private const double SlowFactor = 8;
    private const int SlowStepsInARow = 3;
    private const int StepsToLearn = 8;
    private const double MedianStep = 0.05;

    private static readonly TimeSpan FirstPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LastPatience = TimeSpan.FromMinutes(2);

    private readonly int _most;

    // By the number of tokens in a step: the usual time in seconds with all threads, and how many steps it was learned from.
    private readonly double[] _usual;
    private readonly int[] _learned;
    private int _slowSteps;
    private long _changedAt;
    private bool _wasRaised;
    private TimeSpan _patience = FirstPatience;

    /// <param name="most">The threads to use while the machine is free.</param>
    /// <param name="largestStep">Steps of more tokens than this are not looked at.</param>
    public ThreadGovernor(int most, int largestStep)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(largestStep, 1);
        _most = Threads = most;
        _usual = new double[largestStep + 1];
        _learned = new int[largestStep + 1];
    }

    /// <summary>How many threads are to compute the next step.</summary>
    public int Threads { get; private set; }

    /// <summary>Takes note of a step.</summary>
    /// <param name="tokens">How many tokens it computed.</param>
    /// <param name="startedAt">When it began, as <see cref="Stopwatch.GetTimestamp"/> has it.</param>
    /// <param name="endedAt">When it ended.</param>
    /// <returns>Whether <see cref="Threads"/> has changed.</returns>
    public bool Observe(int tokens, long startedAt, long endedAt)
    {
        if (_most == 1 || tokens < 1 || tokens >= _usual.Length)
            return false;
        double seconds = Stopwatch.GetElapsedTime(startedAt, endedAt).TotalSeconds;
        // With fewer threads a step may take longer in proportion, which is no reason to take away more.
        if (_learned[tokens] >= StepsToLearn && seconds > _usual[tokens] * SlowFactor * _most / Threads)
            return ++_slowSteps >= SlowStepsInARow && TryStepDown(endedAt);

        _slowSteps = 0;
        if (Threads < _most)
            return Stopwatch.GetElapsedTime(_changedAt, endedAt) >= _patience && StepUp(endedAt);
        Learn(tokens, seconds);
        return false;
    }

    private bool TryStepDown(long now)
    {
        _slowSteps = 0;
        if (Threads == 1)
            return false;
        // Slow again soon after a step up: the machine is still busy, so the next try comes later.
        bool wasTooSoon = _wasRaised && Stopwatch.GetElapsedTime(_changedAt, now) < _patience;
        _patience = wasTooSoon ? TimeSpan.FromTicks(Math.Min(_patience.Ticks * 2, LastPatience.Ticks)) : FirstPatience;
        (_changedAt, _wasRaised) = (now, false);
        Threads /= 2;
        return true;
    }

    private bool StepUp(long now)
    {
        (_changedAt, _wasRaised) = (now, true);
        Threads = Math.Min(Threads * 2, _most);
        return true;
    }

    /// <summary>The least of the first few times, since the very first steps are slow; from then on an estimate of the median, which goes a little up or down with each.</summary>
    private void Learn(int tokens, double seconds)
    {
        ref double usual = ref _usual[tokens];
        if (_learned[tokens] < StepsToLearn)
            usual = _learned[tokens]++ == 0 ? seconds : Math.Min(usual, seconds);
        else
            usual *= seconds > usual ? 1 + MedianStep : 1 - MedianStep;
    }
}
