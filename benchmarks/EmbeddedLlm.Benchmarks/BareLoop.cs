using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Benchmarks;

/// <summary>
/// The yardstick: <c>llama_decode</c> and argmax in a loop, for one or more sequences side by side, with nothing between. It uses the library's externs, so the native
/// code is the same, and the sizes of the context that the library made for the model.
/// </summary>
internal sealed unsafe class BareLoop : IDisposable
{
    private readonly ModelHandle _model;
    private readonly ContextHandle _context;
    private readonly ThreadpoolHandle? _threadpool;
    private readonly llama_memory_i* _memory;
    private readonly int _vocabularySize;
    private readonly int _capacity;
    private readonly int[] _excluded;

    // Pinned for their whole life, so that the native batch points into them once and for all.
    private readonly int[] _tokens;
    private readonly int[] _positions;
    private readonly int[] _sequences;
    private readonly sbyte[] _wantsLogits;
    private readonly int[] _ones;
    private readonly nint[] _sequencePointers;
    private llama_batch _batch;

    private readonly int[] _next;
    private readonly int[] _lengths;
    private readonly int[] _logitsAt;
    private int _sequenceCount;

    /// <param name="path">The model's file.</param>
    /// <param name="settings">The sizes of the context.</param>
    /// <param name="excluded">Tokens that are never chosen, so that a generation does not end early.</param>
    public BareLoop(string path, in BareSettings settings, int[] excluded)
    {
        NativeLibraryLoader.Load();
        _model = Load(path, settings);
        _context = _model.IsInvalid ? throw new InvalidOperationException($"'{path}' could not be loaded.") : ContextHandle.Create(_model, ContextParameters(settings));
        if (_context.IsInvalid)
            throw new InvalidOperationException($"No context of {settings.CacheLength} tokens could be made for '{path}'.");

        _threadpool = settings.Poll is { } poll ? AttachThreadpool(settings.Threads, poll) : null;
        _memory = NativeMethods.llama_get_memory(_context);
        _vocabularySize = NativeMethods.llama_vocab_n_tokens(NativeMethods.llama_model_get_vocab(_model));
        _capacity = (int)NativeMethods.llama_n_batch(_context);
        _excluded = excluded;
        _next = new int[settings.Sequences];
        _lengths = new int[settings.Sequences];
        _logitsAt = new int[settings.Sequences];
        _logitsAt.AsSpan().Fill(-1);

        _tokens = GC.AllocateArray<int>(_capacity, pinned: true);
        _positions = GC.AllocateArray<int>(_capacity, pinned: true);
        _sequences = GC.AllocateArray<int>(_capacity, pinned: true);
        _wantsLogits = GC.AllocateArray<sbyte>(_capacity, pinned: true);
        _ones = GC.AllocateArray<int>(_capacity, pinned: true);
        _sequencePointers = GC.AllocateArray<nint>(_capacity, pinned: true);
        Array.Fill(_ones, 1);
        for (int i = 0; i < _capacity; i++)
            _sequencePointers[i] = (nint)(Address(_sequences) + i);
        _batch = new llama_batch
        {
            token = Address(_tokens),
            pos = Address(_positions),
            n_seq_id = Address(_ones),
            seq_id = (int**)Address(_sequencePointers),
            logits = Address(_wantsLogits),
        };
    }

    /// <summary>The token chosen last for a sequence.</summary>
    public int Next(int sequence) => _next[sequence];

    /// <summary>The logits behind the token chosen last, of one sequence; valid until the next computation.</summary>
    public ReadOnlySpan<float> Logits => new(NativeMethods.llama_get_logits_ith(_context, -1), _vocabularySize);

    /// <summary>Forgets everything, computes the prompts, one a sequence, and chooses the first token of each.</summary>
    public void Prefill(params ReadOnlySpan<int[]> prompts)
    {
        NativeMethods.llama_memory_clear(_memory, data: false);
        _sequenceCount = prompts.Length;
        for (int sequence = 0; sequence < prompts.Length; sequence++)
        {
            int[] prompt = prompts[sequence];
            _lengths[sequence] = prompt.Length;
            for (int position = 0; position < prompt.Length; position++)
            {
                if (_batch.n_tokens == _capacity)
                    Compute();
                bool isLast = position == prompt.Length - 1;
                if (isLast)
                    _logitsAt[sequence] = _batch.n_tokens;
                Add(prompt[position], position, sequence, wantsLogits: isLast);
            }
        }

        Compute();
    }

    /// <summary>Goes on with the first sequence where it had so many tokens: forgets the others, and computes those that follow.</summary>
    public void Continue(int length, ReadOnlySpan<int> tokens)
    {
        if (!NativeMethods.llama_memory_seq_rm(_memory, seq_id: 0, length, p1: -1))
            throw new InvalidOperationException("The model's memory cannot be cut.");
        _sequenceCount = 1;
        for (int i = 0; i < tokens.Length; i++)
        {
            if (_batch.n_tokens == _capacity)
                Compute();
            bool isLast = i == tokens.Length - 1;
            if (isLast)
                _logitsAt[0] = _batch.n_tokens;
            Add(tokens[i], length + i, sequence: 0, wantsLogits: isLast);
        }

        _lengths[0] = length + tokens.Length;
        Compute();
    }

    /// <summary>One more token for each sequence.</summary>
    public void Decode()
    {
        for (int sequence = 0; sequence < _sequenceCount; sequence++)
        {
            _logitsAt[sequence] = sequence;
            Add(_next[sequence], _lengths[sequence]++, sequence, wantsLogits: true);
        }

        Compute();
    }

    public void Dispose()
    {
        if (_threadpool is not null)
        {
            NativeMethods.llama_detach_threadpool(_context);
            _threadpool.Dispose();
        }

        _context.Dispose();
        _model.Dispose();
    }

    private static ModelHandle Load(string path, in BareSettings settings)
    {
        llama_model_params parameters = NativeMethods.llama_model_default_params();
        parameters.load_mode = NativeMethods.llama_supports_mmap() ? llama_load_mode.MMAP : llama_load_mode.NONE;
        // As the library has it.
        parameters.use_extra_bufts = new ModelMemory(GgufFile.OpenParts(path)).AllowsRearranging(CpuBuffers.ListExtra().Contains(AmxLayout.BufferName)) ? (byte)1 : (byte)0;
        if (settings.Gpus is not { } gpus)
            return ModelHandle.Load(path, parameters);

        parameters.n_gpu_layers = gpus.Count == 0 ? 0 : -1;
        nint[] ended = [.. gpus.Select(gpu => gpu.Handle), 0];
        fixed (nint* devices = ended)
        {
            parameters.devices = (ggml_backend_device**)devices;
            return ModelHandle.Load(path, parameters);
        }
    }

    private static llama_context_params ContextParameters(in BareSettings settings)
    {
        llama_context_params parameters = NativeMethods.llama_context_default_params();
        parameters.n_ctx = (uint)settings.CacheLength;
        parameters.n_batch = parameters.n_ubatch = (uint)settings.BatchSize;
        parameters.n_seq_max = parameters.n_outputs_max = (uint)settings.Sequences;
        parameters.n_threads = parameters.n_threads_batch = settings.Threads;
        parameters.flash_attn_type = settings.FlashAttention;
        parameters.type_k = parameters.type_v = ContextPlan.NativeType(settings.KvType);
        parameters.kv_unified = settings.Sequences > 1 ? (byte)1 : (byte)0;
        parameters.no_perf = 1;
        return parameters;
    }

    private ThreadpoolHandle AttachThreadpool(int threads, int poll)
    {
        NativeMethods.ggml_threadpool_params_init(out ggml_threadpool_params parameters, threads);
        parameters.poll = (uint)poll;
        ThreadpoolHandle threadpool = ThreadpoolHandle.TryCreate(ref parameters) ?? throw new InvalidOperationException("The CPU backend gives no threadpool.");
        NativeMethods.llama_attach_threadpool(_context, threadpool, threadpool);
        return threadpool;
    }

    private static T* Address<T>(T[] pinned) where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));

    private void Add(int token, int position, int sequence, bool wantsLogits)
    {
        int index = _batch.n_tokens++;
        _tokens[index] = token;
        _positions[index] = position;
        _sequences[index] = sequence;
        _wantsLogits[index] = wantsLogits ? (sbyte)1 : (sbyte)0;
    }

    private void Compute()
    {
        int code = NativeMethods.llama_decode(_context, _batch);
        if (code != 0)
            throw new InvalidOperationException($"llama_decode of {_batch.n_tokens} tokens gave {code}.");
        _batch.n_tokens = 0;
        for (int sequence = 0; sequence < _sequenceCount; sequence++)
        {
            if (_logitsAt[sequence] >= 0)
                _next[sequence] = Choose(_logitsAt[sequence]);
            _logitsAt[sequence] = -1;
        }
    }

    private int Choose(int batchIndex)
    {
        Span<float> logits = new(NativeMethods.llama_get_logits_ith(_context, batchIndex), _vocabularySize);
        foreach (int token in _excluded)
            logits[token] = float.NegativeInfinity;
        return Argmax.Of(logits);
    }
}

/// <summary>The sizes of a bare context.</summary>
/// <param name="CacheLength">The KV cache's size in tokens.</param>
/// <param name="BatchSize">The most tokens in one <c>llama_decode</c>.</param>
/// <param name="Sequences">The most sequences side by side.</param>
/// <param name="Threads">The CPU threads that compute.</param>
/// <param name="Poll">
/// How long these spin for the next decode before they sleep, from 0 to 100; null to let llama.cpp make new threads for every decode, as it does where no threadpool is attached.
/// </param>
internal readonly record struct BareSettings(int CacheLength, int BatchSize, int Sequences, int Threads, int? Poll)
{
    /// <summary>The GPUs that hold all layers, none for the CPU; null for those that llama.cpp chooses.</summary>
    public IReadOnlyList<BackendDevice>? Gpus { get; init; }

    /// <summary>The type of keys and values.</summary>
    public KvCacheType KvType { get; init; }

    /// <summary>Which kernel computes attention.</summary>
    public llama_flash_attn_type FlashAttention { get; init; } = llama_flash_attn_type.AUTO;
}
