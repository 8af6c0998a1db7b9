using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

internal static unsafe partial class NativeMethods
{
    [LibraryImport(Llama)]
    public static partial llama_model_quantize_params llama_model_quantize_default_params();

    /// <summary>0 where it went well; else <see cref="NativeLog"/> has llama.cpp's reason. Cannot be stopped.</summary>
    [LibraryImport(Llama, StringMarshalling = StringMarshalling.Utf8)]
    public static partial uint llama_model_quantize(string fname_inp, string fname_out, in llama_model_quantize_params @params);
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct llama_model_quantize_params
{
    public int nthread;
    public int ftype;
    public int output_tensor_type;
    public int token_embedding_type;
    public byte allow_requantize;
    public byte quantize_output_tensor;
    public byte only_copy;
    public byte pure;
    public byte keep_split;
    public byte dry_run;
    public void* imatrix;
    public llama_model_kv_override* kv_overrides;
    public void* tt_overrides;
    public int* prune_layers;
    public nuint max_buf_size;
}
