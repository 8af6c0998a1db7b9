namespace EmbeddedLlm.Interop;

// Members drop the prefix that C repeats: LLAMA_POOLING_TYPE_MEAN is llama_pooling_type.MEAN.

internal enum llama_vocab_type
{
    NONE = 0,
    SPM = 1,
    BPE = 2,
    WPM = 3,
    UGM = 4,
    RWKV = 5,
    PLAMO2 = 6,
}

[Flags]
internal enum llama_token_attr
{
    UNDEFINED = 0,
    UNKNOWN = 1 << 0,
    UNUSED = 1 << 1,
    NORMAL = 1 << 2,
    CONTROL = 1 << 3,
    USER_DEFINED = 1 << 4,
    BYTE = 1 << 5,
    NORMALIZED = 1 << 6,
    LSTRIP = 1 << 7,
    RSTRIP = 1 << 8,
    SINGLE_WORD = 1 << 9,
}

internal enum llama_rope_type
{
    NONE = -1,
    NORM = 0,
    NEOX = 2,
    MROPE = 8,
    VISION = 24,
    IMROPE = 40,
}

internal enum llama_rope_scaling_type
{
    UNSPECIFIED = -1,
    NONE = 0,
    LINEAR = 1,
    YARN = 2,
    LONGROPE = 3,
}

internal enum llama_pooling_type
{
    UNSPECIFIED = -1,
    NONE = 0,
    MEAN = 1,
    CLS = 2,
    LAST = 3,
    RANK = 4,
}

internal enum llama_attention_type
{
    UNSPECIFIED = -1,
    CAUSAL = 0,
    NON_CAUSAL = 1,
}

internal enum llama_flash_attn_type
{
    AUTO = -1,
    DISABLED = 0,
    ENABLED = 1,
}

internal enum llama_split_mode
{
    NONE = 0,
    LAYER = 1,
    ROW = 2,
    TENSOR = 3,
}

internal enum llama_load_mode
{
    AUTO = -1,
    NONE = 0,
    MMAP = 1,
    MLOCK = 2,
    MMAP_MLOCK = 3,
    DIRECT_IO = 4,
}

internal enum llama_lazy_mode
{
    OFF = 0,
    AUTO = 1,
    ON = 2,
}

internal enum llama_context_type
{
    DEFAULT = 0,
    MTP = 1,
}

internal enum llama_model_kv_override_type
{
    INT = 0,
    FLOAT = 1,
    BOOL = 2,
    STR = 3,
}

[Flags]
internal enum llama_state_seq_flags : uint
{
    NONE = 0,
    PARTIAL_ONLY = 1,
    ON_DEVICE = 2,
}

internal enum ggml_backend_dev_type
{
    CPU = 0,
    GPU = 1,
    IGPU = 2,
    ACCEL = 3,
    META = 4,
}

internal enum ggml_log_level
{
    NONE = 0,
    DEBUG = 1,
    INFO = 2,
    WARN = 3,
    ERROR = 4,
    CONT = 5,
}

internal enum ggml_sched_priority
{
    LOW = -1,
    NORMAL = 0,
    MEDIUM = 1,
    HIGH = 2,
    REALTIME = 3,
}

/// <summary>The element types that a KV cache may have.</summary>
internal enum ggml_type
{
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,
    Q5_0 = 6,
    Q5_1 = 7,
    Q8_0 = 8,
    IQ4_NL = 20,
    BF16 = 30,
}
