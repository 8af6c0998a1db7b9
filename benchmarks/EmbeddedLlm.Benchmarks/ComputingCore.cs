using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace EmbeddedLlm.Benchmarks;

/// <summary>
/// Holds threads that compute alone on a core, on Linux. Cores differ, above all those of virtual machines, and a thread stays for long where it is: of two that are compared, one on the faster core would
/// look like a better one in every pair. Only for models that one thread computes; llama.cpp's further ones would be held on the same core.
/// </summary>
internal static unsafe partial class ComputingCore
{
    private const string EngineThread = "EmbeddedLlm engine";

    // As the kernel cuts it.
    private const int LongestName = 15;

    // As many as the C library's own sets have.
    private const int MaxCores = 1024;
    private const int SetBytes = MaxCores / 8;

    // The cores that the process may use; a thread begins with those of the one that starts it, and none is held on a core yet.
    private static readonly byte[]? AllCores = OperatingSystem.IsLinux() ? Read() : null;

    /// <summary>Holds the threads of all engines on the calling thread's core.</summary>
    /// <returns>The core; null where threads cannot be held.</returns>
    public static int? HoldEngines()
    {
        int core = Thread.GetCurrentProcessorId();
        if (!OperatingSystem.IsLinux() || AllCores is null || core >= MaxCores)
            return null;
        foreach (int thread in EngineThreads())
            Hold(thread, core);
        return core;
    }

    /// <summary>Holds the calling thread on a core.</summary>
    public static void HoldCaller(int core)
    {
        if (OperatingSystem.IsLinux())
            Hold(thread: 0, core);
    }

    /// <summary>Lets the calling thread run wherever the process may.</summary>
    public static void ReleaseCaller()
    {
        if (OperatingSystem.IsLinux() && AllCores is not null)
            Set(thread: 0, AllCores);
    }

    [SupportedOSPlatform("linux")]
    private static List<int> EngineThreads()
    {
        List<int> threads = [];
        foreach (string folder in Directory.EnumerateDirectories("/proc/self/task"))
        {
            try
            {
                if (File.ReadAllText(Path.Combine(folder, "comm")).TrimEnd('\n') == EngineThread[..LongestName])
                    threads.Add(int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture));
            }
            catch (IOException)
            {
                // It has ended.
            }
        }

        return threads;
    }

    [SupportedOSPlatform("linux")]
    private static void Hold(int thread, int core)
    {
        byte[] set = new byte[SetBytes];
        set[core / 8] = (byte)(1 << (core % 8));
        Set(thread, set);
    }

    // What the system does not allow is left as it is: the figures are noisier then.
    [SupportedOSPlatform("linux")]
    private static void Set(int thread, byte[] cores)
    {
        fixed (byte* set = cores)
            _ = SetAffinity(thread, SetBytes, set);
    }

    [SupportedOSPlatform("linux")]
    private static byte[]? Read()
    {
        byte[] cores = new byte[SetBytes];
        fixed (byte* set = cores)
            return GetAffinity(thread: 0, SetBytes, set) == 0 ? cores : null;
    }

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nuint size, byte* cores);

    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nuint size, byte* cores);
}
