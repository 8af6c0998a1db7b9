using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Runtime;

/// <summary>The devices as the public API tells of them.</summary>
internal static class DeviceList
{
    public static RuntimeDescription Read(string? folder)
    {
        NativeLibraries libraries = NativeLibraryLoader.Load(folder);
        // CPU, GPU, integrated, accelerator: in the order of the kinds.
        DeviceInfo[] devices = [.. BackendDevice.List().Select(Describe).OrderBy(device => device.Kind)];
        return new RuntimeDescription(libraries.Version, libraries.Folder, devices, libraries.UnusableBackends);
    }

    private static DeviceInfo Describe(BackendDevice device) => new(
        device.Name,
        device.Description.Trim(),
        device.Type switch
        {
            ggml_backend_dev_type.CPU => DeviceKind.Cpu,
            ggml_backend_dev_type.GPU => DeviceKind.Gpu,
            ggml_backend_dev_type.IGPU => DeviceKind.IntegratedGpu,
            _ => DeviceKind.Accelerator,
        },
        device.Backend,
        BytesOf(device.MemoryFree, device.MemoryTotal),
        BytesOf(device.MemoryTotal, device.MemoryTotal),
        device.Id);

    private static long? BytesOf(ulong bytes, ulong total) => total == 0 ? null : (long)Math.Min(bytes, long.MaxValue);
}
