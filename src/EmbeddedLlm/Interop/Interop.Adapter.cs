using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

internal static unsafe partial class NativeMethods
{
    [LibraryImport(Llama, StringMarshalling = StringMarshalling.Utf8)]
    public static partial AdapterHandle llama_adapter_lora_init(ModelHandle model, string path_lora);

    [LibraryImport(Llama)]
    public static partial void llama_adapter_lora_free(nint adapter);

    [LibraryImport(Llama, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int llama_adapter_meta_val_str(AdapterHandle adapter, string key, Span<byte> buf, nuint buf_size);

    [LibraryImport(Llama)]
    public static partial ulong llama_adapter_get_alora_n_invocation_tokens(AdapterHandle adapter);

    [LibraryImport(Llama)]
    public static partial int* llama_adapter_get_alora_invocation_tokens(AdapterHandle adapter);

    /// <summary>
    /// Replaces the adapters of the context; 0 on success. The context keeps the pointers: every adapter stays open until it is replaced or
    /// the context is freed. Between decodes only.
    /// </summary>
    [LibraryImport(Llama)]
    public static partial int llama_set_adapters_lora(ContextHandle ctx, ReadOnlySpan<nint> adapters, nuint n_adapters, ReadOnlySpan<float> scales);
}
