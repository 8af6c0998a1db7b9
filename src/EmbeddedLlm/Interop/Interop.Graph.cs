using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

internal static unsafe partial class NativeMethods
{
    /// <summary>Null where there is no memory.</summary>
    [LibraryImport(GgmlBase)]
    public static partial ggml_context* ggml_init(ggml_init_params @params);

    [LibraryImport(GgmlBase)]
    public static partial void ggml_free(ggml_context* ctx);

    [LibraryImport(GgmlBase)]
    public static partial ggml_tensor* ggml_new_tensor_3d(ggml_context* ctx, ggml_type type, long ne0, long ne1, long ne2);

    /// <summary>The queries are [tokens × heads], keys and values [cells × heads], each permuted so that the heads come last.</summary>
    [LibraryImport(GgmlBase)]
    public static partial ggml_tensor* ggml_flash_attn_ext(
        ggml_context* ctx, ggml_tensor* q, ggml_tensor* k, ggml_tensor* v, ggml_tensor* mask, float scale, float max_bias, float logit_softcap);

    [LibraryImport(GgmlBase)]
    public static partial void ggml_flash_attn_ext_add_sinks(ggml_tensor* a, ggml_tensor* sinks);

    /// <summary>An operation that a function of ours computes, on each of the threads that compute the graph: all of them for <see cref="CustomOperation.AllThreads"/>.</summary>
    [LibraryImport(GgmlBase)]
    public static partial ggml_tensor* ggml_custom_4d(
        ggml_context* ctx, ggml_type type, long ne0, long ne1, long ne2, long ne3, ggml_tensor** args, int n_args,
        delegate* unmanaged[Cdecl]<ggml_tensor*, int, int, void*, void> fun, int n_tasks, void* userdata);

    /// <summary>Whether the buffer's memory can be read and written by the CPU.</summary>
    [LibraryImport(GgmlBase)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool ggml_backend_buffer_is_host(nint buffer);
}
