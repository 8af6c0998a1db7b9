using System.Net;
using System.Net.Http.Headers;

namespace EmbeddedLlm.Catalog;

/// <content>What an answer says about itself, held against what is known and what was promised.</content>
internal sealed partial class FileDownload
{
    /// <summary>
    /// Checks the first answer of an attempt. Where it is of other content than what is there, or the server sends all instead of a part, the download begins anew with it.
    /// </summary>
    private void Accept(ModelResponse response, DownloadJournal.Segment segment)
    {
        if (response.Status is not (HttpStatusCode.OK or HttpStatusCode.PartialContent))
        {
            if (response.Status != HttpStatusCode.RequestedRangeNotSatisfiable)
                throw _http.Refusal(response);
            // What is there is longer than what the server has.
            bool hasSome = _journal.Done > 0;
            StartOver();
            throw new ModelDownloadException($"'{_item.From}': the server has nothing behind byte {segment.Position}.") { StatusCode = response.Status, IsTransient = hasSome };
        }

        if (response.Content.Headers.ContentType?.MediaType is "text/html" or "application/xhtml+xml")
            throw new ModelDownloadException($"'{_item.From}' is no model: the server sends an HTML page.");

        ContentRangeHeaderValue? range = response.Range;
        if (response.Status == HttpStatusCode.PartialContent && range?.From != segment.Position)
        {
            StartOver();
            _allowsParts = false;
            throw new ModelDownloadException($"'{_item.From}': the server sends another part than the one it was asked for.") { IsTransient = true };
        }

        long? size = SizeOf(response, range);
        string? sha256 = Promise("SHA-256", _item.Sha256, response.Hub.Sha256);
        _commit ??= response.Hub.Commit;
        if ((size ?? _journal.Size) is { } whole)
            _meter.SetSize(whole);
        if (_journal.Done > 0)
        {
            // With a SHA-256 the mark is not sent, so a server's other mirror may have another one.
            bool isTheSame = range is not null && (size ?? _journal.Size) == _journal.Size && (sha256 ?? _journal.Sha256) == _journal.Sha256
                && (_journal.Sha256 is not null || response.ETag == _journal.ETag);
            if (isTheSame)
            {
                CheckSpace(size - _journal.Done);
                return;
            }

            StartOver();
            _isResumed = false;
            if (range is not null)
                throw new ModelDownloadException($"'{_item.From}' has changed since the download began.") { IsTransient = true };
        }

        CheckSpace(size);
        // Each part is an answer of its own, and only a mark or a checksum tells that all are of the same content.
        bool isMarked = response.ETag is not null || sha256 is not null;
        bool hasParts = range is not null && isMarked && _allowsParts && _settings.Connections > 1 && size >= 2 * _settings.SmallestSegment;
        _journal.Begin(response.ETag, size, sha256, hasParts ? (int)Math.Min(_settings.Connections, size!.Value / _settings.SmallestSegment) : 1);
    }

    /// <summary>Checks the answer to a further connection's request.</summary>
    private void AcceptPart(ModelResponse response, DownloadJournal.Segment segment)
    {
        if (response.Status is not (HttpStatusCode.OK or HttpStatusCode.PartialContent))
            throw _http.Refusal(response);
        bool isTheSame = response.Range is { } range && range.From == segment.Position && (range.Length ?? _journal.Size) == _journal.Size
            && (_journal.Sha256 is not null ? response.Hub.Sha256 is null || response.Hub.Sha256 == _journal.Sha256 : response.ETag == _journal.ETag);
        if (isTheSame)
            return;
        // One connection at a time can tell what this is about.
        _allowsParts = false;
        throw new ModelDownloadException($"'{_item.From}': the server sends another part than the one it was asked for.") { IsTransient = true };
    }

    /// <summary>The whole file's size, in which all that speak of it must agree.</summary>
    private long? SizeOf(ModelResponse response, ContentRangeHeaderValue? range)
    {
        long? sent = range is not null ? range.Length : response.Content.Headers.ContentLength;
        long? promised = Promise("size in bytes", _item.Size, response.Hub.Size);
        return Promise("size in bytes", promised, sent);
    }

    private T? Promise<T>(string what, T? promised, T? said)
        where T : struct => promised is { } a && said is { } b && !a.Equals(b) ? throw Contradiction(what, a, b) : promised ?? said;

    private string? Promise(string what, string? promised, string? said) => promised is not null && said is not null && promised != said ? throw Contradiction(what, promised, said) : promised ?? said;

    private ModelDownloadException Contradiction(string what, object promised, object said) =>
        new($"'{_item.From}' is not the file it should be: its {what} is {said}, where {promised} was promised.");

    private void CheckSpace(long? size)
    {
        if (size is { } needed && _settings.FreeSpace(System.IO.Path.GetDirectoryName(_item.Path)!) is { } free && needed > free)
            throw NoSpace(_item.Path, needed, free);
    }

    public static ModelDownloadException NoSpace(string path, long needed, long free) =>
        new($"'{path}' needs {needed} bytes, and the disk has {free} left.");
}
