namespace EmbeddedLlm.Catalog;

/// <summary>
/// A lock between processes: a file that is open for nobody else. The system closes it with the process, however that ends. The file itself stays, since to delete it would let two hold a lock of the
/// same name.
/// </summary>
internal sealed class FileLock : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly FileStream _stream;

    private FileLock(FileStream stream) => _stream = stream;

    /// <summary>Takes the lock, or null where another has it.</summary>
    public static FileLock? TryAcquire(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            return new FileLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0));
        }
        catch (IOException exception) when (IsHeldElsewhere(exception))
        {
            return null;
        }
    }

    /// <summary>Takes the lock as soon as it is free.</summary>
    /// <param name="path">The lock's file.</param>
    /// <param name="waiting">Called now and then while another has it.</param>
    /// <param name="cancellationToken">Stops the waiting.</param>
    public static async Task<FileLock> AcquireAsync(string path, Action waiting, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (TryAcquire(path) is { } taken)
                return taken;
            waiting();
            await Task.Delay(Pause, cancellationToken).ConfigureAwait(false);
        }
    }

    public void Dispose() => _stream.Dispose();

    /// <summary>EWOULDBLOCK of Linux and macOS; a sharing or lock violation of Windows.</summary>
    private static bool IsHeldElsewhere(IOException exception) =>
        OperatingSystem.IsWindows() ? exception.HResult is unchecked((int)0x80070020) or unchecked((int)0x80070021) : exception.HResult is 11 or 35;
}
