using System.Diagnostics;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Runtime;

/// <summary>The real decoder: a llama.cpp context. Owns the context and its adapters.</summary>
internal sealed unsafe class LlamaDecoder : IDecoder
{
    private readonly ComputeContext _owned;
    private readonly ContextHandle _context;
    private readonly llama_memory_i* _memory;
    private readonly StepAbort _abort;
    private readonly CellSharing _sharing;
    private readonly ThreadGovernor? _governor;
    private readonly NativeBatch _batch;
    private readonly LoadedAdapters? _adapters;
    private bool _hasNewAdapters;

    /// <param name="context">The context; owned from here on.</param>
    /// <param name="vocabularySize">The number of logits in a row.</param>
    /// <param name="sharing">What the model's memory allows.</param>
    /// <param name="governor">Chooses the number of threads from step to step; null where it is fixed.</param>
    /// <param name="adapters">The adapters that sets refer to; owned from here on. Null for none.</param>
    public LlamaDecoder(ComputeContext context, int vocabularySize, CellSharing sharing, ThreadGovernor? governor, LoadedAdapters? adapters = null)
    {
        _owned = context;
        _context = context.Handle;
        _abort = context.Abort;
        _adapters = adapters;
        _memory = NativeMethods.llama_get_memory(_context);
        _sharing = sharing;
        _governor = governor;
        VocabularySize = vocabularySize;
        MaxSequences = (int)NativeMethods.llama_n_seq_max(_context);
        CellCount = (int)NativeMethods.llama_n_ctx(_context);
        Batch = new DecodeBatch((int)NativeMethods.llama_n_batch(_context));

        _batch = new NativeBatch(Batch);
    }

    public int VocabularySize { get; }

    public int MaxSequences { get; }

    public bool HasCellPerToken => _sharing.HasCellPerToken;

    public bool NeedsCheckpoints => _sharing.IsPossible && (!_sharing.HasCellPerToken || _sharing.Window > 0);

    public int CellCount { get; }

    public DecodeBatch Batch { get; }

    public void UseAdapters(AdapterSet adapters)
    {
        if (_adapters is null)
            throw new InvalidOperationException($"The model was loaded without adapters, and {adapters} are to be used.");
        _adapters.Use(_context, adapters);
        _hasNewAdapters = true;
    }

    public DecodeResult Decode()
    {
        long startedAt = Stopwatch.GetTimestamp();
        // With new adapters llama.cpp first measures out its memory anew, which tells nothing of how long a step takes.
        ThreadGovernor? governor = _hasNewAdapters ? null : _governor;
        // What is given up can be taken up again where memory can be cut.
        _abort.SetDeadline(HasCellPerToken ? governor?.DeadlineOf(Batch.Count, startedAt) : null);
        int code = NativeMethods.llama_decode(_context, _batch.Filled);
        // A request that came before the decode counts for it: it must not be lost while the engine is being stopped.
        bool wasRequested = _abort.Reset();
        _hasNewAdapters = false;
        DecodeResult result = ResultOf(code);
        if (governor is not null && HasNewThreads(governor, result, wasRequested, startedAt))
            NativeMethods.llama_set_n_threads(_context, governor.Threads, governor.Threads);
        return result;
    }

    public ReadOnlySpan<float> GetLogits(int batchIndex)
    {
        float* logits = NativeMethods.llama_get_logits_ith(_context, batchIndex);
        return logits is null ? [] : new ReadOnlySpan<float>(logits, VocabularySize);
    }

    public bool RemoveCells(int slot, int fromPosition) => NativeMethods.llama_memory_seq_rm(_memory, slot, fromPosition, -1);

    public void Wipe() => NativeMethods.llama_memory_clear(_memory, data: true);

    /// <remarks>
    /// A whole sequence can always go on, and so can a copy of it. For a part of it the smallest position that is still there says what has been forgotten: recurrent states
    /// know their last position only, and a sliding window's cells are overwritten once they lie before it.
    /// </remarks>
    public bool CanShare(int slot, int count)
    {
        if (!_sharing.IsPossible)
            return false;
        if (NativeMethods.llama_memory_seq_pos_max(_memory, slot) == count - 1)
            return true;
        return NativeMethods.llama_memory_seq_pos_min(_memory, slot) <= Math.Max(0, count - Math.Max(_sharing.Window, 1));
    }

    public void CopyCells(int from, int to, int count)
    {
        // Memories without a cell per token copy nothing but whole sequences, and some insist on being asked for just that.
        bool isWhole = NativeMethods.llama_memory_seq_pos_max(_memory, from) == count - 1;
        NativeMethods.llama_memory_seq_cp(_memory, from, to, 0, isWhole ? -1 : count);
    }

    public long GetStateSize(int slot) => checked((long)NativeMethods.llama_state_seq_get_size(_context, slot));

    public bool TryGetState(int slot, Span<byte> state) => NativeMethods.llama_state_seq_get_data(_context, state, (nuint)state.Length, slot) == (nuint)state.Length;

    public bool TrySetState(int slot, int count, ReadOnlySpan<byte> state)
    {
        if (NativeMethods.llama_state_seq_set_data(_context, state, (nuint)state.Length, slot) == (nuint)state.Length
            && NativeMethods.llama_memory_seq_pos_max(_memory, slot) == count - 1
            && GetStateSize(slot) == state.Length)
            return true;
        NativeMethods.llama_memory_seq_rm(_memory, slot, 0, -1);
        return false;
    }

    /// <summary>What llama_decode and llama_encode return.</summary>
    public static DecodeResult ResultOf(int code) => code switch
    {
        0 => DecodeResult.Done,
        1 => DecodeResult.NoCells,
        2 => DecodeResult.Aborted,
        _ => DecodeResult.Failed,
    };

    public void RequestAbort() => _abort.RequestNow();

    public void ForgetAbort() => _abort.Reset();

    public void Dispose()
    {
        // The context points to its adapters to the end.
        _owned.Dispose();
        _adapters?.Dispose();
    }

    private bool HasNewThreads(ThreadGovernor governor, DecodeResult result, bool wasRequested, long startedAt) => result switch
    {
        DecodeResult.Done => governor.Observe(Batch.Count, startedAt, Stopwatch.GetTimestamp()),
        DecodeResult.Aborted when !wasRequested => governor.ObserveGivenUp(Stopwatch.GetTimestamp()),
        _ => false,
    };
}

/// <summary>What a model's memory allows sequences to share.</summary>
/// <param name="IsPossible">Whether anything can be shared.</param>
/// <param name="HasCellPerToken">Whether each token has a cell of its own, so that beginnings can be shared without the rest.</param>
/// <param name="Window">How many of the last tokens attention looks at in some layers; 0 where it looks at all everywhere.</param>
internal readonly record struct CellSharing(bool IsPossible, bool HasCellPerToken, int Window);
