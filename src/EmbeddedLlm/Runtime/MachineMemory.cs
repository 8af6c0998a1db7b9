using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Runtime;

/// <summary>A GPU and the bytes that are free on it, less a reserve; null where it does not say.</summary>
internal sealed record GpuMemory(string Name, long? Available);

/// <summary>The memory that a model can have on this machine.</summary>
/// <param name="Main">The bytes of main memory, less a reserve; null where the system does not say.</param>
/// <param name="Gpus">The GPUs that layers can be on, in llama.cpp's order.</param>
internal sealed record MachineMemory(long? Main, IReadOnlyList<GpuMemory> Gpus)
{
    // For .NET, thread stacks, and the rooms in which llama.cpp's CPU backend computes; for a driver's context and a GPU's libraries.
    private const long MainReserve = 512L << 20;
    private const long GpuReserve = 512L << 20;
    private const int ReservedShare = 20;

    /// <summary>What is free now. GPUs are those of the native libraries, which are loaded for that; where there are none, a plan can be made all the same.</summary>
    public static MachineMemory Read(EmbeddedModelOptions options)
    {
        long? main = ReadMain() is { } free ? free - Math.Min(MainReserve, free / ReservedShare) : null;
        return new MachineMemory(options.MemoryLimit ?? main, TryLoad(options) ? ReadGpus() : []);
    }

    private static bool TryLoad(EmbeddedModelOptions options)
    {
        try
        {
            NativeLibraryLoader.Load(options.NativeLibraryFolder);
            return true;
        }
        catch (NativeLibraryException)
        {
            return false;
        }
    }

    private static long? ReadMain()
    {
        if (OperatingSystem.IsLinux())
            return new LinuxMemory("/proc", "/sys/fs/cgroup").ReadAvailable();
        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        return Math.Max(0, memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes);
    }

    /// <summary>As llama.cpp chooses by itself: all cards, and the processor's own graphics only where there is no card.</summary>
    private static GpuMemory[] ReadGpus()
    {
        IReadOnlyList<BackendDevice> devices = BackendDevice.List();
        BackendDevice[] gpus = [.. devices.Where(device => device.Type == ggml_backend_dev_type.GPU)];
        if (gpus.Length == 0)
            gpus = [.. devices.Where(device => device.Type == ggml_backend_dev_type.IGPU).Take(1)];
        return [.. gpus.Select(device => new GpuMemory(device.Name, device.MemoryFree == 0 ? null : Math.Max(0, (long)device.MemoryFree - GpuReserve)))];
    }
}
