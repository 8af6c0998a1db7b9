using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

// The getters by token are called once per vocabulary entry at load. They read one field, never block and never call back, so the GC
// transition is left out; the token must be in range, since the check inside would throw a C++ exception.
internal static unsafe partial class NativeMethods
{
    [LibraryImport(Llama)]
    public static partial llama_vocab_type llama_vocab_type(llama_vocab* vocab);

    [LibraryImport(Llama)]
    public static partial int llama_vocab_n_tokens(llama_vocab* vocab);

    /// <summary>The token as the vocabulary spells it, 0-terminated, owned by the model.</summary>
    [LibraryImport(Llama), SuppressGCTransition]
    public static partial byte* llama_vocab_get_text(llama_vocab* vocab, int token);

    [LibraryImport(Llama), SuppressGCTransition]
    public static partial float llama_vocab_get_score(llama_vocab* vocab, int token);

    [LibraryImport(Llama), SuppressGCTransition]
    public static partial llama_token_attr llama_vocab_get_attr(llama_vocab* vocab, int token);

    [LibraryImport(Llama), SuppressGCTransition]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool llama_vocab_is_eog(llama_vocab* vocab, int token);

    [LibraryImport(Llama), SuppressGCTransition]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool llama_vocab_is_control(llama_vocab* vocab, int token);

    [LibraryImport(Llama)]
    public static partial int llama_vocab_bos(llama_vocab* vocab);

    [LibraryImport(Llama)]
    public static partial int llama_vocab_eos(llama_vocab* vocab);

    [LibraryImport(Llama)]
    public static partial int llama_vocab_eot(llama_vocab* vocab);

    [LibraryImport(Llama)]
    public static partial int llama_vocab_sep(llama_vocab* vocab);

    [LibraryImport(Llama)]
    public static partial int llama_vocab_nl(llama_vocab* vocab);

    [LibraryImport(Llama)]
    public static partial int llama_vocab_pad(llama_vocab* vocab);

    [LibraryImport(Llama)]
    public static partial int llama_vocab_mask(llama_vocab* vocab);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool llama_vocab_get_add_bos(llama_vocab* vocab);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool llama_vocab_get_add_eos(llama_vocab* vocab);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool llama_vocab_get_add_sep(llama_vocab* vocab);

    /// <summary>Tokens that the model's file asks never to generate; owned by the model.</summary>
    [LibraryImport(Llama)]
    public static partial int* llama_vocab_get_suppress_tokens(llama_vocab* vocab, out int n_suppress_tokens);

    [LibraryImport(Llama)]
    public static partial int llama_vocab_fim_pre(llama_vocab* vocab);

    [LibraryImport(Llama)]
    public static partial int llama_vocab_fim_suf(llama_vocab* vocab);

    [LibraryImport(Llama)]
    public static partial int llama_vocab_fim_mid(llama_vocab* vocab);

    [LibraryImport(Llama)]
    public static partial int llama_vocab_fim_pad(llama_vocab* vocab);

    [LibraryImport(Llama)]
    public static partial int llama_vocab_fim_rep(llama_vocab* vocab);

    [LibraryImport(Llama)]
    public static partial int llama_vocab_fim_sep(llama_vocab* vocab);
}
