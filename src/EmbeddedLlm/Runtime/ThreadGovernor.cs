using System.Diagnostics;

namespace EmbeddedLlm.Runtime;

/// <summary>
/// Takes threads away where the machine has become too busy for them, and gives them back later. ggml's threads spin at barriers, so one that gets no core holds up all:
/// a step then takes not a little longer but tens of times, and fewer threads are faster: it is given up. That the machine is free again shows in the system's CPU clock, where there
/// is one that can be read; else it has to be tried. Used by one thread at a time.
/// </summary>
internal sealed class ThreadGovernor
{
    // Ordinary noise, a page fault or a garbage collection included, stays below; the cliff lies far above.
    private const double SlowFactor = 8;
    private const int SlowStepsInARow = 3;

    // A step that lasts so much longer is evidence enough by itself: with three of them, seconds would go by.
    private const double SlowSeconds = 0.2;
    private const int StepsToLearn = 8;
    private const double MedianStep = 0.05;

    // Long enough for a clock of 100 ticks a second; two free looks in a row are believed.
    private const double FreeEnough = 0.3;
    private const int FreeLooksInARow = 2;

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan FirstPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LastPatience = TimeSpan.FromMinutes(2);

    private readonly int _most;
    private readonly Func<CpuTime?>? _readClock;

    // By the number of tokens in a step: the usual time in seconds with all threads, and how many steps it was learned from.
    private readonly double[] _usual;
    private readonly int[] _learned;
    private int _slowSteps;
    private long _changedAt;
    private bool _wasRaised;
    private TimeSpan _patience = FirstPatience;
    private CpuTime? _clock;
    private long _lookedAt;
    private int _freeLooks;

    /// <param name="most">The threads to use while the machine is free.</param>
    /// <param name="threads">The threads to begin with.</param>
    /// <param name="largestStep">Steps of more tokens than this are not looked at.</param>
    /// <param name="readClock">Reads the system's CPU clock; null, or giving null, where that cannot be done.</param>
    public ThreadGovernor(int most, int threads, int largestStep, Func<CpuTime?>? readClock = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(most, threads);
        ArgumentOutOfRangeException.ThrowIfLessThan(largestStep, 1);
        _most = most;
        _readClock = readClock;
        Threads = threads;
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
        if (_learned[tokens] >= StepsToLearn && seconds > SlowTime(tokens))
            return (++_slowSteps >= SlowStepsInARow || seconds > _usual[tokens] + SlowSeconds) && TryStepDown(endedAt);

        _slowSteps = 0;
        // What a step takes with fewer threads is a bound for what it takes with all of them, until that is known.
        if (Threads == _most || _learned[tokens] < StepsToLearn)
            Learn(tokens, seconds);
        return Threads < _most && TryStepUp(endedAt);
    }

    /// <summary>When a step is to be given up, since it would be done sooner with fewer threads even if it began anew; null where that is not known.</summary>
    /// <param name="tokens">How many tokens it computes.</param>
    /// <param name="startedAt">When it begins, as <see cref="Stopwatch.GetTimestamp"/> has it.</param>
    public long? DeadlineOf(int tokens, long startedAt)
    {
        if (Threads == 1 || tokens < 1 || tokens >= _usual.Length || _learned[tokens] < StepsToLearn)
            return null;
        return startedAt + (long)(Math.Max(SlowTime(tokens), _usual[tokens] + SlowSeconds) * Stopwatch.Frequency);
    }

    /// <summary>Takes note of a step that was given up at its deadline.</summary>
    /// <param name="now">As <see cref="Stopwatch.GetTimestamp"/> has it.</param>
    /// <inheritdoc cref="Observe"/>
    public bool ObserveGivenUp(long now) => TryStepDown(now);

    /// <summary>What a step takes that is slow, in seconds. With fewer threads it may take longer in proportion, which is no reason to take away more.</summary>
    private double SlowTime(int tokens) => _usual[tokens] * SlowFactor * _most / Threads;

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
        ForgetLooks();
        return true;
    }

    private bool TryStepUp(long now)
    {
        if (_changedAt == 0)
            _changedAt = now;
        bool isPatienceOver = Stopwatch.GetElapsedTime(_changedAt, now) >= _patience;
        // A clock that has misled is not believed again so soon; one that says that the machine is busy spares a try that would cost seconds.
        int? free = _patience > FirstPatience && !isPatienceOver ? 0 : CountFreeCores(now);
        int threads = Math.Min(free is { } cores ? Threads + cores : isPatienceOver ? Threads * 2 : Threads, _most);
        if (threads <= Threads)
            return false;
        (_changedAt, _wasRaised) = (now, true);
        Threads = threads;
        ForgetLooks();
        return true;
    }

    /// <summary>How many cores nobody uses, this model's threads included among the users; 0 where it is not sure, null where it cannot be known.</summary>
    private int? CountFreeCores(long now)
    {
        if (_clock is not null && Stopwatch.GetElapsedTime(_lookedAt, now) < LookInterval)
            return 0;
        CpuTime? before = _clock;
        _lookedAt = now;
        if ((_clock = _readClock?.Invoke()) is not { } clock)
            return null;
        if (before is not { } earlier)
            return 0;
        int free = (int)(clock.Cores - clock.BusyCoresSince(earlier) + FreeEnough);
        _freeLooks = free > 0 ? _freeLooks + 1 : 0;
        return _freeLooks >= FreeLooksInARow ? free : 0;
    }

    private void ForgetLooks() => (_clock, _freeLooks) = (null, 0);

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
