namespace EmbeddedLlm;

/// <summary>How far a download, or the check of one, has come. All of a model's files count as one.</summary>
/// <param name="File">The name of the file that is being worked on.</param>
/// <param name="Bytes">How many bytes are there, those of earlier runs included.</param>
/// <param name="TotalBytes">How many there will be; null where no server has said so yet.</param>
/// <param name="BytesPerSecond">The present speed; 0 where it is not known yet.</param>
public readonly record struct ModelDownloadProgress(string File, long Bytes, long? TotalBytes, double BytesPerSecond)
{
    /// <summary>How long the rest takes at the present speed; null where that cannot be told.</summary>
    public TimeSpan? TimeLeft =>
        TotalBytes is { } total && BytesPerSecond > 0 && (total - Bytes) / BytesPerSecond is >= 0 and < 1e9 and double seconds ? TimeSpan.FromSeconds(seconds) : null;
}
