namespace EmbeddedLlm.Interop;

/// <summary>A file with a backend of ggml, such as <c>libggml-cuda12.so</c>.</summary>
/// <param name="Path">The file's full path.</param>
/// <param name="Name">What its name says: <c>cuda12</c>, <c>cpu-haswell</c>.</param>
internal sealed record BackendFile(string Path, string Name)
{
    private const string CpuFamily = "cpu";

    /// <summary>The backends that llama.cpp v0.4 has, in the order in which it registers them (ggml/src/ggml-backend-reg.cpp).</summary>
    private static readonly string[] Families =
        [CpuFamily, "blas", "zendnn", "cann", "cuda", "hip", "metal", "rpc", "sycl", "vulkan", "virtgpu", "opencl", "hexagon", "musa", "openvino"];

    /// <summary>The backend without its variant: <c>cuda</c> for <c>cuda12</c>. One file of a family is enough.</summary>
    public string Family { get; } = FamilyOf(Name) ?? Name;

    public bool IsCpu => Family == CpuFamily;

    /// <summary>The backends in the folders, by family and then by name; of two files with one name the first folder's.</summary>
    public static IReadOnlyList<BackendFile> Find(IEnumerable<string> folders)
    {
        List<BackendFile> files = [];
        foreach (string folder in folders)
        {
            foreach (BackendFile file in FindIn(folder))
            {
                if (!files.Exists(known => known.Name == file.Name))
                    files.Add(file);
            }
        }

        files.Sort(static (left, right) => Array.IndexOf(Families, left.Family) is var first && Array.IndexOf(Families, right.Family) is var second && first != second
            ? first - second
            : string.CompareOrdinal(left.Name, right.Name));
        return files;
    }

    /// <summary>The backend that a file's name tells of; null where it is none that llama.cpp has.</summary>
    public static BackendFile? FromPath(string path)
    {
        string prefix = NativePlatform.FilePrefix + "ggml-";
        string stem = System.IO.Path.GetFileNameWithoutExtension(path).ToLowerInvariant();
        return stem.StartsWith(prefix, StringComparison.Ordinal) && stem[prefix.Length..] is var name && FamilyOf(name) is not null ? new BackendFile(path, name) : null;
    }

    private static IEnumerable<BackendFile> FindIn(string folder)
    {
        try
        {
            // Backends end in .so on macOS too.
            string pattern = NativePlatform.FilePrefix + "ggml-*" + (OperatingSystem.IsWindows() ? ".dll" : ".so");
            return Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, pattern).Order(StringComparer.Ordinal).Select(FromPath).OfType<BackendFile>()] : [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The family's name alone, or followed by a number or by a dash and a variant.</summary>
    private static string? FamilyOf(string name) => Array.Find(
        Families,
        family => name.StartsWith(family, StringComparison.Ordinal) && name[family.Length..] is var rest && (rest.StartsWith('-') || rest.All(char.IsAsciiDigit)));
}
