namespace EmbeddedLlm;

/// <summary>The memory that a model takes on one device, in bytes.</summary>
/// <param name="Device">Main memory is <c>CPU</c>; a GPU has the name that llama.cpp gives it, such as <c>CUDA0</c>.</param>
/// <param name="Weights">The model's weights.</param>
/// <param name="KvCache">The keys and values of the tokens of all sequences.</param>
/// <param name="States">The states of recurrent layers.</param>
/// <param name="Compute">The intermediate results of the largest step.</param>
/// <param name="Output">The logits.</param>
/// <param name="Available">The memory that is free on the device, less a reserve for what is not counted here; null where the system does not say.</param>
public sealed record DeviceMemoryPlan(string Device, long Weights, long KvCache, long States, long Compute, long Output, long? Available)
{
    /// <summary>The bytes of all parts together.</summary>
    public long Total
    {
        get
        {
            Int128 sum = (Int128)Weights + KvCache + States + Compute + Output;
            return sum > long.MaxValue ? long.MaxValue : (long)sum;
        }
    }

    /// <summary>Whether the device has room for it; true where its memory is unknown.</summary>
    public bool Fits => Available is not { } available || Total <= available;
}

/// <summary>
/// What memory a model takes with given options, worked out from the header of its file: nothing is loaded. A draft model is not in it. Its parts follow llama.cpp v0.4.0, the compute buffers by replaying its graph allocator; what
/// the operating system, .NET and a GPU's driver need for themselves is in the reserve that <see cref="DeviceMemoryPlan.Available"/> leaves. Immutable.
/// </summary>
public sealed class MemoryPlan
{
    internal MemoryPlan(IReadOnlyList<DeviceMemoryPlan> devices) => Devices = devices;

    /// <summary>The model's name, as it was asked for.</summary>
    public required string Model { get; init; }

    /// <summary>The longest prompt and answer of one request together, in tokens.</summary>
    public required int ContextLength { get; init; }

    /// <summary>The KV cache's size in tokens.</summary>
    public required int CacheLength { get; init; }

    /// <summary>The sequences that may be in the KV cache, those of cached prefixes included.</summary>
    public required int Sequences { get; init; }

    /// <summary>The layers on GPUs, the output counted as one.</summary>
    public required int GpuLayers { get; init; }

    /// <summary>The layers that can be on GPUs: the model's, and the output.</summary>
    public required int Layers { get; init; }

    /// <summary>
    /// The longest context that fits, in steps of 256 tokens, with the rest of the options as they are and a KV cache for one such context: at most what the model was trained with. 0 where not even the
    /// shortest fits.
    /// </summary>
    public required int LargestContextLength { get; init; }

    /// <summary>The weights that are read for each token of an answer, in bytes.</summary>
    public required long BytesPerToken { get; init; }

    /// <summary>Main memory first, then the GPUs in use.</summary>
    public IReadOnlyList<DeviceMemoryPlan> Devices { get; }

    /// <summary>The bytes on all devices together.</summary>
    public long TotalBytes
    {
        get
        {
            Int128 sum = 0;
            foreach (DeviceMemoryPlan device in Devices)
                sum += device.Total;
            return sum > long.MaxValue ? long.MaxValue : (long)sum;
        }
    }

    /// <summary>Whether each device has room for its part.</summary>
    public bool Fits => Devices.All(device => device.Fits);
}

/// <summary>A model, or the draft model to go with it, does not fit into the memory that is free. Nothing stays loaded.</summary>
public sealed class InsufficientMemoryException : EmbeddedLlmException
{
    /// <summary>Creates the exception from the plan that does not fit.</summary>
    public InsufficientMemoryException(MemoryPlan plan)
        : base(Describe(plan)) => Plan = plan;

    internal InsufficientMemoryException(MemoryPlan plan, string refusal)
        : base($"'{plan.Model}' with {plan.GpuLayers} of {plan.Layers} layers on GPUs would fit by what was free ({string.Join(", ", plan.Devices.Skip(1).Select(DescribeGpu))}), and a GPU refused the memory.{refusal.TrimEnd('.')}. "
            + $"Another program may have taken it: lower {nameof(EmbeddedModelOptions.GpuLayers)}, or leave it open for fewer layers to be tried.") => Plan = plan;

    /// <summary>What would be needed, and what there is.</summary>
    public MemoryPlan Plan { get; }

    private static string Describe(MemoryPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        DeviceMemoryPlan tight = plan.Devices.FirstOrDefault(device => !device.Fits) ?? plan.Devices[0];
        string parts = string.Join(", ", new[]
        {
            ("weights", tight.Weights), ("KV cache", tight.KvCache), ("states", tight.States), ("compute buffers", tight.Compute), ("logits", tight.Output),
        }.Where(part => part.Item2 > 0).Select(part => $"{part.Item1} {Mebibytes(part.Item2)}"));
        string advice = plan.LargestContextLength == 0
            ? "No context fits: take a smaller model or a smaller quantisation of it, or free memory."
            : $"A context of {plan.LargestContextLength:N0} tokens fits: lower {nameof(EmbeddedModelOptions.ContextLength)} or {nameof(EmbeddedModelOptions.CacheLength)}, or take a smaller KV cache type.";
        return $"'{plan.Model}' needs {Mebibytes(tight.Total)} on {tight.Device} ({parts}), where {Mebibytes(tight.Available ?? 0)} are free. {advice}";
    }

    private static string DescribeGpu(DeviceMemoryPlan gpu) => $"{Mebibytes(gpu.Total)} on {gpu.Device}" + (gpu.Available is { } available ? $", where {Mebibytes(available)} were free" : "");

    private static string Mebibytes(long bytes) => $"{bytes / (double)(1 << 20):N0} MiB";
}
