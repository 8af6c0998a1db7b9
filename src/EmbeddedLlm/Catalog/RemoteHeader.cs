using System.Net;
using System.Net.Http.Headers;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Catalog;

/// <summary>The first bytes of a file that lies elsewhere.</summary>
internal interface IRemoteFile
{
    /// <summary>Reads bytes from a position on.</summary>
    /// <returns>The bytes, at most as many as asked for and none only at the file's end, and the length of the whole file where it is known.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    Task<(byte[] Bytes, long? FileLength)> ReadAsync(long offset, int length, CancellationToken cancellationToken);
}

/// <summary>Reads the header of a model that is not on this machine, a piece at a time until it is complete: some megabytes, most of them the vocabulary.</summary>
internal static class RemoteHeader
{
    private const int FirstPiece = 1 << 20;
    private const int LargestPiece = 16 << 20;

    /// <summary>Of a server that answers with less than it is asked for.</summary>
    private const int MostPieces = 1000;

    /// <summary>The most that is read of a model's headers, in bytes.</summary>
    public const int MostBytes = 1 << 28;

    /// <exception cref="GgufFormatException">The file is no GGUF file, or damaged.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static async Task<GgufFile> ReadAsync(IRemoteFile remote, CancellationToken cancellationToken)
    {
        byte[] prefix = [];
        int piece = FirstPiece;
        for (int pieces = 0; pieces < MostPieces; pieces++)
        {
            (byte[] bytes, long? length) = await remote.ReadAsync(prefix.Length, piece, cancellationToken).ConfigureAwait(false);
            prefix = [.. prefix, .. bytes];
            // A file that has ended has all its bytes here, so that what is missing is an error and no reason to read on. Less than was asked for is no end (RFC 9110, section 15.3.7).
            length = bytes.Length == 0 ? prefix.Length : length is { } whole ? Math.Max(whole, prefix.Length) : null;
            if (GgufFile.TryReadPrefix(prefix, length, out GgufFile? file))
                return file;
            if (prefix.Length > MostBytes)
                throw new IOException($"The header of the file is longer than {MostBytes >> 20} MiB.");
            piece = Math.Min(piece * 2, LargestPiece);
        }

        throw new IOException($"The header of the file comes in too small pieces: {MostPieces} of them have {prefix.Length} bytes together.");
    }
}

/// <summary>A file that is read in pieces by HTTP range requests (RFC 9110, section 14).</summary>
/// <param name="client">What asks.</param>
/// <param name="address">Where the file is.</param>
/// <param name="stallTimeout">How long the server may send nothing.</param>
internal sealed class HttpRemoteFile(HttpClient client, Uri address, TimeSpan stallTimeout) : IRemoteFile
{
    public async Task<(byte[] Bytes, long? FileLength)> ReadAsync(long offset, int length, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, address);
        request.Headers.Range = new RangeHeaderValue(offset, offset + length - 1);
        using CancellationTokenSource stall = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            stall.CancelAfter(stallTimeout);
            using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stall.Token).ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
                return ([], response.Content.Headers.ContentRange?.Length);
            response.EnsureSuccessStatusCode();
            if (response.StatusCode == HttpStatusCode.PartialContent && response.Content.Headers.ContentRange?.From != offset)
                throw new IOException($"'{ModelHttp.Describe(address)}' cannot be read: the server sends another part than the one it was asked for.");
            // A server that knows no ranges sends the file from its beginning.
            long skipped = response.StatusCode == HttpStatusCode.PartialContent ? 0 : offset;
            long? fileLength = response.StatusCode == HttpStatusCode.PartialContent ? response.Content.Headers.ContentRange?.Length : response.Content.Headers.ContentLength;
            using Stream stream = await response.Content.ReadAsStreamAsync(stall.Token).ConfigureAwait(false);
            byte[] bytes = new byte[length];
            for (byte[] rest = new byte[1 << 16]; skipped > 0;)
            {
                int read = await ReadSomeAsync(stream, rest.AsMemory(0, (int)Math.Min(skipped, rest.Length))).ConfigureAwait(false);
                if (read == 0)
                    return ([], offset - skipped);
                skipped -= read;
            }

            int count = 0;
            while (count < length && await ReadSomeAsync(stream, bytes.AsMemory(count)).ConfigureAwait(false) is > 0 and int read)
                count += read;
            return (bytes[..count], fileLength);
        }
        catch (HttpRequestException exception)
        {
            throw new IOException($"'{ModelHttp.Describe(address)}' cannot be read: {exception.Message}", exception);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"'{ModelHttp.Describe(address)}' cannot be read: the server does not answer.", exception);
        }

        ValueTask<int> ReadSomeAsync(Stream stream, Memory<byte> destination)
        {
            stall.CancelAfter(stallTimeout);
            return stream.ReadAsync(destination, stall.Token);
        }
    }
}
