using EmbeddedLlm.Runtime;

namespace EmbeddedLlm;

/// <summary>The native part: llama.cpp, its backends, and the devices that they offer. Thread-safe.</summary>
public static class EmbeddedRuntime
{
    /// <summary>
    /// Loads llama.cpp, unless it is loaded, and tells what it can compute on. Backends are loaded once for the process, those that the environment variable <c>EMBEDDEDLLM_BACKENDS</c> names where it is
    /// set (such as <c>cuda,vulkan</c>, or <c>cpu</c> for no other); one that lacks a driver or a library is listed with the reason and does no harm.
    /// </summary>
    /// <param name="nativeLibraryFolder">As <see cref="EmbeddedModelOptions.NativeLibraryFolder"/>.</param>
    /// <exception cref="NativeLibraryException">There is no usable llama.cpp.</exception>
    /// <exception cref="InvalidOperationException">llama.cpp has been loaded from another folder.</exception>
    public static RuntimeDescription Describe(string? nativeLibraryFolder = null) => DeviceList.Read(nativeLibraryFolder);
}
