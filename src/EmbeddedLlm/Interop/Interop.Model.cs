using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

internal static unsafe partial class NativeMethods
{
    [LibraryImport(Llama)]
    public static partial llama_model_params llama_model_default_params();

    [LibraryImport(Llama, StringMarshalling = StringMarshalling.Utf8)]
    public static partial ModelHandle llama_model_load_from_file(string path_model, llama_model_params @params);

    [LibraryImport(Llama)]
    public static partial ModelHandle llama_model_load_from_splits(byte** paths, nuint n_paths, llama_model_params @params);

    [LibraryImport(Llama)]
    public static partial void llama_model_free(nint model);

    [LibraryImport(Llama)]
    public static partial llama_vocab* llama_model_get_vocab(ModelHandle model);

    [LibraryImport(Llama)]
    public static partial llama_rope_type llama_model_rope_type(ModelHandle model);

    [LibraryImport(Llama)]
    public static partial int llama_model_n_ctx_train(ModelHandle model);

    [LibraryImport(Llama)]
    public static partial int llama_model_n_embd(ModelHandle model);

    [LibraryImport(Llama)]
    public static partial int llama_model_n_embd_inp(ModelHandle model);

    [LibraryImport(Llama)]
    public static partial int llama_model_n_embd_out(ModelHandle model);

    [LibraryImport(Llama)]
    public static partial int llama_model_n_layer(ModelHandle model);

    [LibraryImport(Llama)]
    public static partial int llama_model_n_head(ModelHandle model);

    [LibraryImport(Llama)]
    public static partial int llama_model_n_head_kv(ModelHandle model);

    [LibraryImport(Llama)]
    public static partial int llama_model_n_swa(ModelHandle model);

    [LibraryImport(Llama)]
    public static partial float llama_model_rope_freq_scale_train(ModelHandle model);

    [LibraryImport(Llama)]
    public static partial uint llama_model_n_cls_out(ModelHandle model);

    [LibraryImport(Llama)]
    public static partial byte* llama_model_cls_label(ModelHandle model, uint i);

    /// <summary>The length of the description, which is cut to <paramref name="buf_size"/> − 1 bytes.</summary>
    [LibraryImport(Llama)]
    public static partial int llama_model_desc(ModelHandle model, Span<byte> buf, nuint buf_size);

    /// <summary>The bytes of all tensors together.</summary>
    [LibraryImport(Llama)]
    public static partial ulong llama_model_size(ModelHandle model);

    [LibraryImport(Llama)]
    public static partial ulong llama_model_n_params(ModelHandle model);

    /// <summary>UTF-8, owned by the model; null where it has no such template. A null name means the default one.</summary>
    [LibraryImport(Llama, StringMarshalling = StringMarshalling.Utf8)]
    public static partial byte* llama_model_chat_template(ModelHandle model, string? name);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool llama_model_has_encoder(ModelHandle model);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool llama_model_has_decoder(ModelHandle model);

    [LibraryImport(Llama)]
    public static partial int llama_model_decoder_start_token(ModelHandle model);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool llama_model_is_recurrent(ModelHandle model);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool llama_model_is_hybrid(ModelHandle model);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool llama_model_is_diffusion(ModelHandle model);
}
