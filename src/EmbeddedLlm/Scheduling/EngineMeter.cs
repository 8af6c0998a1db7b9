using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace EmbeddedLlm.Scheduling;

/// <summary>
/// Counts what one engine does: as metrics for whoever listens, and as <see cref="EngineStatistics"/> for whoever asks. Events come from the engine's thread but for <see cref="Failed"/>, which any
/// thread may call, and so may ask. Nothing is allocated for an event, metrics that nobody listens to cost a look at a flag, and no event throws, whatever listeners do.
/// </summary>
internal sealed class EngineMeter
{
    private readonly EngineInstruments _instruments = EngineInstruments.Shared;
    private readonly StatisticsBoard _board = new();
    private readonly TagList _tags;
    private readonly Func<int> _waiting;
    private EngineStatistics _current;
    private long _failed;

    /// <param name="modelId">The model's id, a tag of all measurements.</param>
    /// <param name="waiting">How many requests wait; called on any thread.</param>
    /// <param name="cellCount">The KV cache's size.</param>
    public EngineMeter(string modelId, Func<int> waiting, int cellCount)
    {
        _tags = new TagList { { "gen_ai.operation.name", "chat" }, { "gen_ai.provider.name", "embeddedllm" }, { "gen_ai.request.model", modelId } };
        _waiting = waiting;
        _current = new EngineStatistics { CellCount = cellCount };
        _board.Publish(_current);
        _instruments.Add(this);
    }

    /// <summary>The model's tags.</summary>
    public ref readonly TagList Tags => ref _tags;

    /// <summary>The figures of the last step's end. Any thread.</summary>
    public EngineStatistics Read() => _board.Read() with { Waiting = _waiting(), Failed = Interlocked.Read(ref _failed) };

    /// <summary>A step, or a look whether there is one to do, has ended.</summary>
    public void Stepped(bool hasComputed, int running, int usedCells, int cachedCells)
    {
        _current = _current with { Steps = _current.Steps + (hasComputed ? 1 : 0), Running = running, UsedCells = usedCells, CachedCells = cachedCells };
        _board.Publish(_current);
    }

    /// <summary>A request's prompt begins to be computed, for the first time.</summary>
    public void Started(int promptTokens, int cachedTokens)
    {
        _current = _current with { PromptTokens = _current.PromptTokens + promptTokens, CachedPromptTokens = _current.CachedPromptTokens + cachedTokens };
        Add(_instruments.PromptTokens, promptTokens, _tags);
        Add(_instruments.CachedPromptTokens, cachedTokens, _tags);
    }

    /// <summary>A step has given a request tokens.</summary>
    /// <param name="sequence">The request.</param>
    /// <param name="count">How many.</param>
    /// <param name="isComputed">Whether the prompt's computation has come so far; what a grammar forces ahead of it tells nothing of how quick the model is.</param>
    public void Generated(Sequence sequence, int count, bool isComputed)
    {
        if (count == 0)
            return;
        _current = _current with { GeneratedTokens = _current.GeneratedTokens + count };
        Add(_instruments.GeneratedTokens, count, _tags);
        if (!isComputed || (!_instruments.TimeToFirstToken.Enabled && !_instruments.InterTokenLatency.Enabled))
            return;
        long now = Stopwatch.GetTimestamp();
        if (sequence.LastTokenAt == 0)
            Record(_instruments.TimeToFirstToken, Stopwatch.GetElapsedTime(sequence.SubmittedAt, now).TotalSeconds);
        else
            Record(_instruments.InterTokenLatency, Stopwatch.GetElapsedTime(sequence.LastTokenAt, now).TotalSeconds);
        sequence.LastTokenAt = now;
    }

    /// <summary>A request lost its place in the KV cache.</summary>
    public void Preempted()
    {
        _current = _current with { Preemptions = _current.Preemptions + 1 };
        Add(_instruments.Preemptions, 1, _tags);
    }

    /// <summary>A request was answered.</summary>
    public void Completed(in GenerationSummary summary)
    {
        _current = _current with
        {
            Completed = _current.Completed + 1,
            DraftedTokens = _current.DraftedTokens + summary.DraftedTokens,
            AcceptedTokens = _current.AcceptedTokens + summary.AcceptedTokens,
        };
        Add(_instruments.DraftedTokens, summary.DraftedTokens, _tags);
        Add(_instruments.AcceptedTokens, summary.AcceptedTokens, _tags);
        Record(_instruments.RequestDuration, (summary.QueueTime + summary.PrefillTime + summary.DecodeTime).TotalSeconds);
        if (summary.OutputTokens > 1)
            Record(_instruments.TimePerOutputToken, summary.DecodeTime.TotalSeconds / (summary.OutputTokens - 1));
    }

    /// <summary>A request ended with an exception, or was refused with one. Any thread.</summary>
    public void Failed(Exception exception)
    {
        Interlocked.Increment(ref _failed);
        if (!_instruments.Failures.Enabled)
            return;
        TagList tags = _tags;
        tags.Add("error.type", exception.GetType().FullName);
        Add(_instruments.Failures, 1, tags);
    }

    /// <summary>Is not seen by observers any more.</summary>
    public void Close() => _instruments.Remove(this);

    /// <summary>
    /// Listeners are called right here, on the engine's thread or a timer's. What one of them throws must cost neither the requests of a step nor, where nothing above catches it, the process: the measurement is
    /// lost to those listeners that come after.
    /// </summary>
    private static void Add(Counter<long> counter, long count, in TagList tags)
    {
        try
        {
            counter.Add(count, tags);
        }
        catch (Exception)
        {
        }
    }

    /// <inheritdoc cref="Add"/>
    private void Record(Histogram<double> histogram, double seconds)
    {
        try
        {
            histogram.Record(seconds, _tags);
        }
        catch (Exception)
        {
        }
    }
}
