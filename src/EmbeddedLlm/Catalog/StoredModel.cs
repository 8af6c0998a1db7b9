namespace EmbeddedLlm;

/// <summary>A model that the store has, whole.</summary>
public sealed record StoredModel
{
    internal StoredModel(string name, string source, string path, IReadOnlyList<string> files)
    {
        (Name, Source, Path, Files) = (name, source, path, files);
    }

    /// <summary>The name to load it by: the catalogue's, such as <c>qwen2.5-0.5b-instruct</c> or <c>qwen2.5-0.5b-instruct:Q8_0</c>, or else <see cref="Source"/>.</summary>
    public string Name { get; }

    /// <summary>Where it came from: <c>hf:owner/repository/file.gguf</c>, or an address; of what was behind its question mark a mark alone is kept, as a fragment.</summary>
    public string Source { get; }

    /// <summary>The full path of its first file, which is what <see cref="EmbeddedModel"/> loads.</summary>
    public string Path { get; }

    /// <summary>The full paths of all its files.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>The quantisation, such as <c>Q4_K_M</c>, where the file's name tells.</summary>
    public string? Quantisation { get; init; }

    /// <summary>The size of all files in bytes.</summary>
    public long Size { get; init; }

    /// <summary>The commit it is of, where the hub named one.</summary>
    public string? Revision { get; init; }

    /// <summary>When it was downloaded.</summary>
    public DateTimeOffset Pulled { get; init; }
}

/// <summary>What the check of a stored model found.</summary>
/// <param name="Model">The model.</param>
/// <param name="Problems">What is wrong, a sentence each; none where it is as it was when it came.</param>
public sealed record ModelVerification(StoredModel Model, IReadOnlyList<string> Problems)
{
    /// <summary>Whether nothing is wrong.</summary>
    public bool IsIntact => Problems.Count == 0;
}
