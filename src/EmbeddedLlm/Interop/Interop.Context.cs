using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

internal static unsafe partial class NativeMethods
{
    [LibraryImport(Llama)]
    public static partial llama_context_params llama_context_default_params();

    [LibraryImport(Llama)]
    public static partial ContextHandle llama_init_from_model(ModelHandle model, llama_context_params @params);

    [LibraryImport(Llama)]
    public static partial void llama_free(nint ctx);

    [LibraryImport(Llama)]
    public static partial uint llama_n_ctx(ContextHandle ctx);

    [LibraryImport(Llama)]
    public static partial uint llama_n_ctx_seq(ContextHandle ctx);

    [LibraryImport(Llama)]
    public static partial uint llama_n_batch(ContextHandle ctx);

    [LibraryImport(Llama)]
    public static partial uint llama_n_ubatch(ContextHandle ctx);

    [LibraryImport(Llama)]
    public static partial uint llama_n_seq_max(ContextHandle ctx);

    [LibraryImport(Llama)]
    public static partial uint llama_n_rs_seq(ContextHandle ctx);

    [LibraryImport(Llama)]
    public static partial llama_memory_i* llama_get_memory(ContextHandle ctx);

    [LibraryImport(Llama)]
    public static partial llama_pooling_type llama_pooling_type(ContextHandle ctx);

    /// <summary>Between decodes only: threads for one token per sequence, and for prompts and batches.</summary>
    [LibraryImport(Llama)]
    public static partial void llama_set_n_threads(ContextHandle ctx, int n_threads, int n_threads_batch);

    [LibraryImport(Llama)]
    public static partial int llama_n_threads(ContextHandle ctx);

    [LibraryImport(Llama)]
    public static partial int llama_n_threads_batch(ContextHandle ctx);

    [LibraryImport(Llama)]
    public static partial void llama_set_embeddings(ContextHandle ctx, [MarshalAs(UnmanagedType.U1)] bool embeddings);

    [LibraryImport(Llama)]
    public static partial void llama_set_causal_attn(ContextHandle ctx, [MarshalAs(UnmanagedType.U1)] bool causal_attn);

    /// <summary>The callback runs between graph nodes on a compute thread and ends the running decode with code 2 by returning 1. CPU only.</summary>
    [LibraryImport(Llama)]
    public static partial void llama_set_abort_callback(
        ContextHandle ctx, delegate* unmanaged[Cdecl]<void*, byte> abort_callback, void* abort_callback_data);

    [LibraryImport(Llama)]
    public static partial nuint llama_max_devices();

    [LibraryImport(Llama)]
    public static partial nuint llama_max_parallel_sequences();

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool llama_supports_mmap();

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool llama_supports_mlock();

    [LibraryImport(Llama)]
    public static partial llama_perf_context_data llama_perf_context(ContextHandle ctx);

    [LibraryImport(Llama)]
    public static partial void llama_perf_context_reset(ContextHandle ctx);
}
