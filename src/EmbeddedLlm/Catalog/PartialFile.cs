using Microsoft.Win32.SafeHandles;

namespace EmbeddedLlm.Catalog;

/// <summary>A file that is being downloaded. Several parts may be written at a time.</summary>
internal class PartialFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    public PartialFile(string path) => _handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete, FileOptions.Asynchronous);

    public long Length => RandomAccess.GetLength(_handle);

    public virtual ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, long offset, CancellationToken cancellationToken) =>
        RandomAccess.WriteAsync(_handle, bytes, offset, cancellationToken);

    public void SetLength(long length) => RandomAccess.SetLength(_handle, length);

    /// <summary>Waits until the disk has it all: a name that lasts must not come before its bytes.</summary>
    public void Flush() => RandomAccess.FlushToDisk(_handle);

    public void Dispose()
    {
        _handle.Dispose();
        GC.SuppressFinalize(this);
    }
}
