using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

/// <summary>
/// The libraries that a backend's file needs, held open while it is loaded: those that the system finds by name, and those that lie in a toolkit's folder, which the system then takes because
/// they are open. Closing it gives up what the backend does not hold itself.
/// </summary>
internal sealed class BackendDependencies : IDisposable
{
    private readonly List<nint> _handles = [];
    private readonly List<string> _missing = [];

    private BackendDependencies()
    {
    }

    /// <summary>The libraries that were found nowhere, by name.</summary>
    public IReadOnlyList<string> Missing => _missing;

    /// <summary>Opens what the file needs; of a file that does not tell, nothing.</summary>
    public static BackendDependencies Open(string file)
    {
        BackendDependencies dependencies = new();
        foreach (string library in LibraryImage.Read(file)?.Needed ?? [])
        {
            if (!dependencies.TryOpen(library, Path.GetDirectoryName(file)!))
                dependencies._missing.Add(library);
        }

        return dependencies;
    }

    public void Dispose()
    {
        foreach (nint handle in _handles)
            NativeLibrary.Free(handle);
        _handles.Clear();
    }

    private bool TryOpen(string library, string ownFolder)
    {
        if (TryOpenFile(library))
            return true;
        string beside = Path.Combine(ownFolder, Path.GetFileName(library));
        if ((File.Exists(beside) ? beside : ToolkitFolders.Find(library)) is not { } file)
            return false;
        if (TryOpenFile(file))
            return true;

        // cuBLAS needs cuBLASLt, which lies beside it where the system does not look.
        foreach (string next in LibraryImage.Read(file)?.Needed ?? [])
        {
            if (!TryOpenFile(next) && ToolkitFolders.Find(next) is { } found)
                TryOpenFile(found);
        }

        return TryOpenFile(file);
    }

    private bool TryOpenFile(string nameOrPath)
    {
        if (!NativeLibrary.TryLoad(nameOrPath, out nint handle))
            return false;
        _handles.Add(handle);
        return true;
    }
}
