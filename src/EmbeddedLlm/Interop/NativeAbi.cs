using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

/// <summary>
/// Holds a library to the layouts in Structs.cs before any of them crosses the boundary: its version first, then the two large structs,
/// whose size and defaults its own functions write.
/// </summary>
internal static unsafe class NativeAbi
{
    /// <summary>Larger than any version of a struct is likely to grow, so that a foreign one cannot write past its end.</summary>
    private const int BufferSize = 1024;

    /// <summary>Null where the library has no such function: it is older than v0.4.0, or not llama.cpp.</summary>
    public static string? ReadVersion(nint llama) =>
        NativeLibrary.TryGetExport(llama, "llama_version", out nint function)
            ? Marshal.PtrToStringUTF8((nint)((delegate* unmanaged[Cdecl]<byte*>)function)())
            : null;

    /// <summary>v0.4 and v0.5 have been compared function by function and field by field; others may differ.</summary>
    public static bool IsSupportedVersion(string? version) =>
        version is not null && (version.StartsWith("0.4.", StringComparison.Ordinal) || version.StartsWith("0.5.", StringComparison.Ordinal));

    /// <summary>Null where the library can be used, else the reason why not.</summary>
    public static string? FindProblem(nint llama, string? version)
    {
        if (version is null)
            return "it does not say its version: it is older than llama.cpp v0.4.0 or not llama.cpp";
        if (!IsSupportedVersion(version))
            return $"it is llama.cpp {version}; this version of EmbeddedLlm works with v0.4 and v0.5";

        return FindProblem<llama_model_params>(llama, "llama_model_default_params", IsPlausible)
            ?? FindProblem<llama_context_params>(llama, "llama_context_default_params", IsPlausible);
    }

    /// <summary>As <see cref="FindProblem(nint, string?)"/>, for what only quantisation needs: a library may be fine for all else.</summary>
    public static string? FindQuantizationProblem(nint llama) =>
        FindProblem<llama_model_quantize_params>(llama, "llama_model_quantize_default_params", IsPlausible);

    internal static string? FindProblem<T>(nint llama, string name, Func<T, bool> isPlausible)
        where T : unmanaged
    {
        if (!NativeLibrary.TryGetExport(llama, name, out nint function))
            return $"it has no function {name}";

        Span<byte> written = stackalloc byte[BufferSize];
        int? size = CallIntoBuffer(function, written);
        if (size is { } bytes && bytes != sizeof(T))
            return $"its {typeof(T).Name} has {bytes} bytes where {sizeof(T)} were expected: it was built from other sources than its version says";
        return isPlausible(MemoryMarshal.Read<T>(written))
            ? null
            : $"the defaults in its {typeof(T).Name} are not the expected ones: it was built from other sources than its version says";
    }

    /// <summary>
    /// Lets the function write its struct into the buffer and says how large it is. On x64, System V and Windows alike, a struct of this
    /// size is returned through a pointer passed as the first argument, so the call can be spelled with the buffer as that argument, filled
    /// before with two different patterns: what both calls left unchanged was not written. On Arm64 the pointer travels in a register of
    /// its own (x8), which only a declared return value sets; there the runtime may hand over a copy, so the size stays unknown.
    /// </summary>
    private static int? CallIntoBuffer(nint function, Span<byte> buffer)
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            ReturnBuffer returned = ((delegate* unmanaged[Cdecl]<ReturnBuffer>)function)();
            new ReadOnlySpan<byte>(returned.bytes, BufferSize).CopyTo(buffer);
            return null;
        }

        return Math.Max(Measure(function, buffer, 0xA5), Measure(function, buffer, 0x5A));
    }

    private static int Measure(nint function, Span<byte> buffer, byte pattern)
    {
        buffer.Fill(pattern);
        fixed (byte* pointer = buffer)
            ((delegate* unmanaged[Cdecl]<byte*, byte*>)function)(pointer);

        // The structs align to 8 bytes, and their last fields' padding need not be written.
        int written = buffer.LastIndexOfAnyExcept(pattern) + 1;
        return (written + 7) & ~7;
    }

    private static bool IsPlausible(llama_model_params defaults) =>
        defaults.devices is null
        && defaults.tensor_buft_overrides is null
        && defaults.n_gpu_layers is >= -1 and <= 999
        && defaults.split_mode == llama_split_mode.LAYER
        && defaults.load_mode is >= llama_load_mode.AUTO and <= llama_load_mode.DIRECT_IO
        && defaults.lazy_mode is >= llama_lazy_mode.OFF and <= llama_lazy_mode.ON
        && defaults.main_gpu == 0
        && defaults.tensor_split is null
        && defaults.progress_callback is null
        && defaults.kv_overrides is null
        && defaults is { vocab_only: 0, check_tensors: 0, use_extra_bufts: 1, no_host: 0, no_alloc: 0, load_mtp: <= 1 };

    private static bool IsPlausible(llama_context_params defaults) =>
        defaults is
        {
            n_ctx: 512, n_batch: 2048, n_ubatch: 512, n_seq_max: 1, n_threads: > 0, n_threads_batch: > 0,
            rope_scaling_type: llama_rope_scaling_type.UNSPECIFIED,
            pooling_type: llama_pooling_type.UNSPECIFIED,
            attention_type: llama_attention_type.UNSPECIFIED,
            flash_attn_type: llama_flash_attn_type.AUTO,
            rope_freq_base: 0, yarn_ext_factor: -1, yarn_orig_ctx: 0,
            type_k: ggml_type.F16, type_v: ggml_type.F16,
            embeddings: 0, offload_kqv: 1, no_perf: <= 1, op_offload: <= 1, swa_full: <= 1, kv_unified: <= 1,
        }
        && defaults.cb_eval is null
        && defaults.abort_callback is null
        && defaults.samplers is null
        && defaults.n_samplers == 0
        && defaults.ctx_other is null;

    // ggml_type's count stands for none; it grows with llama.cpp.
    private static bool IsPlausible(llama_model_quantize_params defaults) =>
        defaults is
        {
            nthread: 0, ftype: (int)QuantizationType.Q8_0, output_tensor_type: > 30 and < 1000,
            allow_requantize: 0, quantize_output_tensor: 1, only_copy: 0, pure: 0, keep_split: 0, dry_run: 0,
        }
        && defaults.token_embedding_type == defaults.output_tensor_type
        && defaults.imatrix is null
        && defaults.kv_overrides is null
        && defaults.tt_overrides is null
        && defaults.prune_layers is null;

    private struct ReturnBuffer
    {
        public fixed byte bytes[BufferSize];
    }
}
