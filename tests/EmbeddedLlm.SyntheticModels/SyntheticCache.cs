using System.Diagnostics;
using System.Globalization;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.SyntheticModels;

/// <summary>
/// A folder of synthetic models, each written when it is first asked for. Several processes may use one folder: a file gets its name when it is whole, and who comes second with it puts the same bytes there.
/// </summary>
/// <param name="folder">The folder; made where it does not exist.</param>
/// <param name="report">Gets a line for each file that is written.</param>
internal sealed class SyntheticCache(string folder, Action<string> report)
{
    /// <summary>Stands in the files' names, and is to be changed with the bytes that are written for a name.</summary>
    public const int Version = 3;

    // No file takes longer to write or, after that, to quantise than this; what is older was left by a process that ended.
    private static readonly TimeSpan LongestUse = TimeSpan.FromHours(6);

    /// <summary>The path of a model's file, written if need be.</summary>
    /// <param name="choice">The model.</param>
    /// <param name="vocabularyPath">A GGUF file with the real vocabulary; null to generate one.</param>
    /// <param name="cancellationToken">Gives up; nothing is left behind.</param>
    /// <exception cref="ArgumentException">The vocabulary has another size than the model's.</exception>
    /// <exception cref="IOException">There is not enough room.</exception>
    public string GetOrWrite(SyntheticChoice choice, string? vocabularyPath, CancellationToken cancellationToken = default)
    {
        string path = PathOf(choice, vocabularyPath);
        if (File.Exists(path))
            return path;

        using SyntheticPartialFile partial = WritePartial(choice, vocabularyPath, cancellationToken);
        partial.MoveTo(path);
        return path;
    }

    /// <summary>The path of an encoder's file, written if need be.</summary>
    /// <param name="name">What the file is called.</param>
    /// <param name="shape">The encoder's sizes.</param>
    public string GetOrWriteEncoder(string name, SyntheticEncoderShape shape)
    {
        string path = Path.Combine(folder, $"{name}-v{Version}.gguf");
        if (File.Exists(path))
            return path;
        Directory.CreateDirectory(folder);
        using SyntheticPartialFile partial = new(path);
        SyntheticEncoder.Write(partial.Path, SyntheticEncoder.Mean, shape: shape);
        partial.MoveTo(path);
        return path;
    }

    /// <summary>Where a model's file is or will be.</summary>
    public string PathOf(SyntheticChoice choice, string? vocabularyPath) =>
        Path.Combine(folder, $"{choice.Preset.Name}-{choice.MixName}-{VocabularyTag(vocabularyPath)}-v{Version}.gguf");

    /// <summary>Writes a model to a file that is deleted with the object.</summary>
    /// <inheritdoc cref="GetOrWrite"/>
    public SyntheticPartialFile WritePartial(SyntheticChoice choice, string? vocabularyPath, CancellationToken cancellationToken = default)
    {
        SyntheticVocabulary vocabulary = vocabularyPath is null ? choice.Preset.CreateVocabulary() : SyntheticVocabulary.FromFile(vocabularyPath);
        if (vocabulary.TokenCount != choice.Preset.TokenCount)
            throw new ArgumentException($"'{vocabularyPath}' has {vocabulary.TokenCount:N0} tokens where {choice.Preset.Name} has {choice.Preset.TokenCount:N0}.", nameof(vocabularyPath));

        Directory.CreateDirectory(folder);
        SyntheticPartialFile.DeleteLeftovers(folder, LongestUse);
        string path = PathOf(choice, vocabularyPath);
        GgufWriter writer = SyntheticModel.Describe(choice.Shape, vocabulary);
        long length = SyntheticModel.LengthOf(writer);
        EnsureRoom(path, length);

        SyntheticPartialFile partial = new(path);
        try
        {
            long start = Stopwatch.GetTimestamp();
            using (FileStream stream = new(partial.Path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0))
                writer.Write(stream, cancellationToken);
            TimeSpan time = Stopwatch.GetElapsedTime(start);
            report(string.Create(CultureInfo.InvariantCulture, $"Wrote {choice}, {length / 1e9:F2} GB, in {time.TotalSeconds:F1} s: {length / 1e9 / time.TotalSeconds:F2} GB/s, in {folder}"));
            return partial;
        }
        catch
        {
            partial.Dispose();
            throw;
        }
    }

    private static string VocabularyTag(string? path) => path is null ? "generated" : Path.GetFileNameWithoutExtension(path).Replace("ggml-vocab-", "", StringComparison.Ordinal);

    private void EnsureRoom(string path, long length)
    {
        long free = new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        if (length > free)
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"'{path}' takes {length / 1e9:F2} GB, and {free / 1e9:F2} GB are free there. The temporary folder can be moved with the environment variable TMPDIR, on Windows TMP."));
    }
}
