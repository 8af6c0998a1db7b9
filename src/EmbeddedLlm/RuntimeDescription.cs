namespace EmbeddedLlm;

/// <summary>The llama.cpp in the process and what it can compute on.</summary>
/// <param name="Version">llama.cpp's version, such as <c>0.4.0-dev</c>.</param>
/// <param name="Folder">The folder that it was loaded from.</param>
/// <param name="Devices">The devices, the CPU first.</param>
/// <param name="UnusableBackends">The backends that are installed and cannot be used.</param>
public sealed record RuntimeDescription(string Version, string Folder, IReadOnlyList<DeviceInfo> Devices, IReadOnlyList<UnusableBackend> UnusableBackends);

/// <summary>A device that a model can be computed on.</summary>
/// <param name="Name">Its name in <see cref="EmbeddedModelOptions.Devices"/>: <c>CPU</c>, <c>CUDA0</c>, <c>Vulkan1</c>.</param>
/// <param name="Description">The product's name.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Backend">The backend that offers it: <c>CPU</c>, <c>CUDA</c>, <c>Vulkan</c>, <c>Metal</c>.</param>
/// <param name="FreeMemory">The bytes that were free when it was listed; null where it does not say.</param>
/// <param name="TotalMemory">Its memory in bytes; null where it does not say.</param>
/// <param name="Id">What tells the same card apart that two backends offer, such as its place on the PCI bus; null where unknown.</param>
public sealed record DeviceInfo(string Name, string Description, DeviceKind Kind, string Backend, long? FreeMemory, long? TotalMemory, string? Id);

/// <summary>What a <see cref="DeviceInfo"/> is.</summary>
public enum DeviceKind
{
    /// <summary>The processor, with main memory.</summary>
    Cpu,

    /// <summary>A GPU with memory of its own, or Apple's.</summary>
    Gpu,

    /// <summary>A GPU that shares main memory with the processor.</summary>
    IntegratedGpu,

    /// <summary>A library or unit that helps the processor, such as BLAS.</summary>
    Accelerator,
}
