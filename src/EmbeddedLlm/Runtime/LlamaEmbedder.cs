using System.Diagnostics;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Runtime;

/// <summary>The real embedder: a llama.cpp context that pools. Owns the context.</summary>
internal sealed unsafe class LlamaEmbedder : IEmbedder
{
    private readonly ComputeContext _owned;
    private readonly ContextHandle _context;
    private readonly llama_memory_i* _memory;
    private readonly bool _isEncoder;
    private readonly StepAbort _abort;
    private readonly EmbedderThreads _threads;
    private int _usedThreads;
    private readonly NativeBatch _batch;

    /// <param name="context">The context; owned from here on.</param>
    /// <param name="plan">What it was made for.</param>
    /// <param name="isEncoder">Whether the model has no decoder.</param>
    /// <param name="vectorLength">The numbers that it gives for a sequence.</param>
    /// <param name="threads">Chooses the number of threads from batch to batch.</param>
    public LlamaEmbedder(ComputeContext context, EmbedderPlan plan, bool isEncoder, int vectorLength, EmbedderThreads threads)
    {
        _owned = context;
        _context = context.Handle;
        _memory = NativeMethods.llama_get_memory(_context);
        _isEncoder = isEncoder;
        _threads = threads;
        _abort = context.Abort;
        VectorLength = vectorLength;
        MaxSequences = (int)NativeMethods.llama_n_seq_max(_context);
        MaxTokens = plan.MaxTokens;
        PackedTokens = plan.PackedTokens;
        Merge = plan.Merge;
        Batch = new DecodeBatch((int)NativeMethods.llama_n_batch(_context));
        _batch = new NativeBatch(Batch);
    }

    public int VectorLength { get; }

    public int MaxSequences { get; }

    public int MaxTokens { get; }

    public int PackedTokens { get; }

    public PieceMerge? Merge { get; }

    public DecodeBatch Batch { get; }

    public DecodeResult Compute()
    {
        int threads = _threads.For(Batch.Count);
        if (threads != _usedThreads)
            NativeMethods.llama_set_n_threads(_context, _usedThreads = threads, threads);
        long startedAt = Stopwatch.GetTimestamp();
        int code = _isEncoder ? NativeMethods.llama_encode(_context, _batch.Filled) : NativeMethods.llama_decode(_context, _batch.Filled);
        if (code == 0)
            _threads.Observe(Batch.Count, startedAt, Stopwatch.GetTimestamp());
        // A request that came before counts for it: it must not be lost while the engine is being stopped.
        _abort.Reset();
        return LlamaDecoder.ResultOf(code);
    }

    public ReadOnlySpan<float> GetVector(int slot)
    {
        float* vector = NativeMethods.llama_get_embeddings_seq(_context, slot);
        return vector is null ? [] : new ReadOnlySpan<float>(vector, VectorLength);
    }

    public void Clear() => Clear(data: false);

    public void Wipe() => Clear(data: true);

    public void RequestAbort() => _abort.RequestNow();

    public void ForgetAbort() => _abort.Reset();

    public void Dispose() => _owned.Dispose();

    private void Clear(bool data)
    {
        if (_memory is not null)
            NativeMethods.llama_memory_clear(_memory, data);
    }
}
