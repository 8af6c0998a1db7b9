namespace EmbeddedLlm.Interop;

/// <summary>Where the libraries of GPU makers lie when the system's own search does not find them.</summary>
internal static class ToolkitFolders
{
    /// <summary>The environment variable that names folders with CUDA's libraries: a toolkit's, or the <c>nvidia</c> folder of Python packages.</summary>
    public const string FolderVariable = "EMBEDDEDLLM_CUDA_DIR";

    private static readonly string[] Below = OperatingSystem.IsWindows() ? ["", @"bin\x64", "bin"] : ["", "lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib"];

    /// <summary>The file of a library; null where no folder has it.</summary>
    public static string? Find(string library)
    {
        // A name with a path in it would leave the folders.
        if (Path.GetFileName(library) != library)
            return null;
        foreach (string folder in Candidates())
        {
            string file = Path.Combine(folder, library);
            if (File.Exists(file))
                return file;
        }

        return null;
    }

    /// <summary>What was named comes first, then what installers name, then where they install.</summary>
    private static IEnumerable<string> Candidates()
    {
        foreach (string root in Split(Environment.GetEnvironmentVariable(FolderVariable)))
        {
            foreach (string folder in (string[])[root, .. FoldersIn(root, "*")])
            {
                foreach (string below in Below)
                    yield return Path.Combine(folder, below);
            }
        }

        foreach (string root in Installed())
        {
            foreach (string below in Below)
                yield return Path.Combine(root, below);
        }

        // Where Windows' driver shows itself inside WSL.
        if (OperatingSystem.IsLinux())
            yield return "/usr/lib/wsl/lib";
    }

    private static IEnumerable<string> Installed()
    {
        foreach (string variable in (string[])["CUDA_PATH", "CUDA_HOME"])
        {
            if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } root)
                yield return root;
        }

        string[] found = OperatingSystem.IsWindows()
            ? FoldersIn(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "NVIDIA GPU Computing Toolkit", "CUDA"), "v*")
            : OperatingSystem.IsLinux() ? [.. FoldersIn("/usr/local", "cuda*"), "/opt/cuda"] : [];
        foreach (string root in found)
            yield return root;
    }

    private static string[] Split(string? list) => list?.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    private static string[] FoldersIn(string folder, string pattern)
    {
        try
        {
            return Directory.Exists(folder) ? [.. Directory.EnumerateDirectories(folder, pattern).Order(StringComparer.Ordinal)] : [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
