using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

// The bytes are llama.cpp's own and trusted by it: only state that this process saved may be set.
internal static unsafe partial class NativeMethods
{
    [LibraryImport(Llama)]
    public static partial nuint llama_state_get_size(ContextHandle ctx);

    [LibraryImport(Llama)]
    public static partial nuint llama_state_get_data(ContextHandle ctx, Span<byte> dst, nuint size);

    [LibraryImport(Llama)]
    public static partial nuint llama_state_set_data(ContextHandle ctx, ReadOnlySpan<byte> src, nuint size);

    [LibraryImport(Llama)]
    public static partial nuint llama_state_seq_get_size(ContextHandle ctx, int seq_id);

    /// <summary>The bytes written, 0 where they do not fit.</summary>
    [LibraryImport(Llama)]
    public static partial nuint llama_state_seq_get_data(ContextHandle ctx, Span<byte> dst, nuint size, int seq_id);

    /// <summary>The bytes read, 0 on failure.</summary>
    [LibraryImport(Llama)]
    public static partial nuint llama_state_seq_set_data(ContextHandle ctx, ReadOnlySpan<byte> src, nuint size, int dest_seq_id);

    [LibraryImport(Llama)]
    public static partial nuint llama_state_seq_get_size_ext(ContextHandle ctx, int seq_id, llama_state_seq_flags flags);

    [LibraryImport(Llama)]
    public static partial nuint llama_state_seq_get_data_ext(
        ContextHandle ctx, Span<byte> dst, nuint size, int seq_id, llama_state_seq_flags flags);

    [LibraryImport(Llama)]
    public static partial nuint llama_state_seq_set_data_ext(
        ContextHandle ctx, ReadOnlySpan<byte> src, nuint size, int dest_seq_id, llama_state_seq_flags flags);
}
