using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

// Thread-safe. A negative result is the size that would have been needed, negated.
internal static unsafe partial class NativeMethods
{
    /// <summary>The count of tokens. <see cref="int.MinValue"/>: more than an int counts.</summary>
    [LibraryImport(Llama)]
    public static partial int llama_tokenize(
        llama_vocab* vocab,
        ReadOnlySpan<byte> text,
        int text_len,
        Span<int> tokens,
        int n_tokens_max,
        [MarshalAs(UnmanagedType.U1)] bool add_special,
        [MarshalAs(UnmanagedType.U1)] bool parse_special);

    /// <summary>The bytes of one token; no terminating 0. Up to <paramref name="lstrip"/> leading spaces are left out.</summary>
    [LibraryImport(Llama)]
    public static partial int llama_token_to_piece(
        llama_vocab* vocab, int token, Span<byte> buf, int length, int lstrip, [MarshalAs(UnmanagedType.U1)] bool special);

    [LibraryImport(Llama)]
    public static partial int llama_detokenize(
        llama_vocab* vocab,
        ReadOnlySpan<int> tokens,
        int n_tokens,
        Span<byte> text,
        int text_len_max,
        [MarshalAs(UnmanagedType.U1)] bool remove_special,
        [MarshalAs(UnmanagedType.U1)] bool unparse_special);
}
