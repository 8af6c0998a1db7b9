using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

// Layouts of include/llama.h, llama.cpp v0.4.0 and v0.5.0. The order is the contract; NativeAbi holds them to what the loaded library
// writes. C's bool is one byte, 0 or 1.

/// <summary>Opaque; owned by its model, valid as long as that.</summary>
internal readonly struct llama_vocab;

/// <summary>Opaque; owned by its context, valid as long as that.</summary>
internal readonly struct llama_memory_i;

/// <summary>Opaque; a device of a loaded backend, valid as long as the process.</summary>
internal readonly struct ggml_backend_device;

/// <summary>Opaque; a loaded backend (its entry in the registry), valid as long as the process.</summary>
internal readonly struct ggml_backend_reg;

/// <summary>Opaque; a sampler that is not yet in a chain.</summary>
internal readonly struct llama_sampler;

/// <summary>What a device tells of itself; the strings are its own. The capabilities grow with ggml, so there is room for more than there are.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ggml_backend_dev_props
{
    public byte* name;
    public byte* description;
    public nuint memory_free;
    public nuint memory_total;
    public ggml_backend_dev_type type;
    public byte* device_id;
    public fixed byte caps[64];
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct llama_model_params
{
    public ggml_backend_device** devices;
    public void* tensor_buft_overrides;
    public int n_gpu_layers;
    public llama_split_mode split_mode;
    public llama_load_mode load_mode;
    public llama_lazy_mode lazy_mode;
    public int main_gpu;
    public float* tensor_split;
    public delegate* unmanaged[Cdecl]<float, void*, byte> progress_callback;
    public void* progress_callback_user_data;
    public llama_model_kv_override* kv_overrides;
    public byte vocab_only;
    public byte check_tensors;
    public byte use_extra_bufts;
    public byte no_host;
    public byte no_alloc;
    public byte load_mtp;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct llama_context_params
{
    public uint n_ctx;
    public uint n_batch;
    public uint n_ubatch;
    public uint n_seq_max;
    public uint n_rs_seq;
    public uint n_outputs_max;
    public uint n_outputs_max_per_seq;
    public int n_threads;
    public int n_threads_batch;
    public llama_context_type ctx_type;
    public llama_rope_scaling_type rope_scaling_type;
    public llama_pooling_type pooling_type;
    public llama_attention_type attention_type;
    public llama_flash_attn_type flash_attn_type;
    public float rope_freq_base;
    public float rope_freq_scale;
    public float yarn_ext_factor;
    public float yarn_attn_factor;
    public float yarn_beta_fast;
    public float yarn_beta_slow;
    public uint yarn_orig_ctx;
    public float defrag_thold;
    public void* cb_eval;
    public void* cb_eval_user_data;
    public ggml_type type_k;
    public ggml_type type_v;
    public delegate* unmanaged[Cdecl]<void*, byte> abort_callback;
    public void* abort_callback_data;
    public byte embeddings;
    public byte offload_kqv;
    public byte no_perf;
    public byte op_offload;
    public byte swa_full;
    public byte kv_unified;
    public void* samplers;
    public nuint n_samplers;
    public void* ctx_other;
}

/// <summary>One metadata entry to use in place of the file's; a list of them ends with one whose key is empty.</summary>
[StructLayout(LayoutKind.Explicit, Size = 264)]
internal unsafe struct llama_model_kv_override
{
    [FieldOffset(0)] public llama_model_kv_override_type tag;
    [FieldOffset(4)] public fixed byte key[128];
    [FieldOffset(136)] public long val_i64;
    [FieldOffset(136)] public double val_f64;
    [FieldOffset(136)] public byte val_bool;
    [FieldOffset(136)] public fixed byte val_str[128];
}

/// <summary>
/// The input of one decode; every array has <see cref="n_tokens"/> entries. Exactly one of <see cref="token"/> and <see cref="embd"/> is set.
/// <see cref="logits"/>[i] ≠ 0 asks for the output of token i.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct llama_batch
{
    public int n_tokens;
    public int* token;
    public float* embd;
    public int* pos;
    public int* n_seq_id;
    public int** seq_id;
    public sbyte* logits;
}

[StructLayout(LayoutKind.Sequential)]
internal struct llama_token_data
{
    public int id;
    public float logit;
    public float p;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct llama_token_data_array
{
    public llama_token_data* data;
    public nuint size;
    public long selected;
    public byte sorted;
}

[StructLayout(LayoutKind.Sequential)]
internal struct llama_sampler_chain_params
{
    public byte no_perf;
}

[StructLayout(LayoutKind.Sequential)]
internal struct llama_logit_bias
{
    public int token;
    public float bias;
}

[StructLayout(LayoutKind.Sequential)]
internal struct llama_perf_context_data
{
    public double t_start_ms;
    public double t_load_ms;
    public double t_p_eval_ms;
    public double t_eval_ms;
    public int n_p_eval;
    public int n_eval;
    public int n_reused;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ggml_threadpool_params
{
    public fixed byte cpumask[512];
    public int n_threads;
    public ggml_sched_priority prio;

    /// <summary>0: threads sleep while they wait, 100: they spin.</summary>
    public uint poll;
    public byte strict_cpu;
    public byte paused;
}

/// <summary>Opaque; the memory that tensors and graphs are made in.</summary>
internal readonly struct ggml_context;

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ggml_init_params
{
    public nuint mem_size;
    public void* mem_buffer;
    public byte no_alloc;
}

/// <summary>A node of a graph, of ggml.h. Not checked at load: <see cref="CustomOperation"/> looks before it relies on it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ggml_tensor
{
    public const int ParameterCount = 16;

    public ggml_type type;
    public nint buffer;
    public fixed long ne[4];
    public fixed ulong nb[4];
    public int op;
    public fixed int op_params[ParameterCount];
    public int flags;
    public fixed ulong src[10];
    public ggml_tensor* view_src;
    public nuint view_offs;
    public byte* data;
    public fixed byte name[64];
    public void* extra;
    public fixed byte padding[8];

    public readonly ggml_tensor* Source(int index) => (ggml_tensor*)src[index];
}
