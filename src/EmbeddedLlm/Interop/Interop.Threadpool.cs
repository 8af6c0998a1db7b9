using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

// ggml_threadpool_new and ggml_threadpool_free are in the CPU backend's own file: ThreadpoolHandle finds them there.
internal static unsafe partial class NativeMethods
{
    [LibraryImport(GgmlBase)]
    public static partial void ggml_threadpool_params_init(out ggml_threadpool_params p, int n_threads);

    [LibraryImport(Llama)]
    public static partial void llama_attach_threadpool(ContextHandle ctx, ThreadpoolHandle threadpool, ThreadpoolHandle threadpool_batch);

    [LibraryImport(Llama)]
    public static partial void llama_detach_threadpool(ContextHandle ctx);
}
