namespace EmbeddedLlm.Scheduling;

/// <summary>
/// When callers hear of new text: at once, but where a model is so fast that waking them for every token would cost more than a part in a hundred of the time. A thread that is woken takes some ten
/// microseconds of the engine's thread and forty of a processor's, which is a sixth of what a model of a million weights needs for a token. So text that comes with short steps waits for others of the same
/// interval, the longer the more callers there are, unless the next step may be a long one. Engine thread only.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="interval">The least time from one wake to the next for each caller that there is; longer steps always wake. Zero to wake with every token.</param>
internal sealed class WakePace(TimeProvider time, TimeSpan interval)
{
    // Four callers are woken fifty times a second where the interval is five milliseconds, and so are more: as often as an eye can tell.
    private const int MostIntervals = 4;

    private readonly List<GenerationStream> _late = [];
    private long _stepAt = time.GetTimestamp();
    private long _wokenAt = time.GetTimestamp();
    private bool _waits;

    /// <summary>A step's results are there, and are about to be appended.</summary>
    /// <param name="callers">How many they are for.</param>
    /// <param name="mayWait">Whether they are next tokens only: first tokens never wait.</param>
    public void BeginStep(int callers, bool mayWait)
    {
        long now = time.GetTimestamp();
        TimeSpan least = interval * Math.Clamp(callers, 1, MostIntervals);
        _waits = mayWait && time.GetElapsedTime(_stepAt, now) < least && time.GetElapsedTime(_wokenAt, now) < least;
        _stepAt = now;
        if (_waits)
            return;
        _wokenAt = now;
        WakeLate();
    }

    /// <summary>Appends to a stream, see <see cref="GenerationStream.Append"/>.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="utf8">Whole characters.</param>
    /// <param name="tokens">The tokens that they complete.</param>
    /// <param name="isLast">Whether the stream is sealed now and opened at the end of the step: its reader is woken then, once for both.</param>
    public void Append(GenerationStream stream, ReadOnlySpan<byte> utf8, List<GeneratedToken>? tokens, bool isLast)
    {
        stream.Append(utf8, tokens, wakesReader: !_waits && !isLast);
        if (_waits && !isLast && !utf8.IsEmpty)
            _late.Add(stream);
    }

    /// <summary>Wakes those who have not heard of their text yet, since the next step may take long, or there is none.</summary>
    public void WakeLate()
    {
        foreach (GenerationStream stream in _late)
            stream.WakeReader();
        _late.Clear();
    }
}
