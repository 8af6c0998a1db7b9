using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Runtime;

/// <summary>Which of the devices hold a model's layers.</summary>
/// <param name="devices">All that there are.</param>
/// <param name="unusable">The backends that might have had others.</param>
internal sealed class DeviceChoice(IReadOnlyList<BackendDevice> devices, IReadOnlyList<UnusableBackend> unusable)
{
    private const string Cpu = "CPU";

    // llama_max_devices().
    private const int Most = 16;

    /// <summary>The GPUs for a model, in the order in which they get its layers; none where the CPU computes all of it.</summary>
    /// <exception cref="DeviceUnavailableException">The options ask for a GPU that there is not.</exception>
    /// <exception cref="ArgumentException">There are not as many shares as GPUs.</exception>
    public IReadOnlyList<BackendDevice> Choose(EmbeddedModelOptions options)
    {
        List<BackendDevice> gpus = options.GpuLayers == 0 ? [] : options.Devices is { } names ? Named(names) : Usual();
        if (gpus.Count > Most)
            gpus.RemoveRange(Most, gpus.Count - Most);
        if (options.GpuLayers > 0 && gpus.Count == 0)
            throw Unavailable($"{nameof(EmbeddedModelOptions.GpuLayers)} asks for {options.GpuLayers} layers on GPUs, and no GPU can be used.");
        if (options.DeviceSplit == DeviceSplit.OneDevice && gpus.Count > 1)
            gpus = [gpus.MaxBy(gpu => gpu.MemoryFree)!];
        if (options.DeviceShares is { } shares && gpus.Count > 0 && shares.Count != gpus.Count)
            throw new ArgumentException($"{shares.Count} shares were given for {gpus.Count} GPUs: {string.Join(", ", gpus.Select(gpu => gpu.Name))}.", nameof(options));
        return gpus;
    }

    /// <summary>Whether a name in <see cref="EmbeddedModelOptions.Devices"/> is the processor's.</summary>
    public static bool IsCpu(string name) => name.Equals(Cpu, StringComparison.OrdinalIgnoreCase);

    /// <summary>As llama.cpp chooses by itself (src/llama.cpp, <c>llama_prepare_model_devices</c>): every card once, and the processor's own graphics only where there is no card.</summary>
    private List<BackendDevice> Usual()
    {
        List<BackendDevice> cards = [];
        foreach (BackendDevice device in devices)
        {
            if (device.Type == ggml_backend_dev_type.GPU && (device.Id is null || !cards.Exists(card => card.Id == device.Id)))
                cards.Add(device);
        }

        if (cards.Count > 0)
            return cards;
        BackendDevice? first = devices.FirstOrDefault(device => device.Type == ggml_backend_dev_type.IGPU);
        return [.. devices.Where(device => device.Type == ggml_backend_dev_type.IGPU && device.Backend == first?.Backend)];
    }

    private List<BackendDevice> Named(IReadOnlyList<string> names)
    {
        List<BackendDevice> chosen = [];
        foreach (string name in names)
        {
            if (IsCpu(name))
                continue;
            BackendDevice[] found = [.. Gpus().Where(device => device.Name.Equals(name, StringComparison.OrdinalIgnoreCase))];
            if (found.Length == 0)
                found = [.. Gpus().Where(device => device.Backend.Equals(name, StringComparison.OrdinalIgnoreCase))];
            if (found.Length == 0)
                throw Unavailable($"There is no GPU '{name}', by its own name or its backend's.");
            chosen.AddRange(found.Where(device => !chosen.Contains(device)));
        }

        return chosen;
    }

    private IEnumerable<BackendDevice> Gpus() => devices.Where(device => device.Type is ggml_backend_dev_type.GPU or ggml_backend_dev_type.IGPU);

    private DeviceUnavailableException Unavailable(string what)
    {
        string[] names = [.. Gpus().Select(gpu => $"{gpu.Name} ({gpu.Description.Trim()})")];
        string there = names.Length > 0 ? $" There are {string.Join(", ", names)}."
            : unusable.Count == 0 ? " No backend for GPUs is installed: add the package EmbeddedLlm.Runtime.Cuda, EmbeddedLlm.Runtime.Cuda12 or EmbeddedLlm.Runtime.Vulkan." : "";
        string why = unusable.Count > 0 ? " Installed, but of no use: " + string.Join(" ", unusable.Select(backend => $"{backend.ToString().TrimEnd('.')}.")) : "";
        return new DeviceUnavailableException(what + there + why, unusable, null);
    }
}
