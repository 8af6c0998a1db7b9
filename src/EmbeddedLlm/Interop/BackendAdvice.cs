using System.Text.RegularExpressions;

namespace EmbeddedLlm.Interop;

/// <summary>What to do about a backend that cannot be used.</summary>
internal static partial class BackendAdvice
{
    /// <param name="family">The backend.</param>
    /// <param name="missing">The libraries that it needs and that are not there.</param>
    /// <param name="reason">Why it cannot be used, in the system's and llama.cpp's words.</param>
    public static string? For(string family, IReadOnlyList<string> missing, string reason)
    {
        List<string> advice = [];
        int? cuda = missing.Select(CudaVersion).FirstOrDefault(version => version is not null);
        if (cuda is not null)
        {
            advice.Add($"Install the CUDA {cuda} runtime (cudart and cuBLAS, of the CUDA Toolkit {cuda}) and let {PathVariable} name its folder, or name it in {ToolkitFolders.FolderVariable}"
                + (cuda > 12 ? "; for CUDA 12 there is the package EmbeddedLlm.Runtime.Cuda12." : "; for CUDA 13 there is the package EmbeddedLlm.Runtime.Cuda."));
        }

        if (missing.Any(library => library is "libcuda.so.1" or "nvcuda.dll"))
            advice.Add("Install NVIDIA's driver; where there is no NVIDIA GPU this backend is of no use.");
        if (missing.Any(library => library.StartsWith("libvulkan.so", StringComparison.Ordinal) || library.Equals("vulkan-1.dll", StringComparison.OrdinalIgnoreCase)))
            advice.Add("Install the Vulkan loader (libvulkan1 on Debian and Ubuntu, vulkan-loader on Fedora) and the GPU's driver, which brings both on Windows.");
        if (advice.Count == 0 && missing.Count > 0)
            advice.Add("Install what brings them.");
        if (advice.Count > 0)
            return string.Join(" ", advice);

        if (reason.Contains("driver version is insufficient", StringComparison.Ordinal))
            return "Update NVIDIA's driver (580 or newer for CUDA 13), or add the package EmbeddedLlm.Runtime.Cuda12, for which 525 or newer is enough.";
        if (reason.Contains("undefined symbol", StringComparison.Ordinal) || reason.Contains("incompatible API version", StringComparison.Ordinal))
            return "It belongs to another version of llama.cpp: take its package and EmbeddedLlm.Runtime.Cpu at the same version.";
        return reason.Contains(NoDevice, StringComparison.Ordinal) && family is "cuda" or "vulkan" or "hip"
            ? "Check that a GPU is there, that its driver is running, and that this process may use it (containers need --gpus or its devices)."
            : null;
    }

    /// <summary>How a backend that loads and has nothing to compute on is called.</summary>
    public const string NoDevice = "it found no device";

    private static string PathVariable => OperatingSystem.IsWindows() ? "PATH" : "LD_LIBRARY_PATH";

    private static int? CudaVersion(string library) =>
        CudaLibrary().Match(library) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture) : null;

    [GeneratedRegex(@"^(?:lib)?(?:cudart|cublas|cublasLt)(?:\.so\.|64_)(\d{1,3})(?:\.dll)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex CudaLibrary();
}
