using EmbeddedLlm.Catalog;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Benchmarks;

/// <summary>The models that are measured. Synthetic ones are written once, into the system's temporary folder, and used again.</summary>
internal static class BenchmarkFiles
{
    public const string Starter = "starter";
    public const string Qwen25Of500M = "qwen2.5-0.5b";

    /// <summary>Where synthetic models are kept.</summary>
    public static SyntheticCache Cache { get; } = new(Path.Combine(Path.GetTempPath(), "embeddedllm-benchmarks"), Console.WriteLine);

    /// <summary>What <see cref="Resolve"/> takes.</summary>
    public static string Known { get; } =
        $"A model is a name in the catalogue ({string.Join(", ", ModelCatalog.Default.Entries.Select(entry => entry.Name))}), the path of a .gguf file, or {SyntheticChoice.Prefix}SHAPE[:MIX]. {SyntheticChoice.Known}";

    /// <summary>What to give <see cref="EmbeddedModel.LoadAsync"/> for a name: a path, or the name itself where the catalogue knows it.</summary>
    /// <exception cref="ArgumentException">There is no such model; the message lists all names.</exception>
    public static string Resolve(string name, CancellationToken cancellationToken = default)
    {
        if (FaultOf(name) is { } fault)
            throw new ArgumentException(fault, nameof(name));
        return Find(name, out _) is { } choice ? Write(choice, cancellationToken) : name;
    }

    /// <summary>Why a name is no model's, with all names that are; null where it is right.</summary>
    public static string? FaultOf(string name)
    {
        if (Find(name, out string? fault) is not null || ModelCatalog.Default.Find(name) is not null || File.Exists(name))
            return null;
        return fault ?? $"'{name}' is neither a model's name nor a file. {Known}";
    }

    /// <summary>A model's name for people: as <c>--model</c> takes it, but a file's without its folder.</summary>
    public static string NameOf(string name) => Find(name, out _) is { } choice && name != Qwen25Of500M ? choice.ToString() : File.Exists(name) ? Path.GetFileName(name) : name;

    /// <summary>A real vocabulary for a shape, from beside the checkout; null where there is none.</summary>
    public static string? FindVocabulary(SyntheticPreset preset) => FindSharedVocabulary($"ggml-vocab-{preset.PreTokenizer}.gguf");

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

    private static SyntheticChoice? Find(string name, out string? fault)
    {
        fault = null;
        if (name == Qwen25Of500M)
            name = SyntheticChoice.Prefix + name;
        return name.StartsWith(SyntheticChoice.Prefix, StringComparison.OrdinalIgnoreCase) && SyntheticChoice.TryParse(name, out SyntheticChoice? choice, out fault) ? choice : null;
    }

    private static string Write(SyntheticChoice choice, CancellationToken cancellationToken) =>
        Cache.GetOrWrite(choice, FindVocabulary(choice.Preset), cancellationToken);
}
