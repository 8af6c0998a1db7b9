namespace EmbeddedLlm.Gguf;

/// <summary>
/// Refuses model files that would end the process: llama.cpp meets much of what can be wrong in a file with an assertion, an index that
/// is not checked, an endless loop or a huge allocation, and none of those can be caught in managed code.
/// </summary>
/// <remarks>
/// <para>
/// The checks follow llama.cpp v0.4.0: what its loader, its tokenizers and its compute graphs take for granted about a file. A healthy
/// model is never refused. Of an architecture that llama.cpp v0.4.0 does not know, only layout and tokenizer are checked. A file that
/// passes may still be one that llama.cpp cannot load; it then says so without harm.
/// </para>
/// <para>Only the header is looked at, never a weight. Thread-safe.</para>
/// </remarks>
public static class GgufModelValidator
{
    /// <summary>
    /// The most metadata keys, and the most tensors. llama.cpp compares each with every other, so their number is a question of time.
    /// </summary>
    internal const int MaximumEntries = 65_536;

    /// <summary>Checks a model that is one file.</summary>
    /// <param name="file">The header of the file.</param>
    /// <exception cref="GgufFormatException">The file is not safe to load. The message says why.</exception>
    public static void Validate(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        Validate([file]);
    }

    /// <summary>Checks a model that is split over several files.</summary>
    /// <param name="parts">The headers of the files in their order; the metadata lies in the first.</param>
    /// <exception cref="GgufFormatException">The files are not safe to load. The message says why.</exception>
    /// <exception cref="ArgumentException">There is no file.</exception>
    public static void Validate(IReadOnlyList<GgufFile> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        if (parts.Count == 0)
            throw new ArgumentException("A model has at least one file.", nameof(parts));

        foreach (GgufFile part in parts)
            GgufLayoutChecks.Check(part);

        GgufSplitChecks.Check(parts);
        GgufModelKeys keys = new(parts[0]);
        GgufTokenizerChecks.Check(keys);
        if (!GgufArchitectures.TryFind(keys.Architecture, out GgufArchitecture architecture))
            return;

        GgufHyperparameterChecks.Check(keys, architecture, parts);
        GgufTensorChecks.Check(keys, parts);
    }

    /// <summary>Checks a file that is used for its vocabulary alone; it needs no hyperparameters and no tensors.</summary>
    /// <param name="file">The header of the file.</param>
    /// <exception cref="GgufFormatException">The file is not safe to load. The message says why.</exception>
    public static void ValidateVocabulary(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        GgufLayoutChecks.Check(file);
        GgufTokenizerChecks.Check(new GgufModelKeys(file));
    }
}
