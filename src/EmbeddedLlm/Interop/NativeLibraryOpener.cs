using System.Runtime.InteropServices;
using System.Text;

namespace EmbeddedLlm.Interop;

/// <summary>
/// Opens the libraries of the first folder that has a usable build.
/// </summary>
/// <remarks>
/// What was opened stays open, also when it is refused: ggml installs a C++ terminate handler that would dangle, and aborts the process when it finds that handler in
/// place as it is opened again at the same address. Nor can another folder be tried after that, since the system takes the open ggml for the one that the next build
/// asks for by name. So whatever can be seen from outside is checked before anything is opened.
/// </remarks>
internal static class NativeLibraryOpener
{
    /// <exception cref="NativeLibraryException">No folder has one; the message says why for each path.</exception>
    public static NativeLibraries Open(IEnumerable<string> folders)
    {
        var attempts = new List<(string Path, string Reason)>();
        bool isFinal = false;
        foreach (string folder in folders)
        {
            if (TryOpenFolder(folder, attempts, out isFinal) is { } libraries)
                return libraries;
            if (isFinal)
                break;
        }

        throw new NativeLibraryException(Describe(attempts, isFinal), [.. attempts.Select(attempt => attempt.Path)]) { IsFinal = isFinal };
    }

    private static NativeLibraries? TryOpenFolder(string folder, List<(string Path, string Reason)> attempts, out bool isFinal)
    {
        isFinal = false;
        IReadOnlyList<string> candidates;
        try
        {
            if (!Directory.Exists(folder))
            {
                attempts.Add((folder, "there is no such folder"));
                return null;
            }

            candidates = NativePlatform.FindLibraryFiles(folder, NativeMethods.Llama);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            attempts.Add((folder, exception.Message));
            return null;
        }

        if (candidates.Count == 0)
            attempts.Add((folder, $"there is no {NativePlatform.FilePrefix}llama*{NativePlatform.FileExtension} in it"));

        foreach (string candidate in candidates)
        {
            if (TryOpenBuild(folder, candidate, attempts, out isFinal) is { } libraries)
                return libraries;
            if (isFinal)
                break;
        }

        return null;
    }

    /// <summary>Opens dependencies first and each by its full path, so the system's own search never picks a namesake elsewhere.</summary>
    private static NativeLibraries? TryOpenBuild(string folder, string llamaFile, List<(string Path, string Reason)> attempts, out bool isFinal)
    {
        isFinal = false;
        string variant = Path.GetFileName(llamaFile)[(NativePlatform.FilePrefix + NativeMethods.Llama).Length..];
        string? ggmlBaseFile = FindCompanion(folder, NativeMethods.GgmlBase, variant);
        string? ggmlFile = FindCompanion(folder, NativeMethods.Ggml, variant);
        if (ggmlBaseFile is null || ggmlFile is null)
        {
            string missing = NativePlatform.FilePrefix + (ggmlBaseFile is null ? NativeMethods.GgmlBase : NativeMethods.Ggml);
            attempts.Add((llamaFile, $"{missing}*{NativePlatform.FileExtension}, which it needs, is not beside it"));
            return null;
        }

        foreach (string file in (ReadOnlySpan<string>)[ggmlBaseFile, ggmlFile, llamaFile])
        {
            if (LoadFailure.FindWrongImage(file) is { } reason)
            {
                attempts.Add((file, reason));
                return null;
            }
        }

        if (!TryLoad(ggmlBaseFile, attempts, out nint ggmlBase))
            return null;
        isFinal = true;
        if (!TryLoad(ggmlFile, attempts, out nint ggml) || !TryLoad(llamaFile, attempts, out nint llama))
            return null;

        string? version = NativeAbi.ReadVersion(llama);
        if (NativeAbi.FindProblem(llama, version) is { } problem)
        {
            attempts.Add((llamaFile, problem));
            return null;
        }

        return new NativeLibraries(folder, version!, llama, ggml, ggmlBase);
    }

    /// <summary>The library of the same variant and version where there is one (<c>.cuda.v0.4.0.so</c>), any otherwise.</summary>
    private static string? FindCompanion(string folder, string name, string variant)
    {
        IReadOnlyList<string> files = NativePlatform.FindLibraryFiles(folder, name);
        string exact = NativePlatform.FilePrefix + name + variant;
        foreach (string file in files)
        {
            if (Path.GetFileName(file).Equals(exact, StringComparison.OrdinalIgnoreCase))
                return file;
        }

        return files.Count > 0 ? files[0] : null;
    }

    private static bool TryLoad(string file, List<(string Path, string Reason)> attempts, out nint handle)
    {
        try
        {
            handle = NativeLibrary.Load(file);
            return true;
        }
        catch (Exception exception) when (exception is DllNotFoundException or BadImageFormatException)
        {
            attempts.Add((file, LoadFailure.Explain(file, exception.Message)));
            handle = 0;
            return false;
        }
    }

    private static string Describe(List<(string Path, string Reason)> attempts, bool isFinal)
    {
        var text = new StringBuilder("No usable llama.cpp library was found. Tried, in this order:");
        foreach ((string path, string reason) in attempts)
            text.AppendLine().Append("  ").Append(path).Append(": ").Append(reason);

        text.AppendLine();
        if (isFinal)
            text.Append("Part of that build is in the process now, so no other folder can be tried before a restart. ");
        if (NativePlatform.RuntimeIdentifier is null)
        {
            text.Append(NativePlatform.IsMusl
                ? "This system uses musl (Alpine, for example); the packaged libraries need glibc. Use an image with glibc 2.34 or newer, or "
                : $"There is no package for {RuntimeInformation.OSDescription} on {RuntimeInformation.ProcessArchitecture}. Build llama.cpp v0.4 or v0.5 and ");
        }
        else
        {
            text.Append("Install the package EmbeddedLlm.Runtime.Cpu (it has ").Append(NativePlatform.RuntimeIdentifier).Append("), or ");
        }

        return text.Append("set ").Append(NativeLibraryLoader.FolderVariable).Append(" to a folder that holds the libraries.").ToString();
    }
}
