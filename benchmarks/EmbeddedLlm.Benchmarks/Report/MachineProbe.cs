using System.Reflection;
using System.Runtime.InteropServices;
using EmbeddedLlm.Benchmarks.Results;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Benchmarks.Report;

/// <summary>What a reader of figures must know of the machine: nothing that tells whose it is.</summary>
internal static class MachineProbe
{
    private static readonly TimeSpan Watch = TimeSpan.FromSeconds(1);

    public static Machine Read() => new(
        Processor(),
        Environment.ProcessorCount,
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        $"{RuntimeInformation.OSDescription} {RuntimeInformation.OSArchitecture}",
        [.. BackendDevice.List().Where(device => device.Type is ggml_backend_dev_type.GPU or ggml_backend_dev_type.IGPU).Select(Describe)]);

    public static IReadOnlyDictionary<string, string> Versions() => new SortedDictionary<string, string>(StringComparer.Ordinal)
    {
        ["EmbeddedLlm"] = typeof(EmbeddedModel).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
        ["llama.cpp"] = NativeLibraryLoader.Load().Version,
        [".NET"] = Environment.Version.ToString(),
    };

    /// <summary>A remark where other programs are busy, which no measurement likes; null where none are, or where the system does not say.</summary>
    public static async Task<string?> FindNoiseAsync(CancellationToken cancellationToken)
    {
        CpuTime? before = CpuCores.ReadTime();
        await Task.Delay(Watch, cancellationToken);
        if (before is not { } start || CpuCores.ReadTime() is not { } end || end.BusyCoresSince(start) is not (> 0.2 and double busy))
            return null;
        return FormattableString.Invariant($"The machine was not quiet: {busy:F1} of {Environment.ProcessorCount} cores were busy with other work when the run began. Repeat it on a quiet one before a figure is quoted.");
    }

    private static string Describe(BackendDevice device) => FormattableString.Invariant($"{device.Description} ({device.Name}), {device.MemoryTotal / (double)(1 << 30):N1} GiB");

    private static string Processor()
    {
        const string CpuInfo = "/proc/cpuinfo";
        string architecture = RuntimeInformation.ProcessArchitecture.ToString();
        if (OperatingSystem.IsLinux() && File.Exists(CpuInfo))
        {
            string? line = File.ReadLines(CpuInfo).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal) && line.Contains(':', StringComparison.Ordinal));
            return line is null ? architecture : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        }

        // The CPU device's description is the processor's name on Windows and macOS.
        return BackendDevice.List().FirstOrDefault(device => device.Type == ggml_backend_dev_type.CPU)?.Description is { Length: > 0 } name ? name : architecture;
    }
}
