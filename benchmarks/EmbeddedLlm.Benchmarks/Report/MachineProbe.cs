using System.Reflection;
using EmbeddedLlm.Benchmarks.Results;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Benchmarks.Report;

/// <summary>What a reader of figures must know of the machine: nothing that tells whose it is.</summary>
internal static class MachineProbe
{
    private static readonly TimeSpan Watch = TimeSpan.FromSeconds(1);

    public static Machine Read() => Machine.Here(
        BackendDevice.List().FirstOrDefault(device => device.Type == ggml_backend_dev_type.CPU)?.Description,
        BackendDevice.List().Where(device => device.Type is ggml_backend_dev_type.GPU or ggml_backend_dev_type.IGPU).Select(device => Machine.Gpu(device.Description, device.Name, (long)device.MemoryTotal)));

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
}
