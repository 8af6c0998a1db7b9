using System.Globalization;
using System.Runtime.InteropServices;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Cli;

/// <summary>What a reader of figures must know of the machine: nothing that tells whose it is.</summary>
internal static class MachineFacts
{
    public static Machine Of(MemoryPlan plan) => new(
        Processor(),
        Environment.ProcessorCount,
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        RuntimeInformation.OSDescription,
        [.. plan.Devices.Skip(1).Select(device => device.Available is { } free ? string.Create(CultureInfo.InvariantCulture, $"{device.Device}, {Quantity.OfBytes(free)} free") : device.Device)]);

    /// <summary>The device that computes: <c>cpu</c>, or the kind of the first GPU in use.</summary>
    public static string DeviceOf(MemoryPlan plan)
    {
        if (plan.GpuLayers == 0 || plan.Devices.Count < 2)
            return "cpu";
        string kind = plan.Devices[1].Device.TrimEnd([.. "0123456789"]).ToLowerInvariant();
        return kind == "mtl" ? "metal" : kind;
    }

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
