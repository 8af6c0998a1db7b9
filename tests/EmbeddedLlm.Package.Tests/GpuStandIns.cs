namespace EmbeddedLlm.Package.Tests;

/// <summary>
/// Small files in place of the GPU backends, each of which would be hundreds of megabytes to download: laid out as npm would have fetched them, and marked as fetched. What is packed, and where an application
/// finds it, does not depend on what is in them.
/// </summary>
internal static class GpuStandIns
{
    private static readonly (string Package, string File, string Packed)[] Files =
    [
        ("linux-x64-cuda", "linux-x64-cuda/libggml-cuda.so", "runtimes/linux-x64/native/libggml-cuda.so"),
        ("win-x64-cuda", "win-x64-cuda/ggml-cuda.dll", "runtimes/win-x64/native/ggml-cuda.dll"),
        ("linux-x64-cuda-ext", "linux-x64-cuda/fallback/libggml-cuda.so", "runtimes/linux-x64/native/libggml-cuda12.so"),
        ("win-x64-cuda-ext", "win-x64-cuda/fallback/ggml-cuda.dll", "runtimes/win-x64/native/ggml-cuda12.dll"),
        ("linux-x64-vulkan", "linux-x64-vulkan/libggml-vulkan.so", "runtimes/linux-x64/native/libggml-vulkan.so"),
        ("win-x64-vulkan", "win-x64-vulkan/ggml-vulkan.dll", "runtimes/win-x64/native/ggml-vulkan.dll"),
    ];

    /// <summary>Whether a package is made of stand-ins.</summary>
    public static bool Replace(string package) => package is "EmbeddedLlm.Runtime.Cuda" or "EmbeddedLlm.Runtime.Cuda12" or "EmbeddedLlm.Runtime.Vulkan";

    /// <summary>What is in the file that a package has under a name.</summary>
    public static string ContentOf(string packed) => $"In place of {Files.Single(file => file.Packed == packed).Package}.";

    public static void Write(string root)
    {
        foreach ((string package, string file, string packed) in Files)
        {
            string bins = Path.Combine(root, package, "node_modules", "@node-llama-cpp", package, "bins");
            string path = Path.Combine(bins, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, ContentOf(packed));
            // What npm also brings, and what is not to be packed.
            File.WriteAllText(Path.Combine(Path.GetDirectoryName(path)!, "libggml-base.so"), "");
            File.WriteAllText(Path.Combine(root, package, "LICENSE.node-llama-cpp.txt"), "MIT License");
            File.WriteAllText(Path.Combine(root, package, ".fetched"), "");
        }
    }
}
