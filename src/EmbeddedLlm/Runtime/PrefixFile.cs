using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace EmbeddedLlm.Runtime;

/// <summary>
/// The file of a computed prefix. Little-endian: 8 bytes <c>ELLMPREF</c>, then the format's version (u32, 1), the length of the layout's text in bytes (u32), the number of tokens (u32), the length of the state
/// in bytes (u64), the model's fingerprint (32 bytes); the layout's text in UTF-8, the tokens (i32 each), the state in llama.cpp's own format; at the end the SHA-256 of all bytes before it.
/// </summary>
/// <remarks>
/// Nothing is allocated before the lengths are found to add up to the file's. The checksum tells damage, not forgery: llama.cpp believes what a state says, so files are to be trusted like the program.
/// </remarks>
internal static class PrefixFile
{
    private const uint Version = 1;
    private const int HeaderBytes = 60;
    private const int HashBytes = SHA256.HashSizeInBytes;
    private const int MaxLayoutBytes = 4096;
    private const int PieceBytes = 1 << 20;

    private static ReadOnlySpan<byte> Magic => "ELLMPREF"u8;

    /// <summary>Writes a file under a temporary name beside its place, and then puts it there at once, in place of one that may be there.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static async Task WriteAsync(string path, StateIdentity identity, int[] tokens, byte[] state, CancellationToken cancellationToken)
    {
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.Asynchronous);
            await using (stream.ConfigureAwait(false))
            {
                using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                byte[] head = Head(identity, tokens, state.Length);
                for (ReadOnlyMemory<byte> rest = head; rest.Length > 0; rest = rest[Math.Min(rest.Length, PieceBytes)..])
                    await WritePieceAsync(rest).ConfigureAwait(false);
                for (ReadOnlyMemory<byte> rest = state; rest.Length > 0; rest = rest[Math.Min(rest.Length, PieceBytes)..])
                    await WritePieceAsync(rest).ConfigureAwait(false);
                await stream.WriteAsync(hash.GetHashAndReset(), cancellationToken).ConfigureAwait(false);
                stream.Flush(flushToDisk: true);

                async ValueTask WritePieceAsync(ReadOnlyMemory<byte> rest)
                {
                    ReadOnlyMemory<byte> piece = rest[..Math.Min(rest.Length, PieceBytes)];
                    hash.AppendData(piece.Span);
                    await stream.WriteAsync(piece, cancellationToken).ConfigureAwait(false);
                }
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Reads a file, whose state is that of an equal identity and undamaged.</summary>
    /// <exception cref="PrefixFileException">The file is of another kind, another model or damaged.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static async Task<(int[] Tokens, byte[] State)> ReadAsync(string path, StateIdentity identity, int maxTokens, CancellationToken cancellationToken)
    {
        // A pipe has no length, and to open it would wait for whoever is to write to it, where no cancellation reaches.
        if (new FileInfo(path).Length == 0)
            throw new PrefixFileException($"'{path}' is empty, or no file.");
        FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous | FileOptions.SequentialScan);
        await using (stream.ConfigureAwait(false))
        {
            if (stream.Length < HeaderBytes + HashBytes)
                throw new PrefixFileException($"'{path}' has {stream.Length} bytes, and no prefix has fewer than {HeaderBytes + HashBytes}.");
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            byte[] header = await ReadPartAsync(HeaderBytes).ConfigureAwait(false);
            Sizes sizes = ReadHeader(header, path, stream.Length, maxTokens);
            string layout = Encoding.UTF8.GetString(await ReadPartAsync(sizes.Layout).ConfigureAwait(false));
            if (layout != identity.Layout)
                throw new PrefixFileException($"'{path}' was saved with {layout}, and this is {identity.Layout}.");
            if (!header.AsSpan(HeaderBytes - HashBytes).SequenceEqual(identity.Fingerprint))
                throw new PrefixFileException($"'{path}' was saved by another model, or with other adapters.");

            byte[] tokens = await ReadPartAsync(sizes.Tokens * sizeof(int)).ConfigureAwait(false);
            byte[] state = await ReadPartAsync(sizes.State).ConfigureAwait(false);
            byte[] expected = hash.GetHashAndReset();
            byte[] actual = new byte[HashBytes];
            await ReadExactlyAsync(actual).ConfigureAwait(false);
            if (!actual.AsSpan().SequenceEqual(expected))
                throw new PrefixFileException($"'{path}' is damaged: its checksum does not match.");
            return (ToTokens(tokens), state);

            async Task<byte[]> ReadPartAsync(int length)
            {
                byte[] part = GC.AllocateUninitializedArray<byte>(length);
                for (Memory<byte> rest = part; rest.Length > 0; rest = rest[Math.Min(rest.Length, PieceBytes)..])
                {
                    Memory<byte> piece = rest[..Math.Min(rest.Length, PieceBytes)];
                    await ReadExactlyAsync(piece).ConfigureAwait(false);
                    hash.AppendData(piece.Span);
                }

                return part;
            }

            async ValueTask ReadExactlyAsync(Memory<byte> destination)
            {
                try
                {
                    await stream.ReadExactlyAsync(destination, cancellationToken).ConfigureAwait(false);
                }
                catch (EndOfStreamException exception)
                {
                    throw new PrefixFileException($"'{path}' became shorter while it was read.", exception);
                }
            }
        }
    }

    private static byte[] Head(StateIdentity identity, int[] tokens, int stateLength)
    {
        byte[] layout = Encoding.UTF8.GetBytes(identity.Layout);
        byte[] head = new byte[HeaderBytes + layout.Length + (tokens.Length * sizeof(int))];
        Magic.CopyTo(head);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(8), Version);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(12), (uint)layout.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(16), (uint)tokens.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(head.AsSpan(20), (ulong)stateLength);
        identity.Fingerprint.CopyTo(head, HeaderBytes - HashBytes);
        layout.CopyTo(head, HeaderBytes);
        for (int i = 0; i < tokens.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(HeaderBytes + layout.Length + (i * sizeof(int))), tokens[i]);
        return head;
    }

    private static Sizes ReadHeader(ReadOnlySpan<byte> header, string path, long fileLength, int maxTokens)
    {
        if (!header.StartsWith(Magic))
            throw new PrefixFileException($"'{path}' is no file of a prefix.");
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        if (version != Version)
            throw new PrefixFileException($"'{path}' has version {version} of the format, and version {Version} is read.");
        uint layout = BinaryPrimitives.ReadUInt32LittleEndian(header[12..]);
        uint tokens = BinaryPrimitives.ReadUInt32LittleEndian(header[16..]);
        ulong state = BinaryPrimitives.ReadUInt64LittleEndian(header[20..]);
        if ((Int128)HeaderBytes + layout + ((Int128)tokens * sizeof(int)) + state + HashBytes != fileLength || layout > MaxLayoutBytes)
            throw new PrefixFileException($"'{path}' is damaged: it has {fileLength} bytes, and its header speaks of {tokens} tokens and a state of {state} bytes.");
        if (tokens < 1 || tokens > maxTokens)
            throw new PrefixFileException($"'{path}' has {tokens} tokens, and from 1 to {maxTokens} fit the context.");
        if (state > (ulong)Array.MaxLength)
            throw new PrefixFileException($"'{path}' has a state of {state} bytes, and at most {Array.MaxLength} can be read.");
        return new Sizes((int)layout, (int)tokens, (int)state);
    }

    private static int[] ToTokens(byte[] bytes)
    {
        int[] tokens = MemoryMarshal.Cast<byte, int>(bytes).ToArray();
        if (!BitConverter.IsLittleEndian)
            BinaryPrimitives.ReverseEndianness(tokens, tokens);
        return tokens;
    }

    private readonly record struct Sizes(int Layout, int Tokens, int State);
}
