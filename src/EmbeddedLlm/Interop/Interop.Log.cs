using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

// All process-wide and not thread-safe: NativeLog alone calls them, once.
internal static unsafe partial class NativeMethods
{
    /// <summary>Sets ggml's callback as well.</summary>
    [LibraryImport(Llama)]
    public static partial void llama_log_set(delegate* unmanaged[Cdecl]<ggml_log_level, byte*, void*, void> log_callback, void* user_data);

    /// <summary>The callback gets the last message before the process ends; it cannot stop that.</summary>
    [LibraryImport(GgmlBase)]
    public static partial void* ggml_set_abort_callback(delegate* unmanaged[Cdecl]<byte*, void> callback);
}
