using System.Reflection;
using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

/// <summary>
/// Brings llama.cpp into the process, once: finds and checks its libraries, binds <see cref="NativeMethods"/> to exactly those, forwards
/// their log, loads the backends. Thread-safe.
/// </summary>
internal static class NativeLibraryLoader
{
    /// <summary>The environment variable that names a folder to take the libraries from, and no other.</summary>
    public const string FolderVariable = "EMBEDDEDLLM_NATIVE_DIR";

    private static readonly Lock Gate = new();
    private static bool _resolving;
    private static volatile NativeLibraries? _bound;
    private static volatile NativeLibraries? _ready;
    private static NativeLibraryException? _failure;

    /// <summary>
    /// Loads the libraries, or returns those already loaded. A folder named here or by <see cref="FolderVariable"/> is the only one tried
    /// (itself and its <c>runtimes/&lt;rid&gt;/native</c>); otherwise the app's own folder, the packages' folders below it, and those where
    /// the host found native assets.
    /// </summary>
    /// <exception cref="NativeLibraryException">No usable library; says every path tried. A later call may try again elsewhere, unless a part of a refused build is in the process.</exception>
    /// <exception cref="InvalidOperationException">Libraries from another folder are loaded already.</exception>
    public static NativeLibraries Load(string? folder = null)
    {
        if (folder is null && _ready is { } ready)
            return ready;

        lock (Gate)
        {
            if (_failure is not null)
                throw new NativeLibraryException(_failure.Message, _failure.PathsTried);
            if (_ready is { } loaded)
                return EnsureSameFolder(loaded, folder);

            NativeLibraries libraries = Open(folder);
            Bind(libraries);
            libraries = libraries with { UnusableBackends = Start(libraries, FindFolders(folder)) };
            _ready = libraries;
            return libraries;
        }
    }

    private static NativeLibraries Open(string? folder)
    {
        try
        {
            return NativeLibraryOpener.Open(FindFolders(folder));
        }
        catch (NativeLibraryException exception) when (exception.IsFinal)
        {
            _failure = exception;
            throw;
        }
    }

    /// <summary>The folders that <see cref="Load"/> tries, in order.</summary>
    internal static IReadOnlyList<string> FindFolders(string? folder)
    {
        var folders = new List<string>();
        string? chosen = folder ?? Environment.GetEnvironmentVariable(FolderVariable);
        if (!string.IsNullOrWhiteSpace(chosen))
        {
            AddWithPackageFolder(folders, chosen);
            return folders;
        }

        AddWithPackageFolder(folders, AppContext.BaseDirectory);
        if (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is string searched)
        {
            foreach (string path in searched.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
                Add(folders, path);
        }

        return folders;
    }

    private static void AddWithPackageFolder(List<string> folders, string folder)
    {
        Add(folders, folder);
        if (NativePlatform.RuntimeIdentifier is { } rid)
            Add(folders, Path.Combine(folder, "runtimes", rid, "native"));
    }

    private static void Add(List<string> folders, string folder)
    {
        string full = Normalize(folder);
        if (!folders.Contains(full))
            folders.Add(full);
    }

    private static string Normalize(string folder) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));

    private static NativeLibraries EnsureSameFolder(NativeLibraries loaded, string? folder)
    {
        if (folder is null || FindFolders(folder).Contains(loaded.Folder))
            return loaded;

        throw new InvalidOperationException(
            $"llama.cpp {loaded.Version} is already loaded from {loaded.Folder}; a process can use one copy only, so {folder} was not loaded. " +
            "Name the folder on the first load.");
    }

    /// <summary>From here on the externs belong to these libraries: the runtime keeps what a first call resolved.</summary>
    private static void Bind(NativeLibraries libraries)
    {
        _bound = libraries;
        if (_resolving)
            return;

        NativeLibrary.SetDllImportResolver(typeof(NativeLibraryLoader).Assembly, Resolve);
        _resolving = true;
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) => (name, _bound) switch
    {
        (NativeMethods.Llama, { } libraries) => libraries.Llama,
        (NativeMethods.Ggml, { } libraries) => libraries.Ggml,
        (NativeMethods.GgmlBase, { } libraries) => libraries.GgmlBase,
        _ => 0,
    };

    /// <param name="libraries">What has been bound.</param>
    /// <param name="folders">Where backends are looked for: where packages lie in folders of their own, each has its part of the files.</param>
    private static IReadOnlyList<UnusableBackend> Start(NativeLibraries libraries, IReadOnlyList<string> folders)
    {
        NativeLog.Attach();
        long mark = NativeLog.Mark();

        // Backends are registered before llama_backend_init, which would otherwise look for some by itself.
        IReadOnlyList<UnusableBackend> unusable = BackendLoader.Load([libraries.Folder, .. folders.Where(folder => folder != libraries.Folder)]);
        NativeMethods.llama_backend_init();
        if (BackendDevice.List().Any(device => device.Type == ggml_backend_dev_type.CPU))
            return unusable;

        // The externs are bound now, so another folder cannot be tried in this process.
        string last = string.Join(" ", NativeLog.Since(mark).Select(line => line.Text));
        _failure = new NativeLibraryException(
            $"llama.cpp {libraries.Version} in {libraries.Folder} has no CPU backend for this machine: " +
            $"{NativePlatform.FilePrefix}ggml-cpu*{(OperatingSystem.IsWindows() ? ".dll" : ".so")} is missing there or was refused. {last}".TrimEnd(),
            [libraries.Folder]);
        throw _failure;
    }
}
