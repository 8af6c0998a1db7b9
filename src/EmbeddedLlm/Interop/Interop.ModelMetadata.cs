using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

// All three string readers return the value's length in bytes, or -1 where there is none, and write at most buf_size - 1 bytes and a 0.
internal static unsafe partial class NativeMethods
{
    [LibraryImport(Llama)]
    public static partial int llama_model_meta_count(ModelHandle model);

    [LibraryImport(Llama, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int llama_model_meta_val_str(ModelHandle model, string key, Span<byte> buf, nuint buf_size);

    [LibraryImport(Llama)]
    public static partial int llama_model_meta_key_by_index(ModelHandle model, int i, Span<byte> buf, nuint buf_size);

    [LibraryImport(Llama)]
    public static partial int llama_model_meta_val_str_by_index(ModelHandle model, int i, Span<byte> buf, nuint buf_size);
}
