namespace EmbeddedLlm;

/// <summary>How much room disks have.</summary>
internal static class DiskSpace
{
    /// <summary>The bytes that are free where a folder is; null where the system does not tell, as of a network share without a letter on Windows. The write will.</summary>
    public static long? FreeIn(string folder)
    {
        try
        {
            return new DriveInfo(folder).AvailableFreeSpace;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
