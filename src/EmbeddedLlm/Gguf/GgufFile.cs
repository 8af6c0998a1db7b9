using System.Diagnostics.CodeAnalysis;

namespace EmbeddedLlm.Gguf;

/// <summary>
/// The header of a GGUF file: its metadata and the layout of its tensors. Version 2 and 3 are read, little-endian.
/// The format is described in ggml's <c>docs/gguf.md</c>.
/// </summary>
/// <remarks>
/// Instances hold the bytes of the header, not the file, and are safe to use from many threads. Reading checks the structure of the file,
/// not whether a model can be made of it; that is what <see cref="GgufModelValidator"/> does.
/// </remarks>
public sealed class GgufFile
{
    private readonly Dictionary<string, int> _tensorIndex;

    internal GgufFile(GgufHeaderLayout layout)
    {
        Version = layout.Version;
        Length = layout.FileLength;
        Alignment = layout.Alignment;
        DataOffset = layout.DataOffset;
        Metadata = layout.Metadata;
        Tensors = layout.Tensors;
        _tensorIndex = layout.TensorIndex;
    }

    /// <summary>The version of the format: 2 or 3.</summary>
    public int Version { get; }

    /// <summary>The length of the whole file in bytes, or null where it is not known.</summary>
    public long? Length { get; }

    /// <summary>The alignment of tensor data in bytes, a power of two: <c>general.alignment</c>, or 32.</summary>
    public int Alignment { get; }

    /// <summary>The byte position in the file at which tensor data begins.</summary>
    public long DataOffset { get; }

    /// <summary>The keys and values, in the order of the file.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>The tensors, in the order of the file.</summary>
    public IReadOnlyList<GgufTensorInfo> Tensors { get; }

    /// <summary>Reads the header of a file.</summary>
    /// <param name="path">The path of the file.</param>
    /// <exception cref="GgufFormatException">The file is not GGUF, or is damaged.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static GgufFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);

        // No buffer: the header is read in a few large pieces.
        const FileShare Share = FileShare.ReadWrite | FileShare.Delete;
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, Share, bufferSize: 0, FileOptions.SequentialScan);
        return Read(stream);
    }

    /// <summary>
    /// Throws where a file has no bytes, and does not open it: a pipe has none, and to open one waits for whoever is to write to it, where no cancellation reaches. For files that are read more than once; a
    /// header alone may well come from a pipe.
    /// </summary>
    /// <exception cref="GgufFormatException">It has none.</exception>
    /// <exception cref="IOException">There is no such file.</exception>
    internal static void EnsureNotEmpty(string path)
    {
        FileSystemInfo file = File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path);
        if (file is FileInfo { Exists: true, Length: 0 })
            Read(Stream.Null);
    }

    /// <summary>Reads the headers of all files of a model: of the one file, or of all that it is split over.</summary>
    /// <param name="path">The path of the only or the first file. The others lie beside it: <c>name-00001-of-00003.gguf</c> etc.</param>
    /// <exception cref="GgufFormatException">A file is not GGUF, or is damaged, or the first is not named as one of several.</exception>
    /// <exception cref="IOException">A file cannot be read; <see cref="FileNotFoundException"/> where it is missing.</exception>
    public static IReadOnlyList<GgufFile> OpenParts(string path)
    {
        GgufFile first = Open(path);
        return [first, .. GgufSplitChecks.OtherPaths(first, path).Select(Open)];
    }

    /// <summary>Reads the header of a file from a stream's current position, which is taken as the start of the file.</summary>
    /// <param name="stream">
    /// A readable stream. Where it can seek, its length bounds everything that is declared, and its position is put back to where it was;
    /// otherwise it is left somewhere after the header.
    /// </param>
    /// <exception cref="GgufFormatException">The bytes are not GGUF, or are damaged.</exception>
    /// <exception cref="ArgumentException">The stream cannot be read.</exception>
    public static GgufFile Read(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanRead)
            throw new ArgumentException("The stream cannot be read.", nameof(stream));
        if (!stream.CanSeek)
            return new GgufFile(GgufHeaderParser.Parse(GgufHeaderBuffer.FromStream(stream, length: null)));

        long start = stream.Position;
        try
        {
            return new GgufFile(GgufHeaderParser.Parse(GgufHeaderBuffer.FromStream(stream, Math.Max(0, stream.Length - start))));
        }
        finally
        {
            stream.Position = start;
        }
    }

    /// <summary>Reads a header from the first bytes of a file, for a file that lies elsewhere and is fetched in pieces.</summary>
    /// <param name="prefix">The first bytes of the file, as many as there are so far.</param>
    /// <param name="fileLength">The length of the whole file in bytes, where it is known.</param>
    /// <param name="file">The header, where it is complete.</param>
    /// <returns>True where the header is complete; false where more bytes are needed.</returns>
    /// <exception cref="GgufFormatException">No further bytes can make this a GGUF file.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The file is said to be shorter than its prefix.</exception>
    public static bool TryReadPrefix(ReadOnlySpan<byte> prefix, long? fileLength, [NotNullWhen(true)] out GgufFile? file)
    {
        if (fileLength < prefix.Length)
            throw new ArgumentOutOfRangeException(nameof(fileLength), fileLength, "The file is shorter than its prefix.");

        GgufHeaderBuffer buffer = GgufHeaderBuffer.FromPrefix(prefix, fileLength);
        try
        {
            file = new GgufFile(GgufHeaderParser.Parse(buffer));
            return true;
        }
        catch (GgufFormatException) when (buffer.PrefixEnded)
        {
            file = null;
            return false;
        }
    }

    /// <summary>Finds a tensor by its name.</summary>
    /// <param name="name">The tensor's name, such as <c>blk.0.attn_q.weight</c>.</param>
    /// <param name="tensor">The tensor, where there is one of that name.</param>
    public bool TryGetTensor(string name, [NotNullWhen(true)] out GgufTensorInfo? tensor)
    {
        ArgumentNullException.ThrowIfNull(name);
        tensor = _tensorIndex.TryGetValue(name, out int index) ? Tensors[index] : null;
        return tensor is not null;
    }
}
