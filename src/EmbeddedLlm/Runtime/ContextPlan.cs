using EmbeddedLlm.Gguf;
using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Runtime;

/// <summary>The sizes of a context: what the options ask for, and for the rest what suits the model and the machine.</summary>
/// <param name="ContextLength">The longest prompt and answer of one request together, in tokens.</param>
/// <param name="CacheLength">The KV cache's size in tokens.</param>
/// <param name="BatchSize">The most tokens in one step.</param>
/// <param name="Threads">The CPU threads that compute at first.</param>
/// <param name="MostThreads">The CPU threads that may compute when the machine is free.</param>
/// <param name="Slots">How many sequences may be in the KV cache, those of cached prefixes included.</param>
/// <param name="PrefixCacheLength">How many of the KV cache's tokens may be cached prefixes.</param>
/// <param name="BystanderLength">How many of these may stay while requests run that do not use them.</param>
internal sealed record ContextPlan(int ContextLength, int CacheLength, int BatchSize, int Threads, int MostThreads, int Slots, int PrefixCacheLength, int BystanderLength)
{
    /// <summary>How many tokens of one step may have logits.</summary>
    public required int Outputs { get; init; }

    /// <summary>How many cores others kept busy while the model was loaded, as far as that can be seen.</summary>
    public required double BusyCores { get; init; }

    /// <summary>How attention is computed.</summary>
    public required llama_flash_attn_type FlashAttention { get; init; }

    /// <param name="sizes">The sizes that memory depends on.</param>
    /// <param name="info">What the model's header says.</param>
    /// <param name="options">How it is loaded.</param>
    /// <param name="gpuLayers">The layers on GPUs.</param>
    /// <param name="before">The CPU clock when the load began, to see who else is busy.</param>
    public static ContextPlan Create(ContextSizes sizes, GgufModelInfo info, EmbeddedModelOptions options, int gpuLayers, CpuTime? before)
    {
        // More threads than cores never pay: on 2 cores, 16 of them were seen to need more than 30 seconds for 5 tokens of a tiny model.
        long weightBytes = info.TensorBytes;
        int mostThreads = Math.Min(options.Threads ?? ThreadCount.Choose(weightBytes, CpuCores.CountUsable(), busyCores: 0), Environment.ProcessorCount);
        double busyCores = BusyCoresSince(before);
        int threads = options.Threads is null ? Math.Min(ThreadCount.Choose(weightBytes, CpuCores.CountUsable(), busyCores), mostThreads) : mostThreads;
        return new ContextPlan(sizes.ContextLength, sizes.CacheLength, sizes.BatchSize, threads, mostThreads, sizes.Slots, sizes.PrefixCacheLength, ChooseBystanderLength(info, options, gpuLayers))
        {
            Outputs = sizes.Outputs,
            BusyCores = busyCores,
            FlashAttention = AttentionKernel.Choose(info, options, gpuLayers),
        };
    }

    /// <summary>The type as llama.cpp takes it; both sides number ggml's types alike.</summary>
    public static ggml_type NativeType(KvCacheType type) => (ggml_type)GgufType(type);

    public static GgmlType GgufType(KvCacheType type) => type switch
    {
        KvCacheType.F16 => GgmlType.F16,
        KvCacheType.F32 => GgmlType.F32,
        KvCacheType.BF16 => GgmlType.BF16,
        KvCacheType.Q8_0 => GgmlType.Q8_0,
        KvCacheType.Q5_0 => GgmlType.Q5_0,
        KvCacheType.Q4_0 => GgmlType.Q4_0,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    /// <exception cref="ModelLoadException">Heads are no multiple of blocks.</exception>
    public static void EnsureBlocksFit(GgufModelInfo info, EmbeddedModelOptions options)
    {
        if (FindMisfit(info, options) is { } misfit)
            throw new ModelLoadException(misfit);
    }

    /// <summary>
    /// A quantised cache stores blocks of numbers. Where these do not divide a head, llama.cpp refuses only for the fused kernel; the other computes with the whole blocks of each head, or none, or ends the process.
    /// </summary>
    /// <returns>What does not fit, in words; null where all does.</returns>
    public static string? FindMisfit(GgufModelInfo info, EmbeddedModelOptions options)
    {
        if (info.IsEncoder || !info.KvHeadCounts.Any(heads => heads > 0))
            return null;
        return Find(nameof(EmbeddedModelOptions.KeyCacheType), options.KeyCacheType, info.CachedKeyLengths, "keys")
            ?? Find(nameof(EmbeddedModelOptions.ValueCacheType), options.ValueCacheType, info.CachedValueLengths, "values");

        static string? Find(string option, KvCacheType type, IReadOnlyList<int> lengths, string what)
        {
            int block = GgmlTypes.BlockElements(GgufType(type));
            foreach (int length in lengths)
            {
                if (length % block != 0)
                    return $"{nameof(EmbeddedModelOptions)}.{option} is {type}, whose blocks of {block} numbers do not divide this model's {what} of {length}. F16 does for every model.";
            }

            return null;
        }
    }

    /// <exception cref="ModelLoadException">So many cells do not fit into the memory.</exception>
    public static void EnsureFits(long cacheLength, long cellBytes)
    {
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (cacheLength > available / cellBytes)
            throw new ModelLoadException(
                $"A KV cache of {cacheLength} tokens needs {cacheLength * (double)cellBytes / (1L << 20):N0} MiB, and this process may use {available >> 20:N0} MiB. " +
                $"Lower {nameof(EmbeddedModelOptions)}.{nameof(EmbeddedModelOptions.ContextLength)} or {nameof(EmbeddedModelOptions.CacheLength)}, or take a smaller KV cache type.");
    }

    /// <summary>
    /// On a CPU llama.cpp has each head look at the mask of each cell in use, about 3 ns a time, and the library has each head of keys look at blocks of them, less than half a nanosecond a cell; a token takes about as
    /// long as its weights take to be read, at 20 GB/s as measured on small machines. So many cells make it slower by a fiftieth, in the steps in which llama.cpp counts them. A GPU does not notice, and who has set a
    /// length wants it to be kept.
    /// </summary>
    private static int ChooseBystanderLength(GgufModelInfo info, EmbeddedModelOptions options, int gpuLayers)
    {
        const double SecondsPerLook = 3e-9;
        const double SecondsPerLookOfOurs = 5e-10;
        const double BytesPerSecond = 2e10;
        const int CellStep = 256;
        if (options.PrefixCacheLength is not null || gpuLayers > 0)
            return int.MaxValue;
        double seconds = AttentionKernel.IsOurs(info, options, gpuLayers)
            ? Math.Max(1L, info.KvHeadCounts.Sum(heads => (long)heads)) * SecondsPerLookOfOurs
            : Math.Max(1L, info.HeadCounts.Sum(heads => (long)heads)) * SecondsPerLook;
        double cells = info.TensorBytes / BytesPerSecond / 50 / seconds;
        return (int)Math.Min(int.MaxValue - CellStep, cells) / CellStep * CellStep;
    }

    /// <summary>How many cores others kept busy while the model was loaded, which kept one busy itself.</summary>
    private static double BusyCoresSince(CpuTime? before) => before is { } earlier && CpuCores.ReadTime() is { } now ? now.BusyCoresSince(earlier) - 1 : 0;
}
