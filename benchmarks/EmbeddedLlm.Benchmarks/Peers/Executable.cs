namespace EmbeddedLlm.Benchmarks.Peers;

/// <summary>Programs on the PATH, or on another list of folders in its notation.</summary>
internal static class Executable
{
    /// <summary>The full path of a program.</summary>
    /// <param name="name">Its name, without an ending.</param>
    /// <param name="searchPath">Where it is looked for; null for the PATH.</param>
    /// <exception cref="PeerException">There is none on the PATH.</exception>
    public static string Require(string name, string? searchPath) => Find(name, searchPath) ?? throw new PeerException($"not found: there is no {name} on the PATH");

    /// <summary>The full path of a program; null where there is none on the PATH.</summary>
    public static string? Find(string name, string? searchPath)
    {
        string[] endings = OperatingSystem.IsWindows() ? [".exe", ".cmd", ".bat"] : [""];
        IEnumerable<string> paths =
            from folder in (searchPath ?? Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            from ending in endings
            select Path.Combine(folder, name + ending);
        return paths.FirstOrDefault(IsExecutable);
    }

    private static bool IsExecutable(string path) =>
        File.Exists(path) && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0);
}
