using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Benchmarks;

/// <summary>The models that are measured. Synthetic ones are written once, into the system's temporary folder, and used again.</summary>
internal static class BenchmarkFiles
{
    public const string Starter = "starter";
    public const string Qwen25Of500M = "qwen2.5-0.5b";

    /// <summary>What to give <see cref="EmbeddedModel.LoadAsync"/> for a name: a path, or the name itself where the catalogue knows it.</summary>
    public static string Resolve(string name) => name == Qwen25Of500M ? WriteQwen25Of500M() : name;

    /// <summary>A vocabulary beside the checkout; null where there is none.</summary>
    public static string? FindSharedVocabulary(string file) => FindShared("vocab", file);

    /// <summary>A data file beside the checkout; null where there is none.</summary>
    public static string? FindShared(string kind, string file)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists(Path.Combine(folder.FullName, "EmbeddedLlm.sln")))
                continue;
            string path = Path.Combine(folder.FullName, "..", "shared", "data", kind, file);
            return File.Exists(path) ? Path.GetFullPath(path) : null;
        }

        return null;
    }

    private static string WriteQwen25Of500M()
    {
        string? vocabulary = FindSharedVocabulary("ggml-vocab-qwen2.gguf");
        string folder = Path.Combine(Path.GetTempPath(), "embeddedllm-benchmarks");
        string path = Path.Combine(folder, $"{Qwen25Of500M}-{(vocabulary is null ? "generated" : "qwen2")}-q4_k_m.gguf");
        if (File.Exists(path))
            return path;

        Console.WriteLine($"Writing {path}");
        Directory.CreateDirectory(folder);
        string partial = $"{path}.{Environment.ProcessId}";
        SyntheticModel.Write(
            partial,
            SyntheticShape.Qwen25Of500M,
            vocabulary is null ? SyntheticVocabulary.ByteLevel(151_936) : SyntheticVocabulary.FromFile(vocabulary));
        File.Move(partial, path, overwrite: true);
        return path;
    }
}
