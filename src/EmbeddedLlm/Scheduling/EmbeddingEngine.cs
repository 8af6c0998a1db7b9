using Microsoft.Extensions.Logging;

namespace EmbeddedLlm.Scheduling;

/// <summary>
/// The thread that owns an embedder. Inputs of all callers share its batches, and callers take turns, so that a few inputs do not wait for somebody's thousands. Thread-safe; disposal
/// ends all jobs with <see cref="ObjectDisposedException"/>, waits for the thread and disposes the embedder.
/// </summary>
/// <remarks>
/// A step is Plan, Compute, Commit. Nothing of a batch is needed after it: the next one begins with empty cells. A vector with a number that is none may be so because of another input's numbers, in its batch or in
/// cells that are forgotten, so it is computed once more, alone and in a wiped memory; what it is then is its own.
/// </remarks>
internal sealed partial class EmbeddingEngine : IAsyncDisposable, IDisposable
{
    private readonly IEmbedder _embedder;
    private readonly int _queueCapacity;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();

    // In the order in which they get their turn to begin a batch.
    private readonly List<EmbeddingJob> _jobs = [];
    private readonly List<EmbeddingJob> _planned = [];

    // The planned input of each of them.
    private readonly List<int[]> _inputs = [];
    private readonly ManualResetEventSlim _wake = new(false);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private volatile bool _isStopping;
    private volatile bool _endsWhenIdle;
    private bool _isClosed;

    /// <summary>The job that has the running batch for itself; its cancellation aborts it. Looked at under the gate.</summary>
    private EmbeddingJob? _only;

    /// <param name="embedder">The model; owned from here on, used by the engine's thread alone.</param>
    /// <param name="queueCapacity">How many jobs may wait beside the one that is computed.</param>
    /// <param name="logger">Gets failures of steps.</param>
    public EmbeddingEngine(IEmbedder embedder, int queueCapacity, ILogger logger)
    {
        _embedder = embedder;
        _queueCapacity = queueCapacity;
        _logger = logger;
        _thread = new Thread(Run) { IsBackground = true, Name = "EmbeddedLlm embedding" };
        // Without the context of the first caller, which the thread would keep alive.
        _thread.UnsafeStart();
    }

    /// <inheritdoc cref="IEmbedder.VectorLength"/>
    public int VectorLength => _embedder.VectorLength;

    /// <inheritdoc cref="IEmbedder.MaxTokens"/>
    public int MaxTokens => _embedder.MaxTokens;

    /// <summary>Enqueues inputs and returns at once.</summary>
    /// <param name="inputs">Each input's tokens: at least one, at most <see cref="MaxTokens"/>.</param>
    /// <param name="cancellationToken">Ends the job; the rest of it is not computed.</param>
    /// <returns>A vector for each input, [<see cref="VectorLength"/>], in their order, as the model gives it.</returns>
    /// <exception cref="QueueFullException">Too many jobs wait.</exception>
    /// <exception cref="ObjectDisposedException">The engine is stopped.</exception>
    public Task<float[][]> Submit(int[][] inputs, CancellationToken cancellationToken)
    {
        foreach (int[] input in inputs)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(input.Length, 1, nameof(inputs));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(input.Length, MaxTokens, nameof(inputs));
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (inputs.Length == 0)
            return Task.FromResult<float[][]>([]);
        EmbeddingJob job = new(inputs, Interrupted, cancellationToken);
        try
        {
            Enqueue(job);
        }
        catch
        {
            job.Release();
            throw;
        }

        _wake.Set();
        return job.Completion;
    }

    /// <summary>Refuses further jobs, and ends when those there are have ended, in whatever way.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        Task[] rest;
        lock (_gate)
        {
            _isClosed = true;
            rest = [.. _jobs.Select(EndOfAsync)];
        }

        await Task.WhenAll(rest).WaitAsync(cancellationToken).ConfigureAwait(false);

        // Never fails: who gives up the wait would leave a failure that nobody looks at.
        static async Task EndOfAsync(EmbeddingJob job) => await ((Task)job.Completion).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <inheritdoc cref="Engine.EndWhenIdle"/>
    public void EndWhenIdle()
    {
        lock (_gate)
            _isClosed = true;
        _endsWhenIdle = true;
        _wake.Set();
    }

    /// <summary>Stops the thread, aborting a running batch where the device can. May be called more than once, from any thread.</summary>
    public ValueTask DisposeAsync()
    {
        Stop();
        return new ValueTask(_ended.Task);
    }

    /// <summary>The same as <see cref="DisposeAsync"/>, for owners that can only wait: at most for the rest of a batch that cannot be aborted. On the engine's own thread, as by a logger, it waits for nothing.</summary>
    public void Dispose()
    {
        Stop();
        if (Thread.CurrentThread != _thread)
            _thread.Join();
    }

    private void Enqueue(EmbeddingJob job)
    {
        lock (_gate)
        {
            if (_isClosed)
                throw new ObjectDisposedException(objectName: null, "The model has been disposed, or is about to be.");
            if (_jobs.Count > _queueCapacity)
                _jobs.RemoveAll(other => other.IsEnded);
            if (_jobs.Count > _queueCapacity)
                throw new QueueFullException(_queueCapacity, running: 1);
            _jobs.Add(job);
        }
    }

    private void Stop()
    {
        _isStopping = true;
        _embedder.RequestAbort();
        _wake.Set();
    }

    private void Run()
    {
        while (!_isStopping)
        {
            bool goesOn;
            try
            {
                goesOn = Step();
            }
            catch (Exception exception)
            {
                // A defect of ours: it must cost the jobs at hand, not the process. Where there are none the same would happen again at once.
                Report(exception);
                goesOn = FailPlanned(new DecodeException("The embedding engine failed in a step.", exception));
            }

            if (goesOn)
                continue;
            if (_endsWhenIdle)
                break;

            // Reset before the next look at the jobs, so that none is missed that comes in between.
            _wake.Wait();
            _wake.Reset();
        }

        EmbeddingJob[] rest;
        lock (_gate)
        {
            _isClosed = true;
            rest = [.. _jobs];
            _jobs.Clear();
        }

        foreach (EmbeddingJob job in rest)
            job.Fail(new ObjectDisposedException(objectName: null, "The model was disposed while it computed embeddings."));
        _embedder.Dispose();
        _ended.SetResult();
    }

    private bool Step()
    {
        if (!Plan())
            return false;
        try
        {
            ComputePlanned();
        }
        finally
        {
            SetOnly(null);
            // An owner that stops the engine asks as well, and has said so elsewhere before.
            _embedder.ForgetAbort();
        }

        return true;
    }

    /// <summary>
    /// Fills the batch with inputs, one of each job after the other, from the job on whose turn it is. An input that is longer than a batch has it for itself: then the batch is left empty where
    /// the input comes in pieces.
    /// </summary>
    private bool Plan()
    {
        _planned.Clear();
        _inputs.Clear();
        _embedder.Clear();
        _embedder.Batch.Clear();
        lock (_gate)
        {
            _jobs.RemoveAll(job => job.IsEnded);
            bool isFull = false;
            for (bool hasMore = true; hasMore && !isFull;)
            {
                hasMore = false;
                foreach (EmbeddingJob job in _jobs)
                {
                    if (job.Next is not { } input || (_planned.Count > 0 && !Fits(input)))
                        continue;
                    hasMore = true;
                    job.Plan();
                    _planned.Add(job);
                    _inputs.Add(input);
                    isFull = input.Length > _embedder.PackedTokens;
                    if (input.Length <= _embedder.Batch.Capacity)
                        _embedder.Batch.AddWithAllLogits(_planned.Count - 1, input, firstPosition: 0);
                    if (isFull)
                        break;
                }
            }

            if (_jobs.Count > 1)
            {
                EmbeddingJob first = _jobs[0];
                _jobs.RemoveAt(0);
                _jobs.Add(first);
            }
        }

        if (_planned.Count == 0)
            return false;
        SetOnly(_planned.TrueForAll(job => job == _planned[0]) ? _planned[0] : null);
        return true;
    }

    private void SetOnly(EmbeddingJob? job)
    {
        lock (_gate)
            _only = job;
    }

    private bool Fits(int[] input) => _planned.Count < _embedder.MaxSequences && _embedder.Batch.Count + input.Length <= _embedder.PackedTokens;

    /// <summary>Ends the jobs of the running step, or all where it did not come so far as to choose some.</summary>
    /// <returns>Whether there was one that had not ended.</returns>
    private bool FailPlanned(Exception exception)
    {
        if (_planned.Count == 0)
        {
            lock (_gate)
                _planned.AddRange(_jobs);
        }

        bool isAnyEnded = false;
        foreach (EmbeddingJob job in _planned)
            isAnyEnded |= job.Fail(exception);
        return isAnyEnded;
    }

    /// <summary>A job has ended from outside, on any thread.</summary>
    private void Interrupted(EmbeddingJob job)
    {
        lock (_gate)
        {
            if (_only == job)
                _embedder.RequestAbort();
        }

        _wake.Set();
    }

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

    [LoggerMessage(Level = LogLevel.Error, Message = "A step of the embedding engine failed; the jobs in it were ended.")]
    private partial void LogStepFailed(Exception exception);
}
