using System.Text;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>One request of a simulation: what is asked, what happened to it, and whether it ended as it had to.</summary>
internal sealed class SimulatedRequest : IDisposable
{
    private readonly CancellationTokenSource _cancellation = new();
    private readonly StringBuilder _text = new();
    private GenerationStream? _stream;
    private GenerationSummary _summary;
    private Exception? _error;

    public required int Id { get; init; }

    public required string Prompt { get; init; }

    public required int MaxTokens { get; init; }

    /// <summary>Whether the model has no numbers after the prompt.</summary>
    public bool IsPoisoned => Prompt.Contains(SimulatedModel.Poison, StringComparison.Ordinal);

    /// <summary>Where copies of the prompt's state are kept on the way.</summary>
    public int[] Checkpoints { get; init; } = [];

    public string? Stop { get; init; }

    /// <summary>The number of the grammar that the answer is held to, or -1.</summary>
    public int Constraint { get; init; } = -1;

    public AdapterSet Adapters { get; init; } = AdapterSet.None;

    public int Priority { get; init; }

    public TimeSpan? FirstTokenTimeout { get; init; }

    public TimeSpan? RequestTimeout { get; init; }

    public TimeSpan SubmittedAt { get; init; }

    /// <summary>Whether the caller reads what there is after each step, or all of it at the end.</summary>
    public bool Streams { get; init; }

    /// <summary>How long the prompt of the turn before is, where this is a conversation's further turn.</summary>
    public int TurnBefore { get; init; }

    public GenerationStream Stream => _stream!;

    /// <summary>The scheduler's side of it, once it was admitted.</summary>
    public Sequence? Sequence { get; set; }

    public bool IsCancelled { get; private set; }

    /// <summary>Whether a decode failed that it was part of.</summary>
    public bool IsFailed { get; set; }

    /// <summary>The name of the time limit that it overran.</summary>
    public string? OverrunLimit { get; private set; }

    public string Text => _text.ToString();

    public GenerationSummary Summary => _summary;

    public bool IsAnswered => _error is null;

    public SimulatedState State => Sequence switch
    {
        null => SimulatedState.Queued,
        { Slot: < 0 } => SimulatedState.Preempted,
        { IsStarted: true, IsDecoding: true } => SimulatedState.Decoding,
        _ => SimulatedState.Prefilling,
    };

    public void Submit(Scheduler scheduler) => _stream = scheduler.Submit(
        new GenerationRequest
        {
            Prompt = [.. Encoding.UTF8.GetBytes(Prompt).Select(value => (int)value)],
            MaxOutputTokens = MaxTokens,
            StopStrings = Stop is null ? [] : [Encoding.UTF8.GetBytes(Stop)],
            Adapters = Adapters,
            Priority = Priority,
            FirstTokenTimeout = FirstTokenTimeout,
            RequestTimeout = RequestTimeout,
            Sampling = SamplingOptions.Greedy,
            Constraint = SimulatedModel.Constraint(Constraint),
            Checkpoints = Checkpoints,
        },
        _cancellation.Token);

    public void Cancel()
    {
        Assert.False(Stream.IsComplete);
        _cancellation.Cancel();
        IsCancelled = true;
        Assert.True(Stream.IsComplete, "A cancelled request has not ended.");
    }

    /// <summary>Which of its limits has come by now, if it has not ended before.</summary>
    public string? LimitAt(TimeSpan now)
    {
        TimeSpan first = FirstTokenTimeout is { } limit && Sequence is not { OutputCount: > 0 } ? SubmittedAt + limit : TimeSpan.MaxValue;
        TimeSpan whole = RequestTimeout is { } most ? SubmittedAt + most : TimeSpan.MaxValue;
        return first <= whole && first <= now ? nameof(FirstTokenTimeout) : whole <= now ? nameof(RequestTimeout) : null;
    }

    public void Overrun(string limit)
    {
        OverrunLimit = limit;
        Assert.True(Stream.IsComplete, $"A request is still there after its {limit}.");
    }

    public void Read() => _text.Append(Stream.ReadText());

    /// <summary>Takes the end of the answer, and holds it against what has happened.</summary>
    public void Finish(SimulatedAnswer expected, int contextLength)
    {
        _error = ReadToEnd();
        Type? error = IsCancelled ? typeof(OperationCanceledException)
            : OverrunLimit is not null ? typeof(TimeoutException)
            : IsFailed || IsPoisoned ? typeof(DecodeException)
            : null;
        Assert.True(_error?.GetType() == error, $"Ended with {_error?.ToString() ?? "an answer"} in place of {error?.Name ?? "one"}.");
        if (_error is OperationCanceledException canceled)
            Assert.Equal(_cancellation.Token, canceled.CancellationToken);
        if (OverrunLimit is not null)
            Assert.Contains(OverrunLimit, _error!.Message, StringComparison.Ordinal);
        if (_error is not null)
        {
            Assert.StartsWith(Text, expected.Text, StringComparison.Ordinal);
            return;
        }

        _summary = Stream.Summary;
        Assert.Equal(expected.Text, Text);
        Assert.Equal((expected.Tokens, expected.End, Prompt.Length), (Summary.OutputTokens, Summary.End, Summary.PromptTokens));
        // The last token is computed in any case, but where a grammar forces the answer's beginning that is not the prompt's.
        Assert.InRange(Summary.CachedTokens, 0, Prompt.Length - (Constraint < 0 ? 1 : 0));
        Assert.InRange(Summary.AcceptedTokens, 0, Summary.DraftedTokens);
        Assert.InRange(Prompt.Length + Summary.OutputTokens, 1, contextLength);
    }

    /// <summary>Nothing may have come after the end.</summary>
    public void CheckEndedOnce()
    {
        int length = _text.Length;
        Exception? again = ReadToEnd();
        Assert.Equal((length, _error), (_text.Length, again));
        if (IsAnswered)
            Assert.Equal(_summary, Stream.Summary);
    }

    public void Dispose() => _cancellation.Dispose();

    private Exception? ReadToEnd()
    {
        while (true)
        {
            Assert.True(Stream.IsComplete);
            Task<bool> wait = Stream.WaitToReadAsync().AsTask();
            Assert.True(wait.IsCompleted);
            if (wait.IsFaulted)
                return wait.Exception.InnerException;
            if (!wait.Result)
                return null;
            Read();
        }
    }
}

/// <summary>How far a request has come.</summary>
internal enum SimulatedState
{
    /// <summary>It was never admitted.</summary>
    Queued,

    /// <summary>Its prompt is being computed.</summary>
    Prefilling,

    /// <summary>Its answer is being computed.</summary>
    Decoding,

    /// <summary>It lost its cells and waits again.</summary>
    Preempted,
}
