using EmbeddedLlm.Interop;
using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Benchmarks;

/// <summary>What all measurements of one run have in common.</summary>
internal sealed record RunSettings
{
    /// <summary>The names of devices that a run can be asked to use.</summary>
    public static IReadOnlyList<string> Devices { get; } = ["cpu", "cuda", "vulkan", "metal"];

    /// <summary>What the BenchmarkDotNet suites read: they run in this process, after the command line was read.</summary>
    public static RunSettings Current { get; set; } = new();

    /// <summary>Names that <see cref="BenchmarkFiles"/> resolves.</summary>
    public IReadOnlyList<string> Models { get; init; } = [BenchmarkFiles.Qwen25Of500M, BenchmarkFiles.Starter];

    /// <summary>One of <see cref="Devices"/>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>The CPU threads; null for what the library chooses.</summary>
    public int? Threads { get; init; }

    /// <summary>Gives the bare loop a threadpool, see <see cref="BareSettings"/>.</summary>
    public int? Poll { get; init; }

    /// <summary>The type of keys and of values in the cache.</summary>
    public KvCacheType KvType { get; init; }

    /// <summary>Whether attention is fused; null where the device can.</summary>
    public bool? FlashAttention { get; init; }

    /// <summary>How many samples of each quantity.</summary>
    public SampleBudget Budget { get; init; } = SampleBudget.Thorough;

    /// <summary>How many rounds of peers; null for as many as fit into a while.</summary>
    public int? Rounds { get; init; }

    /// <summary>What measurements find out beside figures; all copies of these settings share it.</summary>
    public RunNotes Notes { get; } = new();

    /// <summary>Whether it is a first look: fewer cases, fewer samples.</summary>
    public bool IsQuick { get; init; }

    /// <summary>How many callers come at once, one case each.</summary>
    public IReadOnlyList<int> Callers { get; init; } = [1, 2, 4, 8, 16, 32];

    /// <summary>What makes figures differ besides device and threads, in words; null for the defaults.</summary>
    public string? Differences
    {
        get
        {
            List<string> differences = [];
            if (KvType != KvCacheType.F16)
                differences.Add($"KV cache {KvType}");
            if (FlashAttention is { } flash)
                differences.Add($"flash attention {(flash ? "on" : "off")}");
            if (Poll is { } poll)
                differences.Add($"bare loop polls {poll}");
            return differences.Count == 0 ? null : string.Join(", ", differences);
        }
    }

    /// <summary>Options for a load, to be adjusted further.</summary>
    public EmbeddedModelOptions CreateOptions() => new()
    {
        Threads = Threads,
        KeyCacheType = KvType,
        ValueCacheType = KvType,
        FlashAttention = FlashAttention,
        // As ggml has it in a device's name.
        Devices = [Device == "metal" ? "MTL" : Device],
    };

    /// <summary>Loads llama.cpp, and looks for the device.</summary>
    /// <returns>The GPUs that hold a model's layers; none for the CPU.</returns>
    /// <exception cref="InvalidOperationException">The device is not there, and what to do about it.</exception>
    public IReadOnlyList<BackendDevice> FindDevices()
    {
        NativeLibraries libraries = NativeLibraryLoader.Load();
        try
        {
            return new DeviceChoice(BackendDevice.List(), libraries.UnusableBackends).Choose(CreateOptions());
        }
        catch (DeviceUnavailableException failure)
        {
            throw new InvalidOperationException($"{failure.Message} The benchmarks have its libraries where they are started with 'dotnet run -c Release -p:EmbeddedLlmGpu={Device}'.", failure);
        }
    }
}
