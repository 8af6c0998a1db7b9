using EmbeddedLlm.Catalog;

namespace EmbeddedLlm.Native.Tests.Catalog;

/// <summary>A partial file on a disk that has no room behind a certain byte.</summary>
internal sealed class FullDisk(string path, long room) : PartialFile(path)
{
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, long offset, CancellationToken cancellationToken) =>
        offset + bytes.Length > room ? throw new IOException("No space left on device.") : base.WriteAsync(bytes, offset, cancellationToken);
}
