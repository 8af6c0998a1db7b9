namespace EmbeddedLlm.Catalog;

/// <summary>
/// Counts the bytes of all files of one model and reports them, several times a second at most. What a report was too early for comes a moment later, so that the last one before a silence is true.
/// Thread-safe; after its disposal nothing is reported.
/// </summary>
internal sealed class DownloadMeter : IDisposable
{
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Sample = TimeSpan.FromMilliseconds(500);

    private const double Weight = 0.3;

    private readonly IProgress<ModelDownloadProgress>? _progress;
    private readonly TimeProvider _time;
    private readonly ITimer? _late;
    private readonly Lock _gate = new();
    private string _file = "";
    private long _earlier;
    private long _current;
    private long? _total;
    private long _sampledBytes;
    private long _sampledAt;
    private long? _reportedAt;
    private double _speed;
    private bool _isLate;
    private bool _isOneFile;
    private bool _isDisposed;

    public DownloadMeter(IProgress<ModelDownloadProgress>? progress, TimeProvider time)
    {
        (_progress, _time, _sampledAt) = (progress, time, time.GetTimestamp());
        if (progress is not null)
            _late = time.CreateTimer(static meter => ((DownloadMeter)meter!).ReportLate(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How many bytes all files have.</summary>
    public void SetTotal(long bytes)
    {
        lock (_gate)
            _total = bytes;
    }

    /// <summary>The files that are to come. Where nobody has said yet how many bytes one of them has, the total is not known.</summary>
    public void SetTotal(IReadOnlyList<DownloadItem> items)
    {
        Int128 sum = 0;
        foreach (DownloadItem item in items)
            sum += item.Size ?? 0;
        lock (_gate)
        {
            _total = items.All(item => item.Size is not null) ? (long)Int128.Min(sum, long.MaxValue) : null;
            _isOneFile = items.Count == 1;
        }
    }

    /// <summary>The server says how many bytes the current file has.</summary>
    public void SetSize(long bytes)
    {
        lock (_gate)
        {
            if (_isOneFile)
                _total = bytes;
        }
    }

    /// <summary>A file begins, of which some bytes are there.</summary>
    public void Begin(string file, long bytes)
    {
        lock (_gate)
        {
            _file = file;
            _current = bytes;
            _sampledBytes = 0;
            _sampledAt = _time.GetTimestamp();
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

    public void Dispose()
    {
        lock (_gate)
            _isDisposed = true;
        _late?.Dispose();
    }

    // What a report throws belongs to nobody on the timer's thread, and would end the process.
    private void ReportLate()
    {
        try
        {
            Report(force: true);
        }
        catch (Exception)
        {
            // The next report on the download's own way tells of it.
        }
    }

    private void Report(bool force)
    {
        if (_progress is null)
            return;
        ModelDownloadProgress report;
        lock (_gate)
        {
            if (_isDisposed)
                return;
            long now = _time.GetTimestamp();
            if (!force && _reportedAt is { } last && _time.GetElapsedTime(last, now) < Frame)
            {
                if (!_isLate)
                    _isLate = _late!.Change(Frame, Timeout.InfiniteTimeSpan);
                return;
            }

            _isLate = false;
            _reportedAt = now;
            if (_time.GetElapsedTime(_sampledAt, now) is var elapsed && elapsed >= Sample)
            {
                double speed = _sampledBytes / elapsed.TotalSeconds;
                _speed = _speed == 0 ? speed : (Weight * speed) + ((1 - Weight) * _speed);
                (_sampledBytes, _sampledAt) = (0, now);
            }

            long bytes = _earlier + _current;
            report = new ModelDownloadProgress(_file, bytes, _total is { } total ? Math.Max(total, bytes) : null, _speed);
        }

        _progress.Report(report);
    }
}
