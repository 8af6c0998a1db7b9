using EmbeddedLlm.Gguf;
using EmbeddedLlm.Interop;
using Microsoft.Extensions.Logging;

namespace EmbeddedLlm.Runtime;

/// <content>Where the model goes: main memory and GPUs.</content>
internal sealed partial class ModelLoader
{
    private static int _warnedOfBackends;

    /// <summary>
    /// Plans and loads. What a GPU says is free need not be there a moment later, nor in one piece; where the layers were left open, one that refuses gets a third less of them, down to none.
    /// </summary>
    private T WithRoom<T>(IReadOnlyList<GgufFile> files, Func<LoadPlan, T> load)
    {
        ModelMemory memory = new(files);
        int most = int.MaxValue;
        while (true)
        {
            MachineMemory machine = MachineMemory.Read(options);
            (ContextSizes sizes, MemoryPlan plan) = new MemoryPlanner(memory, options, machine, most).Choose(modelId);
            if (!plan.Fits)
                throw new InsufficientMemoryException(plan);
            try
            {
                return load(new LoadPlan(sizes, plan, machine, options) { RearrangesWeights = memory.AllowsRearranging(machine.HasAmx) });
            }
            catch (InsufficientMemoryException exception) when (options.GpuLayers is null && plan.GpuLayers > 0)
            {
                most = plan.GpuLayers * 2 / 3;
                LogFewerLayers(plan.GpuLayers, most, exception.Message);
            }
        }
    }

    /// <summary>llama.cpp's refusal as an exception: of memory, where a GPU's may be the reason.</summary>
    private static EmbeddedLlmException Refusal(LoadPlan load, long mark, string what)
    {
        string reason = ReasonSince(mark);
        return load.Plan.GpuLayers > 0 && IsOfMemory(reason) ? new InsufficientMemoryException(load.Plan, reason) : new ModelLoadException(what + reason);
    }

    /// <summary>The words that ggml, its backends and llama.cpp have for it (<c>alloc_buffer</c>, <c>ggml_cuda_device_malloc</c>, <c>ggml_vk_create_buffer</c>, <c>llama_kv_cache</c>).</summary>
    internal static bool IsOfMemory(string words) =>
        words.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
        || words.Contains("OutOfDeviceMemory", StringComparison.Ordinal)
        || words.Contains("failed to allocate", StringComparison.OrdinalIgnoreCase)
        || words.Contains("unable to allocate", StringComparison.OrdinalIgnoreCase)
        || words.Contains("allocation of size", StringComparison.OrdinalIgnoreCase);

    /// <summary>Once in a process, to the first that listens, and not to those who want no GPU.</summary>
    private void WarnOfUnusableBackends(NativeLibraries libraries)
    {
        bool wantsGpu = options.GpuLayers != 0 && (options.Devices is null || options.Devices.Any(device => !DeviceChoice.IsCpu(device)));
        if (options.LoggerFactory is null || !wantsGpu || libraries.UnusableBackends.Count == 0 || Interlocked.Exchange(ref _warnedOfBackends, 1) != 0)
            return;
        foreach (UnusableBackend backend in libraries.UnusableBackends)
            LogUnusableBackend(backend);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A backend cannot be used. {Backend}")]
    private partial void LogUnusableBackend(UnusableBackend backend);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Layers} layers on GPUs were refused, {Fewer} are tried. {Reason}")]
    private partial void LogFewerLayers(int layers, int fewer, string reason);
}
