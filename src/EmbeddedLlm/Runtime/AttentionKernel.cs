using System.Runtime.Intrinsics.X86;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Runtime;

/// <summary>
/// Which of llama.cpp's two ways to compute attention a model gets where the options leave it open. The fused one (flash attention) needs less memory, and on GPUs it is the faster one. On a CPU it computes a
/// token's attention by dot products of one head's numbers each (ggml-cpu/ops.cpp, <c>ggml_compute_forward_flash_attn_ext</c>; vec.cpp, <c>ggml_vec_dot_f16</c>), in blocks of as many numbers as vector
/// registers take at a time, and what is left over one number after the other. Measured with AVX-512, one thread and 1,024 tokens of history: heads of 96 numbers decode in 35 ms a token where the other
/// way takes 23, heads of 32 in 2.8 where it takes 0.8; heads of 64 and 128 are as fast or faster fused.
/// </summary>
internal static class AttentionKernel
{
    /// <summary>GGML_FA_TILE_Q (ggml-cpu/common.h): with fewer tokens in a batch, the fused kernel computes one after the other.</summary>
    private const int TileLength = 64;

    /// <summary>How many times as many operations a second there are in products with weights as in attention one token after the other. Measured with AVX-512: 6.</summary>
    private const double WeightSpeed = 5;

    /// <summary>GGML_F16_STEP (ggml-cpu/simd-mappings.h).</summary>
    private static readonly int s_blockLength = HasAvx512() ? 64 : 32;

    /// <summary>The choice as llama.cpp takes it: where nothing speaks against the fused kernel, llama.cpp looks whether the device has it.</summary>
    public static llama_flash_attn_type Choose(GgufModelInfo info, EmbeddedModelOptions options, int gpuLayers)
    {
        if (!IsFused(info, options, gpuLayers))
            return llama_flash_attn_type.DISABLED;
        return options.FlashAttention is null ? llama_flash_attn_type.AUTO : llama_flash_attn_type.ENABLED;
    }

    /// <summary>The tiles of attention on the CPU: of the fused kernel, where keys and values are floating-point numbers of one type (ops.cpp, <c>ggml_compute_forward_flash_attn_ext_f16</c>).</summary>
    /// <param name="info">The model.</param>
    /// <param name="options">The types of the KV cache.</param>
    /// <param name="gpuLayers">The layers on GPUs, whose kernels are others.</param>
    /// <param name="bytesPerToken">The weights that are read for a token.</param>
    public static AttentionTile TileOf(GgufModelInfo info, EmbeddedModelOptions options, int gpuLayers, long bytesPerToken)
    {
        if (gpuLayers > 0 || IsOurs(info, options, gpuLayers) || !IsFused(info, options, gpuLayers) || options.KeyCacheType != options.ValueCacheType || options.KeyCacheType is not (KvCacheType.F16 or KvCacheType.F32))
            return default;
        double weights = (double)info.ParameterCount * bytesPerToken / Math.Max(1, info.TensorBytes);
        double numbersPerCell = info.HeadCounts.Sum(heads => (double)heads) * (info.KeyLength + info.ValueLength);
        return new AttentionTile(TileLength, weights > 0 ? WeightSpeed * numbersPerCell / weights : 0);
    }

    /// <summary>Whether attention is computed by <see cref="AttentionHook"/>: on the CPU, from keys and values in half precision, in heads of lengths that it can.</summary>
    /// <param name="info">The model.</param>
    /// <param name="options">What the user wants.</param>
    /// <param name="gpuLayers">The layers on GPUs.</param>
    public static bool IsOurs(GgufModelInfo info, EmbeddedModelOptions options, int gpuLayers) =>
        gpuLayers == 0 && options.FlashAttention != false && options.KeyCacheType == KvCacheType.F16 && options.ValueCacheType == KvCacheType.F16
        && AttentionHook.Supports(info.CachedKeyLengths.Max(), info.CachedValueLengths.Max());

    /// <summary>What has a context compute attention in that way; null where it does not.</summary>
    /// <param name="info">The model.</param>
    /// <param name="options">What the user wants.</param>
    /// <param name="gpuLayers">The layers on GPUs.</param>
    /// <param name="threads">The most threads that will compute at once.</param>
    public static AttentionHook? CreateHook(GgufModelInfo info, EmbeddedModelOptions options, int gpuLayers, int threads) =>
        IsOurs(info, options, gpuLayers) ? AttentionHook.TryCreate(threads, info.CachedKeyLengths.Max(), info.CachedValueLengths.Max()) : null;

    /// <summary>Whether the fused kernel is used, where the device has it, or ours in its place.</summary>
    /// <param name="info">The model.</param>
    /// <param name="options">What the user wants, and the types of the KV cache: quantised values have the fused kernel only.</param>
    /// <param name="gpuLayers">The layers on GPUs, whose kernels are others.</param>
    public static bool IsFused(GgufModelInfo info, EmbeddedModelOptions options, int gpuLayers) => IsOurs(info, options, gpuLayers) || IsFusedByLlama(info, options, gpuLayers);

    /// <summary>Whether llama.cpp had better use its fused kernel, by itself.</summary>
    public static bool IsFusedByLlama(GgufModelInfo info, EmbeddedModelOptions options, int gpuLayers)
    {
        if (options.FlashAttention is { } wanted)
            return wanted;
        if (gpuLayers > 0 || GgmlTypes.IsQuantised(ContextPlan.GgufType(options.ValueCacheType)))
            return true;
        return info.KeyLength % s_blockLength == 0 && info.ValueLength % s_blockLength == 0;
    }

    /// <summary>
    /// Whether ggml takes its library for AVX-512, which asks the processor in the same way (ggml-cpu/arch/x86/cpu-feats.cpp). What .NET supports says less: code that is compiled ahead of time supports only what
    /// every processor has.
    /// </summary>
    private static bool HasAvx512()
    {
        const int Leaf = 7;
        const int Features = 1 << 16 | 1 << 30;
        return X86Base.IsSupported && (uint)X86Base.CpuId(0, 0).Eax >= Leaf && (X86Base.CpuId(Leaf, 0).Ebx & Features) == Features;
    }
}
