using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Cli;

/// <summary>What a reader of figures must know of the machine: nothing that tells whose it is.</summary>
internal static class MachineFacts
{
    public static Machine Of(RuntimeDescription runtime) => Machine.Here(
        runtime.Devices.FirstOrDefault(device => device.Kind == DeviceKind.Cpu)?.Description,
        runtime.Devices.Where(device => device.Kind is DeviceKind.Gpu or DeviceKind.IntegratedGpu).Select(device => Machine.Gpu(device.Description, device.Name, device.TotalMemory)));

    /// <summary>Where a model is computed: <c>cpu</c>, or the backend of the first GPU that it is on.</summary>
    public static string DeviceOf(MemoryPlan plan, RuntimeDescription runtime) => plan.GpuLayers == 0 || plan.Devices.Count < 2
        ? "cpu"
        : (runtime.Devices.FirstOrDefault(device => device.Name == plan.Devices[1].Device)?.Backend ?? plan.Devices[1].Device).ToLowerInvariant();
}
