namespace EmbeddedLlm.Scheduling;

/// <summary>What ends a sequence from outside: its caller's cancellation, its reader's leaving, or one of its time limits. The first to come wins. Thread-safe.</summary>
internal sealed class Interruption
{
    private readonly Sequence _sequence;
    private readonly Action<Sequence, Exception> _interrupted;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenRegistration _cancellation;
    private readonly ITimer? _firstToken;
    private readonly ITimer? _whole;

    /// <param name="sequence">What ends, and whose request has the time limits.</param>
    /// <param name="time">The clock.</param>
    /// <param name="interrupted">Called, on any thread, after the end and before the reader knows of it, with its reason.</param>
    /// <param name="cancellationToken">The caller's.</param>
    public Interruption(Sequence sequence, TimeProvider time, Action<Sequence, Exception> interrupted, CancellationToken cancellationToken)
    {
        _sequence = sequence;
        _interrupted = interrupted;
        _cancellationToken = cancellationToken;
        GenerationRequest request = sequence.Request;
        _firstToken = request.FirstTokenTimeout is { } first ? CreateTimer(first, $"The request had no first token within {first} ({nameof(request.FirstTokenTimeout)}).") : null;
        _whole = request.RequestTimeout is { } whole ? CreateTimer(whole, $"The request was not answered within {whole} ({nameof(request.RequestTimeout)}).") : null;
        _cancellation = cancellationToken.UnsafeRegister(static state => ((Interruption)state!).Cancel(), this);

        ITimer CreateTimer(TimeSpan limit, string message) =>
            time.CreateTimer(_ => Fail(new TimeoutException(message)), state: null, limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The first token is there, and so its limit is kept.</summary>
    public void EndFirstTokenLimit() => _firstToken?.Dispose();

    /// <summary>The reader wants no more: at the end of every answer, so nothing is made for one that is over.</summary>
    public void Abandon()
    {
        if (!_sequence.Output.IsComplete)
            Fail(new OperationCanceledException());
    }

    /// <summary>Lets nothing more come, and waits for nothing.</summary>
    public void Release()
    {
        _cancellation.Unregister();
        _firstToken?.Dispose();
        _whole?.Dispose();
    }

    private void Cancel() => Fail(new OperationCanceledException(_cancellationToken));

    private void Fail(Exception exception)
    {
        if (!_sequence.Output.TrySeal(exception))
            return;
        try
        {
            _interrupted(_sequence, exception);
        }
        finally
        {
            _sequence.Output.Open();
        }
    }
}
