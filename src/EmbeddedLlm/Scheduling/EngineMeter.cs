using System.Diagnostics;

namespace EmbeddedLlm.Scheduling;

/// <summary>
/// Counts what one engine does: as metrics for whoever listens, and as <see cref="EngineStatistics"/> for whoever asks. Events come from the engine's thread but for <see cref="Failed"/>, which any
/// thread may call, and so may ask. Nothing is allocated for an event, and metrics that nobody listens to cost a look at a flag.
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
        _instruments.PromptTokens.Add(promptTokens, _tags);
        _instruments.CachedPromptTokens.Add(cachedTokens, _tags);
    }

    /// <summary>A step has given a request tokens.</summary>
    /// <param name="sequence">The request.</param>
    /// <param name="count">How many.</param>
    public void Generated(Sequence sequence, int count)
    {
        if (count == 0)
            return;
        _current = _current with { GeneratedTokens = _current.GeneratedTokens + count };
        _instruments.GeneratedTokens.Add(count, _tags);
        if (!_instruments.TimeToFirstToken.Enabled && !_instruments.InterTokenLatency.Enabled)
            return;
        long now = Stopwatch.GetTimestamp();
        if (sequence.LastTokenAt == 0)
            _instruments.TimeToFirstToken.Record(Stopwatch.GetElapsedTime(sequence.SubmittedAt, now).TotalSeconds, _tags);
        else
            _instruments.InterTokenLatency.Record(Stopwatch.GetElapsedTime(sequence.LastTokenAt, now).TotalSeconds, _tags);
        sequence.LastTokenAt = now;
    }

    /// <summary>A request lost its place in the KV cache.</summary>
    public void Preempted()
    {
        _current = _current with { Preemptions = _current.Preemptions + 1 };
        _instruments.Preemptions.Add(1, _tags);
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
        _instruments.DraftedTokens.Add(summary.DraftedTokens, _tags);
        _instruments.AcceptedTokens.Add(summary.AcceptedTokens, _tags);
        _instruments.RequestDuration.Record((summary.QueueTime + summary.PrefillTime + summary.DecodeTime).TotalSeconds, _tags);
        if (summary.OutputTokens > 1)
            _instruments.TimePerOutputToken.Record(summary.DecodeTime.TotalSeconds / (summary.OutputTokens - 1), _tags);
    }

    /// <summary>A request ended with an exception, or was refused with one. Any thread.</summary>
    public void Failed(Exception exception)
    {
        Interlocked.Increment(ref _failed);
        if (!_instruments.Failures.Enabled)
            return;
        TagList tags = _tags;
        tags.Add("error.type", exception.GetType().FullName);
        _instruments.Failures.Add(1, tags);
    }

    /// <summary>Is not seen by observers any more.</summary>
    public void Close() => _instruments.Remove(this);
}
