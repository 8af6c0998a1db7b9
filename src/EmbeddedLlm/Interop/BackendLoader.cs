using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Logging;

namespace EmbeddedLlm.Interop;

/// <summary>
/// Registers the backends: the CPU's file that suits this processor best, then one file of each other backend. Those need what a machine may not have (a driver, CUDA's runtime), so one that cannot be used
/// is no error: the reason is kept. Called once, by the loader.
/// </summary>
internal static unsafe class BackendLoader
{
    /// <summary>The environment variable that names the backends to load beside the CPU's, such as <c>cuda,vulkan</c>, or <c>cpu</c> for none.</summary>
    public const string ChoiceVariable = "EMBEDDEDLLM_BACKENDS";

    // llama.cpp's own, for a file that lies elsewhere.
    private const string PathVariable = "GGML_BACKEND_PATH";

    /// <summary>Registers what the folders have.</summary>
    /// <param name="folders">The folder of the libraries first: the CPU's files belong to it.</param>
    /// <returns>The backends that cannot be used.</returns>
    public static IReadOnlyList<UnusableBackend> Load(IReadOnlyList<string> folders)
    {
        if (NativeMethods.ggml_backend_dev_by_type(ggml_backend_dev_type.CPU) is null)
            LoadCpu(BackendFile.Find(folders.Take(1)));
        List<UnusableBackend> unusable = [];
        HashSet<string> loaded = [];
        List<BackendFile> files = [.. BackendFile.Find(folders).Where(file => !file.IsCpu)];
        if (Environment.GetEnvironmentVariable(PathVariable) is { Length: > 0 } path)
            files.Add(BackendFile.FromPath(Path.GetFullPath(path)) ?? new BackendFile(Path.GetFullPath(path), Path.GetFileNameWithoutExtension(path)));

        HashSet<string>? chosen = ReadChoice(Environment.GetEnvironmentVariable(ChoiceVariable));
        foreach (BackendFile file in files)
        {
            if (chosen is not null && !chosen.Contains(file.Name) && !chosen.Contains(file.Family))
                continue;
            if (loaded.Contains(file.Family))
                continue;
            if (TryLoad(file) is { } failure)
                unusable.Add(failure);
            else
                loaded.Add(file.Family);
        }

        foreach (string name in chosen ?? [])
        {
            if (!files.Exists(file => file.Name == name || file.Family == name))
                unusable.Add(new UnusableBackend(name, null, $"{ChoiceVariable} names it, and there is no file {NativePlatform.FilePrefix}ggml-{name} in {string.Join(", ", folders)}", null, []));
        }

        return unusable;
    }

    /// <summary>The names in a list; null where there is none, and so no choice. The CPU's backend is always loaded.</summary>
    internal static HashSet<string>? ReadChoice(string? list) => string.IsNullOrWhiteSpace(list)
        ? null
        : [.. list.ToLowerInvariant().Split((char[])[',', ';', ' '], StringSplitOptions.RemoveEmptyEntries).Where(name => name != "cpu")];

    /// <summary>Each file tells how well it suits the processor; 0 where it would use instructions that there are not.</summary>
    private static void LoadCpu(IReadOnlyList<BackendFile> files)
    {
        BackendFile? best = null;
        int bestScore = 0;
        foreach (BackendFile file in files)
        {
            if (!file.IsCpu)
                continue;
            int score = ScoreOf(file.Path);
            if (score > bestScore)
                (best, bestScore) = (file, score);
        }

        // A build for one kind of processor has one file, which does not score itself.
        best ??= files.FirstOrDefault(file => file.Name == "cpu");
        if (best is not null)
            Register(best.Path);
    }

    private static int ScoreOf(string path)
    {
        if (LoadFailure.FindWrongImage(path) is not null || !NativeLibrary.TryLoad(path, out nint handle))
            return 0;
        try
        {
            return NativeLibrary.TryGetExport(handle, "ggml_backend_score", out nint score) ? ((delegate* unmanaged[Cdecl]<int>)score)() : 0;
        }
        finally
        {
            NativeLibrary.Free(handle);
        }
    }

    /// <summary>Null where the backend has devices now.</summary>
    private static UnusableBackend? TryLoad(BackendFile file)
    {
        if (LoadFailure.FindWrongImage(file.Path) is { } wrong)
            return new UnusableBackend(file.Name, file.Path, wrong, null, []);

        long mark = NativeLog.Mark();
        using BackendDependencies dependencies = BackendDependencies.Open(file.Path);
        ggml_backend_reg* backend = Register(file.Path);
        // The network's devices come later, by address.
        if (backend is not null && (NativeMethods.ggml_backend_reg_dev_count(backend) > 0 || file.Family == "rpc"))
            return null;

        string said = string.Join(" ", NativeLog.Since(mark, Environment.CurrentManagedThreadId).Where(line => line.Level >= LogLevel.Warning).Select(line => line.Text.Trim()));
        IReadOnlyList<string> missing = backend is null ? dependencies.Missing : [];
        string reason = missing.Count > 0 ? $"{string.Join(", ", missing)} {(missing.Count > 1 ? "are" : "is")} missing"
            : backend is not null ? said.Length > 0 ? $"{BackendAdvice.NoDevice} ({said})" : BackendAdvice.NoDevice
            : said.Length > 0 ? said : "the system or ggml refused it";
        return new UnusableBackend(file.Name, file.Path, reason, BackendAdvice.For(file.Family, missing, reason), missing);
    }

    /// <summary>Null where the backend cannot be used. On Windows ggml takes a path in the system's code page, which has not all characters: there its steps are done here instead (ggml-backend-reg.cpp, <c>load_backend</c>).</summary>
    private static ggml_backend_reg* Register(string path)
    {
        if (!OperatingSystem.IsWindows() || Ascii.IsValid(path))
            return NativeMethods.ggml_backend_load(path);

        // What was opened stays open, as its threads may be running.
        if (!NativeLibrary.TryLoad(path, out nint handle) || !NativeLibrary.TryGetExport(handle, "ggml_backend_init", out nint initialize))
            return null;
        ggml_backend_reg* backend = ((delegate* unmanaged[Cdecl]<ggml_backend_reg*>)initialize)();
        ggml_backend_device* cpu = NativeMethods.ggml_backend_dev_by_type(ggml_backend_dev_type.CPU);
        if (backend is null || (cpu is not null && VersionOf(backend) != VersionOf(NativeMethods.ggml_backend_dev_backend_reg(cpu))))
            return null;
        NativeMethods.ggml_backend_register(backend);
        return backend;
    }

    /// <summary>The version of the interface, the first field of a backend's entry; all of one ggml have the same.</summary>
    private static int VersionOf(ggml_backend_reg* backend) => *(int*)backend;
}
