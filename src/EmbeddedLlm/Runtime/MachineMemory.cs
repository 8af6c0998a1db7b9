using EmbeddedLlm.Gguf;
using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Runtime;

/// <summary>A GPU and the bytes that are free on it, less a reserve; null where it does not say.</summary>
internal sealed record GpuMemory(string Name, long? Available)
{
    /// <summary>For llama.cpp; 0 where a plan is made for a machine that is not this one.</summary>
    public nint Device { get; init; }
}

/// <summary>The memory that a model can have on this machine.</summary>
/// <param name="Main">The bytes of main memory, less a reserve; null where the system does not say.</param>
/// <param name="Gpus">The GPUs that layers can be on, in llama.cpp's order.</param>
internal sealed record MachineMemory(long? Main, IReadOnlyList<GpuMemory> Gpus)
{
    // For .NET, thread stacks, and the rooms in which llama.cpp's CPU backend computes; for a driver's context and a GPU's libraries.
    private const long MainReserve = 512L << 20;
    private const long GpuReserve = 512L << 20;
    private const int ReservedShare = 20;

    /// <summary>Whether llama.cpp computes in <see cref="AmxLayout"/> here.</summary>
    public bool HasAmx { get; init; }

    /// <summary>What is free now. GPUs are those of the native libraries, which are loaded for that; where there are none, a plan can be made all the same.</summary>
    /// <exception cref="DeviceUnavailableException">The options ask for a GPU that there is not.</exception>
    public static MachineMemory Read(EmbeddedModelOptions options)
    {
        long? main = ReadMain() is { } free ? free - Math.Min(MainReserve, free / ReservedShare) : null;
        NativeLibraries? libraries = TryLoadLibraries(options);
        return new MachineMemory(options.MemoryLimit ?? main, ReadGpus(options, libraries)) { HasAmx = libraries is not null && CpuBuffers.ListExtra().Contains(AmxLayout.BufferName) };
    }

    /// <summary>The share of the layers that each GPU gets.</summary>
    public float[] SharesOf(EmbeddedModelOptions options)
    {
        if (options.DeviceShares is { } given && given.Count == Gpus.Count)
            return [.. given];
        float[] shares = [.. Gpus.Select(gpu => (float)(gpu.Available ?? 0))];
        if (shares.Sum() <= 0)
            Array.Fill(shares, 1);
        return shares;
    }

    private static NativeLibraries? TryLoadLibraries(EmbeddedModelOptions options)
    {
        try
        {
            return NativeLibraryLoader.Load(options.NativeLibraryFolder);
        }
        catch (NativeLibraryException)
        {
            return null;
        }
    }

    private static GpuMemory[] ReadGpus(EmbeddedModelOptions options, NativeLibraries? libraries)
    {
        DeviceChoice choice = libraries is null ? new DeviceChoice([], []) : new DeviceChoice(BackendDevice.List(), libraries.UnusableBackends);
        return [.. choice.Choose(options).Select(device =>
            new GpuMemory(device.Name, device.MemoryFree == 0 ? null : Math.Max(0, (long)Math.Min(device.MemoryFree, long.MaxValue) - GpuReserve)) { Device = device.Handle })];
    }

    private static long? ReadMain()
    {
        if (OperatingSystem.IsLinux())
            return new LinuxMemory("/proc", "/sys/fs/cgroup").ReadAvailable();
        // The collector knows the machine's load as of its last collection: that may be long ago, and before the first it takes all memory for free.
        GC.Collect(0);
        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        return Math.Max(0, memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes);
    }
}
