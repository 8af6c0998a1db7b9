using System.Runtime.InteropServices;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Cli;

/// <summary>What a reader of figures must know of the machine: nothing that tells whose it is.</summary>
internal static class MachineFacts
{
    public static Machine Of(RuntimeDescription runtime) => new(
        Processor(),
        Environment.ProcessorCount,
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        RuntimeInformation.OSDescription,
        [.. runtime.Devices.Where(device => device.Kind != DeviceKind.Cpu).Select(device => device.TotalMemory is { } memory ? $"{device.Description}, {Quantity.OfBytes(memory)}" : device.Description)]);

    /// <summary>Where a model is computed: <c>cpu</c>, or the backend of the first GPU that it is on.</summary>
    public static string DeviceOf(MemoryPlan plan, RuntimeDescription runtime) => plan.GpuLayers == 0 || plan.Devices.Count < 2
        ? "cpu"
        : (runtime.Devices.FirstOrDefault(device => device.Name == plan.Devices[1].Device)?.Backend ?? plan.Devices[1].Device).ToLowerInvariant();

    private static string Processor()
    {
        string architecture = RuntimeInformation.ProcessArchitecture.ToString();
        if (OperatingSystem.IsWindows())
            return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? architecture;
        const string CpuInfo = "/proc/cpuinfo";
        if (!File.Exists(CpuInfo))
            return architecture;
        string? line = File.ReadLines(CpuInfo).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal) && line.Contains(':', StringComparison.Ordinal));
        return line is null ? architecture : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }
}
