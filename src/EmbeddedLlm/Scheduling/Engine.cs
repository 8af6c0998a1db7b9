using System.Diagnostics;
using EmbeddedLlm.Tokens;
using Microsoft.Extensions.Logging;

namespace EmbeddedLlm.Scheduling;

/// <summary>
/// The thread that owns a decoder and steps its scheduler. Thread-safe; disposal ends all requests with <see cref="ObjectDisposedException"/>, waits for the thread and disposes the decoder.
/// </summary>
internal sealed partial class Engine : IAsyncDisposable, IDisposable
{
    private readonly IDecoder _decoder;
    private readonly Scheduler _scheduler;
    private readonly ILogger _logger;
    private readonly DraftModel? _draftModel;
    private readonly ManualResetEventSlim _wake = new(false);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isStopping;
    private volatile bool _isDraining;
    private volatile bool _endsWhenIdle;

    /// <summary>What has ended the engine for good; null where its owner has, or nothing yet.</summary>
    private volatile Exception? _defect;

    /// <param name="decoder">The model; owned from here on, used by the engine's thread alone.</param>
    /// <param name="vocabulary">Its tokens.</param>
    /// <param name="limits">How much it takes on at once.</param>
    /// <param name="logger">Gets failures of steps.</param>
    /// <param name="modelId">The model's id in metrics.</param>
    /// <param name="draftModel">Guesses next tokens; owned from here on, as the decoder is.</param>
    public Engine(IDecoder decoder, Vocabulary vocabulary, SchedulerLimits limits, ILogger logger, string modelId = "", DraftModel? draftModel = null)
    {
        _decoder = decoder;
        _logger = logger;
        _draftModel = draftModel;
        _scheduler = new Scheduler(decoder, vocabulary, limits, () => _wake.Set(), modelId: modelId, draftModel: draftModel, awaitWake: AwaitWake);
        _thread = new Thread(Run) { IsBackground = true, Name = "EmbeddedLlm engine" };
        // Without the context of whoever loads, often one request of many: the thread would keep all that is in it alive, and log in its name.
        _thread.UnsafeStart();
    }

    /// <inheritdoc cref="Scheduler.ContextLength"/>
    public int ContextLength => _scheduler.ContextLength;

    /// <inheritdoc cref="Scheduler.KeepsCheckpoints"/>
    public bool KeepsCheckpoints => _scheduler.KeepsCheckpoints;

    /// <summary>What the thread steps; to be looked at from elsewhere only once the engine is drained.</summary>
    internal Scheduler Scheduler => _scheduler;

    /// <inheritdoc cref="Scheduler.Submit"/>
    public GenerationStream Submit(GenerationRequest request, CancellationToken cancellationToken) => _scheduler.Submit(request, cancellationToken);

    /// <summary>What the engine does and has done. Any thread, also after disposal.</summary>
    public EngineStatistics Statistics => _scheduler.Meter.Read();

    /// <summary>Refuses further requests, and ends when those there are have been answered. The engine is to be disposed afterwards.</summary>
    public Task DrainAsync(CancellationToken cancellationToken)
    {
        _scheduler.Refuse();
        _isDraining = true;
        _wake.Set();
        return _drained.Task.WaitAsync(cancellationToken);
    }

    /// <summary>
    /// Refuses further requests, and stops the thread and disposes the decoder when those there are have been answered. Waits for nothing and never throws: for an owner that was forgotten, whose finalizer calls it.
    /// </summary>
    public void EndWhenIdle()
    {
        _scheduler.Refuse();
        _endsWhenIdle = true;
        _wake.Set();
    }

    /// <summary>Stops the thread, aborting a running decode where the device can. May be called more than once, from any thread.</summary>
    public ValueTask DisposeAsync()
    {
        Stop();
        return new ValueTask(_ended.Task);
    }

    /// <summary>
    /// The same as <see cref="DisposeAsync"/>, for owners that can only wait: at most for the rest of a decode that cannot be aborted. Called on the engine's own thread, as by a listener of metrics or a logger, it
    /// waits for nothing, and the thread ends when it has returned.
    /// </summary>
    public void Dispose()
    {
        Stop();
        if (Thread.CurrentThread != _thread)
            _thread.Join();
    }

    private void Stop()
    {
        _isStopping = true;
        _decoder.RequestAbort();
        _draftModel?.RequestAbort();
        _wake.Set();
    }

    private void Run()
    {
        while (!_isStopping && _defect is null)
        {
            RunCalls();
            try
            {
                if (_scheduler.Step())
                    continue;
                _scheduler.CheckIntegrity();
            }
            catch (Exception exception)
            {
                Report(exception);
                if (!TryRecover(exception))
                    _defect = exception;
                // Those that wait have their turn now, and nobody else would wake the thread for them.
                continue;
            }

            // Whoever sees that the engine drains also sees that nothing is added any more.
            if (_isDraining && _scheduler.IsEmpty)
                _drained.TrySetResult();
            if (_endsWhenIdle && _scheduler.IsEmpty)
                break;

            // A step that waited for callers may have taken a call's wake, and have been left without work all the same.
            if (HasCalls)
                continue;
            // Reset before the next look at the queue, so that no request is missed that comes in between.
            _wake.Wait();
            _wake.Reset();
        }

        CloseCalls();
        _scheduler.Close(() => EndedWith("The model was disposed while it answered."));
        _decoder.Dispose();
        _draftModel?.Dispose();
        _drained.TrySetResult();
        _ended.SetResult();
    }

    /// <summary>Waits for less time than a thread can sleep. Whatever else the wake was for is seen after the step, and before the thread sleeps.</summary>
    private bool AwaitWake(TimeSpan most)
    {
        long begin = Stopwatch.GetTimestamp();
        SpinWait spin = default;
        while (!_wake.IsSet)
        {
            if (Stopwatch.GetElapsedTime(begin) >= most)
                return false;
            spin.SpinOnce(sleep1Threshold: -1);
        }

        _wake.Reset();
        return !_isStopping;
    }

    /// <summary>Ends the requests of a step that failed through a defect of ours: it must cost them, but neither the process nor those that wait.</summary>
    /// <returns>False where the same would happen again at once, or the books do not balance even now.</returns>
    private bool TryRecover(Exception exception)
    {
        try
        {
            bool isAnyEnded = _scheduler.EndAll(() => new DecodeException("The engine failed in a step.", exception)) > 0;
            _scheduler.CheckIntegrity();
            return isAnyEnded;
        }
        catch (Exception another)
        {
            Report(another);
            return false;
        }
    }

    /// <summary>What the engine's end means to those who are still there.</summary>
    private Exception EndedWith(string disposed) => _defect is null || _isStopping
        ? new ObjectDisposedException(objectName: null, disposed)
        : new DecodeException("The engine has failed for good; the model has to be loaded anew.", _defect);

    /// <summary>A logger that fails in its turn must not end the thread, on which all callers wait.</summary>
    private void Report(Exception exception)
    {
        try
        {
            LogStepFailed(exception);
        }
        catch (Exception)
        {
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A step of the engine failed; the requests in it were ended.")]
    private partial void LogStepFailed(Exception exception);
}
