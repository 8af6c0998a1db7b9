using System.Runtime.ExceptionServices;
using System.Text;
using System.Threading.Tasks.Sources;

namespace EmbeddedLlm.Scheduling;

/// <summary>
/// The way from the engine to one caller: the engine appends UTF-8, the caller waits and takes all there is as one string, so a slow caller gets larger pieces instead of a
/// longer queue, and one who wants the whole answer is woken once. One writer, one reader; nothing is allocated per token but when the buffer grows.
/// </summary>
internal sealed class GenerationStream : IValueTaskSource<bool>, IThreadPoolWorkItem
{
    private readonly Lock _gate = new();

    // What waits for it runs where its result is set: on a worker thread.
    private ManualResetValueTaskSourceCore<bool> _wait;
    private byte[] _text = new byte[64];
    private int _textLength;
    private List<GeneratedToken>? _tokens;

    // From the call that waits until its result is taken: the source of the result is used again only then.
    private bool _isWaiting;
    private bool _isWaking;
    private bool _isComplete;

    // Whether the reader waits for the end, and not for the next text.
    private bool _wantsAll;

    // Between the end and the moment the reader may know of it.
    private bool _isSealed;
    private GenerationSummary _summary;
    private ExceptionDispatchInfo? _failure;

    /// <summary>A stream that has ended without any text.</summary>
    public static GenerationStream CompleteAtOnce(in GenerationSummary summary)
    {
        GenerationStream stream = new();
        stream.TryComplete(summary);
        return stream;
    }

    /// <summary>What may end the generation from outside; null where nothing is generated.</summary>
    public Interruption? Interruption { get; set; }

    /// <summary>The figures; valid once <see cref="WaitToReadAsync"/> has returned false, or <see cref="WaitForAllAsync"/> at all.</summary>
    public GenerationSummary Summary => _summary;

    /// <summary>Whether the generation ended, well or not.</summary>
    public bool IsComplete
    {
        get
        {
            lock (_gate)
                return _isComplete;
        }
    }

    /// <summary>Appends whole characters. Nothing happens after the end.</summary>
    /// <param name="utf8">The characters.</param>
    /// <param name="tokens">The tokens that they complete, taken out of the list. Those of no text come with the next text, or at the end.</param>
    /// <param name="wakesReader">Whether a reader who waits hears of them now; otherwise with the next text that does, the end, or <see cref="WakeReader"/>.</param>
    public void Append(ReadOnlySpan<byte> utf8, List<GeneratedToken>? tokens = null, bool wakesReader = true)
    {
        if (utf8.IsEmpty && tokens is not { Count: > 0 })
            return;
        lock (_gate)
        {
            if (_isComplete)
                return;
            if (tokens is { Count: > 0 })
            {
                (_tokens ??= []).AddRange(tokens);
                tokens.Clear();
                if (utf8.IsEmpty)
                    return;
            }

            if (_textLength + utf8.Length > _text.Length)
                Array.Resize(ref _text, Math.Max(_text.Length * 2, _textLength + utf8.Length));
            utf8.CopyTo(_text.AsSpan(_textLength));
            _textLength += utf8.Length;
            if (!wakesReader || _wantsAll || !TakeWaiter())
                return;
        }

        WorkerThreads.Shared.Post(this);
    }

    /// <summary>Lets a reader who waits know of text that was appended without.</summary>
    public void WakeReader()
    {
        lock (_gate)
        {
            if (_textLength == 0 || _wantsAll || _isComplete || !TakeWaiter())
                return;
        }

        WorkerThreads.Shared.Post(this);
    }

    /// <summary>Ends the stream; false where it has ended before.</summary>
    public bool TryComplete(in GenerationSummary summary)
    {
        if (!TrySeal(summary))
            return false;
        Open();
        return true;
    }

    /// <summary>Ends the stream, but lets the reader know only when it is opened, so that what the end means for others can be settled before; false where it has ended before.</summary>
    public bool TrySeal(in GenerationSummary summary)
    {
        lock (_gate)
        {
            if (_isComplete)
                return false;
            _isComplete = _isSealed = true;
            _summary = summary;
            return true;
        }
    }

    /// <summary>Ends the stream with an error. Text that was not read yet is dropped.</summary>
    /// <inheritdoc cref="TrySeal(in GenerationSummary)"/>
    public bool TrySeal(Exception exception)
    {
        lock (_gate)
        {
            if (_isComplete)
                return false;
            _isComplete = _isSealed = true;
            _textLength = 0;
            _tokens = null;
            _failure = ExceptionDispatchInfo.Capture(exception);
            return true;
        }
    }

    /// <summary>Lets the reader know of the end. By who has sealed the stream.</summary>
    public void Open()
    {
        lock (_gate)
        {
            _isSealed = false;
            if (!TakeWaiter())
                return;
        }

        WorkerThreads.Shared.Post(this);
    }

    /// <summary>Ends the generation for a reader who wants no more of it, as a cancellation does. Nothing happens after the end.</summary>
    public void Abandon() => Interruption?.Abandon();

    /// <summary>Waits for text: true when there is some, false at the end; throws what the generation failed with.</summary>
    /// <exception cref="InvalidOperationException">An earlier wait has not ended.</exception>
    public ValueTask<bool> WaitToReadAsync() => WaitAsync(wantsAll: false);

    /// <summary>Waits for the end: true when there is text that was not read yet; throws what the generation failed with.</summary>
    /// <inheritdoc cref="WaitToReadAsync"/>
    public ValueTask<bool> WaitForAllAsync() => WaitAsync(wantsAll: true);

    private ValueTask<bool> WaitAsync(bool wantsAll)
    {
        lock (_gate)
        {
            if (_isWaiting)
                throw new InvalidOperationException("A generation has one reader.");
            _wantsAll = wantsAll;
            bool isOver = _isComplete && !_isSealed;
            if (_textLength > 0 && (isOver || !wantsAll))
                return new ValueTask<bool>(true);
            if (isOver)
                return _failure is null ? new ValueTask<bool>(false) : ValueTask.FromException<bool>(_failure.SourceException);
            _isWaiting = true;
            _isWaking = false;
            _wait.Reset();
            return new ValueTask<bool>(this, _wait.Version);
        }
    }

    /// <summary>Takes all text that is there, perhaps none.</summary>
    public string ReadText()
    {
        lock (_gate)
        {
            string text = Encoding.UTF8.GetString(_text.AsSpan(0, _textLength));
            _textLength = 0;
            return text;
        }
    }

    /// <summary>Takes all text that is there, perhaps none, and the tokens that belong to it.</summary>
    public string ReadText(out IReadOnlyList<GeneratedToken> tokens)
    {
        lock (_gate)
        {
            tokens = _tokens ?? (IReadOnlyList<GeneratedToken>)[];
            _tokens = null;
            return ReadText();
        }
    }

    /// <summary>Wakes the reader with what there is by now.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        bool hasText;
        lock (_gate)
        {
            hasText = _textLength > 0;
            // The text has gone with a failure of which the reader hears when it is opened.
            if (_isSealed && !hasText)
            {
                _isWaking = false;
                return;
            }
        }

        if (_failure is { } failure)
            _wait.SetException(failure.SourceException);
        else
            _wait.SetResult(hasText);
    }

    bool IValueTaskSource<bool>.GetResult(short token)
    {
        if (_wait.GetStatus(token) != ValueTaskSourceStatus.Pending)
        {
            lock (_gate)
                _isWaiting = false;
        }

        return _wait.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    private bool TakeWaiter()
    {
        if (!_isWaiting || _isWaking)
            return false;
        _isWaking = true;
        return true;
    }
}
