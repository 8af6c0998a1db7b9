namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>A clock that stands still until it is set forward, and then calls the timers that are due, in their order.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly List<ManualTimer> _timers = [];
    private TimeSpan _now;

    /// <summary>How many timers have neither fired nor been disposed.</summary>
    public int Timers => _timers.Count;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _now.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ManualTimer timer = new(this, () => callback(state), _now + dueTime);
        _timers.Add(timer);
        return timer;
    }

    public void Advance(TimeSpan time)
    {
        _now += time;
        foreach (ManualTimer timer in _timers.Where(timer => timer.Due <= _now).OrderBy(timer => timer.Due).ToArray())
        {
            if (_timers.Remove(timer))
                timer.Callback();
        }
    }

    private sealed class ManualTimer(ManualTime time, Action callback, TimeSpan due) : ITimer
    {
        public Action Callback { get; } = callback;

        public TimeSpan Due { get; } = due;

        public bool Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException();

        public void Dispose() => time._timers.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>A clock whose timers are due as soon as they are made.</summary>
internal sealed class ImpatientTime : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        callback(state);
        return new ManualTime().CreateTimer(callback, state, dueTime, period);
    }
}
