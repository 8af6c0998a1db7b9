using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>An embedder whose vector of an input, or a piece of one, is its first token, its last, the mean of its tokens, and their number.</summary>
internal sealed class FakeEmbedder(int packedTokens = 8, int maxTokens = 8, int maxSequences = 4, PieceMerge? merge = null) : IEmbedder
{
    private readonly Dictionary<int, List<int>> _inputs = [];
    private int _abortRequests;
    private bool _isPoisoned;
    private bool _isAbortRequested;

    public int VectorLength => 4;

    public int MaxSequences => maxSequences;

    public int MaxTokens => maxTokens;

    public int PackedTokens => packedTokens;

    public PieceMerge? Merge => merge;

    public DecodeBatch Batch { get; } = new(merge is null ? Math.Max(packedTokens, maxTokens) : packedTokens);

    public int AbortRequests => Volatile.Read(ref _abortRequests);

    public bool IsDisposed { get; private set; }

    /// <summary>Called in each batch with its number, from 1; says how it ends.</summary>
    public Func<int, DecodeResult>? OnCompute { get; set; }

    /// <summary>Whether a request to abort ends the batch that runs, or the next one, rather than what <see cref="OnCompute"/> says.</summary>
    public bool HeedsAborts { get; init; }

    /// <summary>Called with the number of each batch that is computed, as the last thing of it.</summary>
    public Action<int> OnComputed { get; set; } = _ => { };

    /// <summary>Called before each batch, and where there is none to compute.</summary>
    public Action OnClear { get; set; } = () => { };

    /// <summary>Ends with the disposal.</summary>
    public TaskCompletionSource Disposed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The token after which all vectors are NaN, whosever, until the memory is wiped; null for none.</summary>
    public int? Poison { get; init; }

    /// <summary>The first tokens of the inputs of each batch that was computed.</summary>
    public List<int[]> Batches { get; } = [];

    public static float[] VectorOf(params int[] tokens) => [tokens[0], tokens[^1], (float)tokens.Average(), tokens.Length];

    public DecodeResult Compute()
    {
        DecodeResult result = OnCompute?.Invoke(Batches.Count + 1) ?? DecodeResult.Done;
        _inputs.Clear();
        _isPoisoned |= Poison is { } poison && Batch.Tokens.AsSpan(0, Batch.Count).Contains(poison);
        for (int i = 0; i < Batch.Count; i++)
        {
            Assert.Equal(1, Batch.WantsLogits[i]);
            if (!_inputs.TryGetValue(Batch.Slots[i], out List<int>? tokens))
                _inputs.Add(Batch.Slots[i], tokens = []);
            tokens.Add(Batch.Tokens[i]);
        }

        Batches.Add([.. _inputs.Values.Select(tokens => tokens[0])]);
        if (HeedsAborts && Interlocked.Exchange(ref _isAbortRequested, false))
            result = DecodeResult.Aborted;
        OnComputed(Batches.Count);
        return result;
    }

    public ReadOnlySpan<float> GetVector(int slot) => _inputs.TryGetValue(slot, out List<int>? tokens) ? _isPoisoned ? [float.NaN, 0, 0, 0] : VectorOf([.. tokens]) : [];

    public void Clear() => OnClear();

    public void Wipe() => _isPoisoned = false;

    public void RequestAbort()
    {
        Interlocked.Increment(ref _abortRequests);
        Volatile.Write(ref _isAbortRequested, true);
    }

    public void ForgetAbort() => Volatile.Write(ref _isAbortRequested, false);

    public void Dispose()
    {
        IsDisposed = true;
        Disposed.TrySetResult();
    }
}
