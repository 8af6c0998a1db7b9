namespace EmbeddedLlm.Scheduling;

/// <summary>The inputs of one caller on their way to vectors. Belongs to the engine thread but for its end, which may come from any.</summary>
internal sealed class EmbeddingJob
{
    private readonly int[][] _inputs;
    private readonly float[][] _vectors;
    private readonly TaskCompletionSource<float[][]> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenRegistration _cancellation;

    /// <param name="inputs">Each input's tokens, at least one of each; not copied.</param>
    /// <param name="interrupted">Called, on any thread, after the caller's cancellation has ended the job.</param>
    /// <param name="cancellationToken">The caller's.</param>
    public EmbeddingJob(int[][] inputs, Action<EmbeddingJob> interrupted, CancellationToken cancellationToken)
    {
        _inputs = inputs;
        _vectors = new float[inputs.Length][];
        _cancellation = cancellationToken.UnsafeRegister(
            (_, token) =>
            {
                if (_completion.TrySetCanceled(token))
                    interrupted(this);
            },
            state: null);
    }

    public Task<float[][]> Completion => _completion.Task;

    public bool IsEnded => _completion.Task.IsCompleted;

    /// <summary>The input that is computed next; null where all are computed or about to be.</summary>
    public int[]? Next => PlannedCount < _inputs.Length ? _inputs[PlannedCount] : null;

    /// <summary>How many inputs have their vectors, or are about to in the running step.</summary>
    public int PlannedCount { get; private set; }

    /// <summary>How many inputs, the first ones, have their vectors.</summary>
    public int DoneCount { get; private set; }

    public void Plan() => PlannedCount++;

    /// <summary>Takes the vector of the first input that has none.</summary>
    public void Accept(float[] vector)
    {
        _vectors[DoneCount++] = vector;
        if (DoneCount < _vectors.Length)
            return;
        Release();
        _completion.TrySetResult(_vectors);
    }

    /// <summary>Plans again what a step did not compute.</summary>
    public void Undo() => PlannedCount = DoneCount;

    /// <returns>Whether it had not ended before.</returns>
    public bool Fail(Exception exception)
    {
        Release();
        return _completion.TrySetException(exception);
    }

    /// <summary>Lets go of the caller's cancellation token.</summary>
    public void Release() => _cancellation.Unregister();
}
