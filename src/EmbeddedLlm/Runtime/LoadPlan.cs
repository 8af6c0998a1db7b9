namespace EmbeddedLlm.Runtime;

/// <summary>How a model is put into memory, as planned and as llama.cpp takes it.</summary>
internal sealed record LoadPlan
{
    // llama.cpp copies as many shares as there may be devices, llama_max_devices(), whatever their number is.
    private const int MostDevices = 16;

    public LoadPlan(ContextSizes sizes, MemoryPlan plan, MachineMemory machine, EmbeddedModelOptions options)
    {
        (Sizes, Plan) = (sizes, plan);
        // Without layers on them GPUs are not named, or llama.cpp would compute large batches on them and take memory for that.
        Devices = plan.GpuLayers > 0 ? [.. machine.Gpus.Select(gpu => gpu.Device), 0] : [0];
        Shares = new float[MostDevices];
        if (plan.GpuLayers > 0)
            machine.SharesOf(options).CopyTo(Shares, 0);
    }

    public ContextSizes Sizes { get; }

    public MemoryPlan Plan { get; }

    /// <summary>Whether the CPU backend may bring weights into another order.</summary>
    public bool RearrangesWeights { get; init; } = true;

    /// <summary>The GPUs in the order in which they get layers, and a 0 that ends the list.</summary>
    public nint[] Devices { get; }

    /// <summary>The share of each GPU, filled up with 0.</summary>
    public float[] Shares { get; }
}
