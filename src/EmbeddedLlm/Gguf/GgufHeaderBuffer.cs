using System.Buffers.Binary;

namespace EmbeddedLlm.Gguf;

/// <summary>
/// The bytes of a file's header, read as far as they are needed. What a file declares is compared with the bytes that are left before it is
/// read, so no buffer grows past twice the bytes that are really there.
/// </summary>
internal sealed class GgufHeaderBuffer
{
    /// <summary>The largest header that is read. The largest real ones, with vocabularies of 262,144 tokens, take 16 MB.</summary>
    public const int MaximumLength = 512 * 1024 * 1024;

    private const int FirstRead = 256 * 1024;

    private readonly Stream? _stream;
    private readonly long _available;
    private byte[] _bytes;
    private int _count;

    private GgufHeaderBuffer(byte[] bytes, int count, Stream? stream, long? fileLength)
    {
        (_bytes, _count, _stream, FileLength) = (bytes, count, stream, fileLength);
        _available = fileLength ?? MaximumLength;
    }

    /// <summary>The length of the whole file, or null where it is not known.</summary>
    public long? FileLength { get; }

    /// <summary>Whether reading stopped because the prefix ended, not because the file is at fault.</summary>
    public bool PrefixEnded { get; private set; }

    /// <summary>The bytes that were read so far, from the start of the file.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _count);

    /// <summary>The header's own copy of its bytes, at most <paramref name="length"/> of them.</summary>
    public byte[] Detach(int length)
    {
        Array.Resize(ref _bytes, length);
        return _bytes;
    }

    public static GgufHeaderBuffer FromStream(Stream stream, long? length) => new([], 0, stream, length);

    public static GgufHeaderBuffer FromPrefix(ReadOnlySpan<byte> prefix, long? fileLength)
    {
        byte[] copy = prefix[..Math.Min(prefix.Length, MaximumLength)].ToArray();
        return new GgufHeaderBuffer(copy, copy.Length, stream: null, fileLength);
    }

    /// <summary>
    /// The bytes of the file that are left after a position, or the most that a header may take where the file's length is not known.
    /// </summary>
    public long RemainingFrom(int position) => _available - position;

    /// <summary>Makes the bytes <c>[position, position + length)</c> available in <see cref="Bytes"/>.</summary>
    /// <exception cref="GgufFormatException">The file ends before them.</exception>
    public void Require(int position, long length, string what)
    {
        if (position + length > _count)
            Fill(position, length, what);
    }

    public uint ReadUInt32(int position, string what)
    {
        Require(position, sizeof(uint), what);
        return BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(position));
    }

    public ulong ReadUInt64(int position, string what)
    {
        Require(position, sizeof(ulong), what);
        return BinaryPrimitives.ReadUInt64LittleEndian(_bytes.AsSpan(position));
    }

    private void Fill(int position, long length, string what)
    {
        long needed = position + length;
        if (needed > _available)
            throw Truncated(position, length, what);
        if (needed > MaximumLength)
            throw new GgufFormatException(position, $"its header is larger than {MaximumLength / (1024 * 1024)} MiB");

        if (_stream is null)
        {
            PrefixEnded = FileLength is null || FileLength > _count;
            throw Truncated(position, length, what);
        }

        while (_count < needed)
        {
            if (_count == _bytes.Length)
                Grow();

            int read = _stream.Read(_bytes, _count, _bytes.Length - _count);
            if (read == 0)
                throw Truncated(position, length, what);

            _count += read;
        }
    }

    // Doubling what was really read, not jumping to what is declared: a stream of unknown length may end any time.
    private void Grow()
    {
        long size = Math.Clamp(_bytes.Length * 2L, FirstRead, MaximumLength);
        Array.Resize(ref _bytes, (int)Math.Min(size, Math.Max(_available, 1)));
    }

    private GgufFormatException Truncated(int position, long length, string what)
    {
        long left = Math.Max(0, (FileLength ?? _count) - position);
        return new GgufFormatException(position, $"{what} takes {length:N0} bytes, {left:N0} are left", isTruncated: true);
    }
}
