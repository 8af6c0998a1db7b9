namespace EmbeddedLlm.Catalog;

/// <summary>Counts the bytes of all files of one model and reports them, several times a second at most. Thread-safe.</summary>
internal sealed class DownloadMeter(IProgress<ModelDownloadProgress>? progress, TimeProvider time)
{
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Sample = TimeSpan.FromMilliseconds(500);

    private const double Weight = 0.3;

    private readonly Lock _gate = new();
    private string _file = "";
    private long _earlier;
    private long _current;
    private long? _total;
    private long _sampledBytes;
    private long _sampledAt = time.GetTimestamp();
    private long? _reportedAt;
    private double _speed;

    /// <summary>How many bytes all files have; null where that is not known.</summary>
    public void SetTotal(long? bytes)
    {
        lock (_gate)
            _total = bytes;
    }

    /// <summary>A file begins, of which some bytes are there.</summary>
    public void Begin(string file, long bytes)
    {
        lock (_gate)
        {
            _file = file;
            _current = bytes;
            _sampledBytes = 0;
            _sampledAt = time.GetTimestamp();
        }

        Report(force: true);
    }

    /// <summary>The current file has this many bytes now, without any of them having come over the network.</summary>
    public void Restart(long bytes)
    {
        lock (_gate)
            _current = bytes;
    }

    public void Add(long bytes)
    {
        lock (_gate)
        {
            _current += bytes;
            _sampledBytes += bytes;
        }

        Report(force: false);
    }

    /// <summary>The current file is complete.</summary>
    public void End()
    {
        lock (_gate)
        {
            _earlier += _current;
            _current = 0;
        }

        Report(force: true);
    }

    private void Report(bool force)
    {
        if (progress is null)
            return;
        ModelDownloadProgress report;
        lock (_gate)
        {
            long now = time.GetTimestamp();
            if (!force && _reportedAt is { } last && time.GetElapsedTime(last, now) < Frame)
                return;
            _reportedAt = now;
            if (time.GetElapsedTime(_sampledAt, now) is var elapsed && elapsed >= Sample)
            {
                double speed = _sampledBytes / elapsed.TotalSeconds;
                _speed = _speed == 0 ? speed : (Weight * speed) + ((1 - Weight) * _speed);
                (_sampledBytes, _sampledAt) = (0, now);
            }

            long bytes = _earlier + _current;
            report = new ModelDownloadProgress(_file, bytes, _total is { } total ? Math.Max(total, bytes) : null, _speed);
        }

        progress.Report(report);
    }
}
