namespace EmbeddedLlm.Gguf;

/// <summary>The bytes are not a GGUF file, or not one that can be loaded safely. Misuse of the reader is never reported with this type.</summary>
public sealed class GgufFormatException : EmbeddedLlmException
{
    /// <summary>Creates an exception for a fault at a position of the file.</summary>
    /// <param name="offset">The byte position in the file at which the fault was found.</param>
    /// <param name="reason">What is wrong, without the position.</param>
    /// <param name="isTruncated">Whether the bytes ended before the structure that they declare.</param>
    public GgufFormatException(long offset, string reason, bool isTruncated = false)
        : base($"Not a valid GGUF file: {Describe(offset, reason, isTruncated)}")
    {
        Offset = offset;
        Reason = reason;
        IsTruncated = isTruncated;
    }

    private GgufFormatException(string path, GgufFormatException found)
        : base($"'{path}' is not a valid GGUF file: {Describe(found.Offset, found.Reason, found.IsTruncated)}", found)
    {
        Path = path;
        Offset = found.Offset;
        Reason = found.Reason;
        IsTruncated = found.IsTruncated;
    }

    /// <summary>The file's path, where the bytes came from a file that was being loaded.</summary>
    public string? Path { get; }

    /// <summary>The byte position in the file at which the fault was found.</summary>
    public long Offset { get; }

    /// <summary>What is wrong, without the position.</summary>
    public string Reason { get; }

    /// <summary>Whether the bytes ended before the structure that they declare, as they do in a download that was cut short.</summary>
    public bool IsTruncated { get; }

    private static string Describe(long offset, string reason, bool isTruncated) =>
        $"{reason} (at byte {offset:N0}).{(isTruncated ? " The file ends too early: it was cut short, as by a download that broke off, or is damaged; get it again." : "")}";

    /// <summary>The same fault with the file's name.</summary>
    internal GgufFormatException In(string path) => new(path, this);
}
