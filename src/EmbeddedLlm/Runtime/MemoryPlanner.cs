using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Runtime;

/// <summary>Finds the sizes with which a model fits: layers on GPUs as many as there is room for, then the KV cache, then the context, each only where the options leave it open.</summary>
/// <param name="memory">The model.</param>
/// <param name="options">How it is to be loaded.</param>
/// <param name="machine">What there is.</param>
/// <param name="mostGpuLayers">The most layers on GPUs where the options leave them open: fewer than there is room for, where a GPU has refused more.</param>
internal sealed class MemoryPlanner(ModelMemory memory, EmbeddedModelOptions options, MachineMemory machine, int mostGpuLayers = int.MaxValue)
{
    private const int Step = 256;
    private const int LongestUnknownContext = 8192;
    private const string MainMemory = "CPU";

    private readonly GgufModelInfo _info = memory.Info;

    private bool UsesGpu => machine.Gpus.Count > 0 && options.GpuLayers != 0;

    /// <summary>The sizes, and the plan for them, which may not fit.</summary>
    public (ContextSizes Sizes, MemoryPlan Plan) Choose(string model)
    {
        ContextSizes wanted = ContextSizes.Choose(_info, options, UsesGpu);
        int largest = FindLargestContext();
        ContextSizes sizes = Shrink(wanted, largest);
        Placement placement = Place(sizes);
        return (sizes, new MemoryPlan(placement.Devices)
        {
            Model = model,
            ContextLength = sizes.ContextLength,
            CacheLength = sizes.CacheLength,
            Sequences = sizes.Slots,
            GpuLayers = placement.GpuLayers,
            Layers = memory.OffloadableLayers,
            LargestContextLength = largest,
            BytesPerToken = memory.BytesPerToken,
        });
    }

    private ContextSizes Shrink(ContextSizes wanted, int largestContext)
    {
        if (Place(wanted).Fits || options.CacheLength is not null)
            return wanted;
        int cache = LargestFit(wanted.ContextLength, wanted.CacheLength, length => ContextSizes.Of(_info, options, UsesGpu, wanted.ContextLength, length));
        if (cache > 0)
            return ContextSizes.Of(_info, options, UsesGpu, wanted.ContextLength, cache);
        return options.ContextLength is null && largestContext > 0
            ? ContextSizes.Of(_info, options, UsesGpu, largestContext, largestContext)
            : ContextSizes.Of(_info, options, UsesGpu, wanted.ContextLength, wanted.ContextLength);
    }

    private int FindLargestContext()
    {
        int trained = _info.ContextLength > 0 ? _info.ContextLength : LongestUnknownContext;
        return LargestFit(Math.Min(Step, trained), trained, length => ContextSizes.Of(_info, options, UsesGpu, length, length));
    }

    /// <summary>The largest of least, multiples of the step and most that fits; 0 where none does. Memory grows with the length.</summary>
    private int LargestFit(int least, int most, Func<int, ContextSizes> sizesFor)
    {
        if (Fits(most))
            return most;
        if (!Fits(least))
            return 0;
        int good = least / Step;
        int bad = (most + Step - 1) / Step;
        while (bad - good > 1)
        {
            int middle = good + ((bad - good) / 2);
            if (Fits(middle * Step))
                good = middle;
            else
                bad = middle;
        }

        return Math.Max(least, good * Step);

        bool Fits(int length) => Place(sizesFor(length)).Fits;
    }

    private Placement Place(ContextSizes sizes)
    {
        MemorySettings settings = new()
        {
            CacheLength = sizes.CacheLength,
            Sequences = sizes.Slots,
            BatchSize = sizes.BatchSize,
            Outputs = sizes.Outputs,
            KeyType = ContextPlan.GgufType(options.KeyCacheType),
            ValueType = ContextPlan.GgufType(options.ValueCacheType),
            // llama.cpp computes Grok's attention in steps, whatever it is asked for.
            FlashAttention = _info.Architecture != "grok",
        };
        if (machine.Gpus.Count == 0)
            return PlaceWith(settings, gpuLayers: 0);
        if (options.GpuLayers is { } asked)
            return PlaceWith(settings, Math.Min(asked, memory.OffloadableLayers));

        int most = Math.Min(memory.OffloadableLayers, mostGpuLayers);
        Placement all = PlaceWith(settings, most);
        if (all.Devices.Skip(1).All(device => device.Fits))
            return all;
        (int good, int bad) = (0, most);
        while (bad - good > 1)
        {
            int middle = (good + bad) / 2;
            if (PlaceWith(settings, middle).Devices.Skip(1).All(device => device.Fits))
                good = middle;
            else
                bad = middle;
        }

        return PlaceWith(settings, good);
    }

    private Placement PlaceWith(MemorySettings settings, int gpuLayers)
    {
        settings = settings with
        {
            FlashAttention = settings.FlashAttention && AttentionKernel.IsFused(_info, options, gpuLayers),
            // Beside a GPU, the weights in main memory are where the GPU can read them.
            Amx = machine.HasAmx && memory.AllowsAmx && gpuLayers == 0,
        };
        int gpus = gpuLayers == 0 ? 0 : machine.Gpus.Count;
        MemoryParts[] parts = memory.Measure(settings, Assign(gpuLayers), gpus + 1);
        var devices = new DeviceMemoryPlan[parts.Length];
        for (int i = 0; i < devices.Length; i++)
        {
            (string name, long? available) = i == 0 ? (MainMemory, machine.Main) : (machine.Gpus[i - 1].Name, machine.Gpus[i - 1].Available);
            devices[i] = new DeviceMemoryPlan(name, parts[i].Weights, parts[i].KvCache, parts[i].States, parts[i].Compute, parts[i].Output, available);
        }

        return new Placement(gpuLayers, devices);
    }

    /// <summary>Each layer's GPU as llama.cpp gives them out: the last layers, to the GPUs by their shares (src/llama-model.cpp, <c>load_tensors</c>), in its own precision.</summary>
    private int[] Assign(int gpuLayers)
    {
        int[] gpuOfLayer = new int[memory.OffloadableLayers];
        if (gpuLayers == 0)
            return gpuOfLayer;
        float[] ends = machine.SharesOf(options);
        for (int gpu = 1; gpu < ends.Length; gpu++)
            ends[gpu] += ends[gpu - 1];
        float sum = ends[^1];
        int first = gpuOfLayer.Length - gpuLayers;
        for (int layer = first; layer < gpuOfLayer.Length; layer++)
        {
            float place = (float)(layer - first) / gpuLayers;
            int gpu = Array.FindIndex(ends, end => place < end / sum);
            gpuOfLayer[layer] = (gpu < 0 ? ends.Length - 1 : gpu) + 1;
        }

        return gpuOfLayer;
    }

    private sealed record Placement(int GpuLayers, IReadOnlyList<DeviceMemoryPlan> Devices)
    {
        public bool Fits => Devices.All(device => device.Fits);
    }
}
