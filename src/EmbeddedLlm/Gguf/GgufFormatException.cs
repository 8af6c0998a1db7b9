namespace EmbeddedLlm.Gguf;

/// <summary>
/// The bytes are not a GGUF file, or not one that can be loaded safely. Misuse of the reader is never reported with this type.
/// </summary>
public sealed class GgufFormatException : Exception
{
    /// <summary>Creates an exception for a fault at a position of the file.</summary>
    /// <param name="offset">The byte position in the file at which the fault was found.</param>
    /// <param name="reason">What is wrong, without the position.</param>
    /// <param name="isTruncated">Whether the bytes ended before the structure that they declare.</param>
    public GgufFormatException(long offset, string reason, bool isTruncated = false)
        : base($"Not a valid GGUF file: {reason} (at byte {offset:N0}).")
    {
        Offset = offset;
        Reason = reason;
        IsTruncated = isTruncated;
    }

    /// <summary>The byte position in the file at which the fault was found.</summary>
    public long Offset { get; }

    /// <summary>What is wrong, without the position.</summary>
    public string Reason { get; }

    /// <summary>Whether the bytes ended before the structure that they declare, as they do in a download that was cut short.</summary>
    public bool IsTruncated { get; }
}
