using System.Runtime.InteropServices;
using System.Text;

namespace EmbeddedLlm.Interop;

/// <summary>
/// Opens the libraries of the first folder that has a usable build. Keeps no state: what it opened and refused is closed again.
/// </summary>
internal static class NativeLibraryOpener
{
    /// <exception cref="NativeLibraryException">No folder has one; the message says why for each path.</exception>
    public static NativeLibraries Open(IEnumerable<string> folders)
    {
        var attempts = new List<(string Path, string Reason)>();
        foreach (string folder in folders)
        {
            if (TryOpenFolder(folder, attempts) is { } libraries)
                return libraries;
        }

        throw new NativeLibraryException(Describe(attempts), [.. attempts.Select(attempt => attempt.Path)]);
    }

    private static NativeLibraries? TryOpenFolder(string folder, List<(string Path, string Reason)> attempts)
    {
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
            if (TryOpenBuild(folder, candidate, attempts) is { } libraries)
                return libraries;
        }

        return null;
    }

    /// <summary>Opens dependencies first and each by its full path, so the system's own search never picks a namesake elsewhere.</summary>
    private static NativeLibraries? TryOpenBuild(string folder, string llamaFile, List<(string Path, string Reason)> attempts)
    {
        string variant = Path.GetFileName(llamaFile)[(NativePlatform.FilePrefix + NativeMethods.Llama).Length..];
        string? ggmlBaseFile = FindCompanion(folder, NativeMethods.GgmlBase, variant);
        string? ggmlFile = FindCompanion(folder, NativeMethods.Ggml, variant);
        if (ggmlBaseFile is null || ggmlFile is null)
        {
            string missing = NativePlatform.FilePrefix + (ggmlBaseFile is null ? NativeMethods.GgmlBase : NativeMethods.Ggml);
            attempts.Add((llamaFile, $"{missing}*{NativePlatform.FileExtension}, which it needs, is not beside it"));
            return null;
        }

        nint ggmlBase = 0, ggml = 0, llama = 0;
        bool accepted = false;
        try
        {
            if (!TryLoad(ggmlBaseFile, attempts, out ggmlBase) || !TryLoad(ggmlFile, attempts, out ggml) || !TryLoad(llamaFile, attempts, out llama))
                return null;

            string? version = NativeAbi.ReadVersion(llama);
            if (NativeAbi.FindProblem(llama, version) is { } problem)
            {
                attempts.Add((llamaFile, problem));
                return null;
            }

            accepted = true;
            return new NativeLibraries(folder, version!, llama, ggml, ggmlBase);
        }
        finally
        {
            if (!accepted)
            {
                Close(llama);
                Close(ggml);
                Close(ggmlBase);
            }
        }
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

    private static void Close(nint handle)
    {
        if (handle != 0)
            NativeLibrary.Free(handle);
    }

    private static string Describe(List<(string Path, string Reason)> attempts)
    {
        var text = new StringBuilder("No usable llama.cpp library was found. Tried, in this order:");
        foreach ((string path, string reason) in attempts)
            text.AppendLine().Append("  ").Append(path).Append(": ").Append(reason);

        text.AppendLine();
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
