using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

/// <summary>What native libraries are called on this platform, and where packages put them.</summary>
internal static class NativePlatform
{
    public static string FileExtension { get; } = OperatingSystem.IsWindows() ? ".dll" : OperatingSystem.IsMacOS() ? ".dylib" : ".so";

    public static string FilePrefix { get; } = OperatingSystem.IsWindows() ? "" : "lib";

    /// <summary>Alpine and its like: the packaged libraries need glibc.</summary>
    public static bool IsMusl { get; } = RuntimeInformation.RuntimeIdentifier is { } rid
        && (rid.Contains("musl", StringComparison.Ordinal) || rid.StartsWith("alpine", StringComparison.Ordinal));

    /// <summary>The runtime identifier whose folder in a package holds this process's libraries; null where no package has any.</summary>
    public static string? RuntimeIdentifier { get; } = FindRuntimeIdentifier();

    /// <summary>
    /// The files in <paramref name="folder"/> of one library, by name: <c>libllama.so</c>, <c>libllama.v0.4.0.so</c>,
    /// <c>libllama.cuda.v0.4.0.so</c>, <c>libllama.so.0</c>, but not <c>libllama-common.so</c>. Shortest first, so the plain build comes
    /// before variants.
    /// </summary>
    public static IReadOnlyList<string> FindLibraryFiles(string folder, string name)
    {
        string stem = FilePrefix + name;
        var files = new List<string>();
        foreach (string file in Directory.EnumerateFiles(folder, stem + "*"))
        {
            ReadOnlySpan<char> rest = Path.GetFileName(file.AsSpan())[stem.Length..];
            bool versionedLikeElf = FileExtension == ".so" && rest.StartsWith(".so.", StringComparison.Ordinal);
            if (rest.StartsWith(".", StringComparison.Ordinal) && (rest.EndsWith(FileExtension, StringComparison.OrdinalIgnoreCase) || versionedLikeElf))
                files.Add(file);
        }

        files.Sort(static (left, right) => left.Length != right.Length ? left.Length - right.Length : string.CompareOrdinal(left, right));
        return files;
    }

    private static string? FindRuntimeIdentifier()
    {
        string? system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : OperatingSystem.IsLinux() && !IsMusl ? "linux" : null;
        string? architecture = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => "x64",
            Architecture.Arm64 => "arm64",
            _ => null,
        };
        return system is null || architecture is null ? null : $"{system}-{architecture}";
    }
}
