using System.Net.Http.Headers;
using System.Text.Json;

namespace EmbeddedLlm.Catalog;

/// <summary>
/// What is there of a file that has not come whole yet, kept in a small file beside it so that another process can go on. It is written behind the bytes it speaks of, never ahead of them.
/// </summary>
internal sealed class DownloadJournal
{
    private const int MostSegments = 64;
    private const int MostBytes = 1 << 16;

    private readonly string _path;

    private DownloadJournal(string path) => _path = path;

    /// <summary>The server's mark of this very content, which a range can be asked of; null where it gives none.</summary>
    public string? ETag { get; private set; }

    /// <summary>The whole file's size in bytes; null where no server said it.</summary>
    public long? Size { get; private set; }

    /// <summary>The SHA-256 that was promised.</summary>
    public string? Sha256 { get; private set; }

    /// <summary>The file's parts, in order, without gaps. The last may be without an end.</summary>
    public IReadOnlyList<Segment> Segments { get; private set; } = [new Segment(0, null)];

    public bool IsComplete => Segments.All(segment => segment.IsComplete);

    /// <summary>How many bytes are there.</summary>
    public long Done => Segments.Sum(segment => segment.Done);

    /// <summary>Whether anything tells that what follows belongs to what is there.</summary>
    public bool CanResume => Done > 0 && (ETag is not null || Sha256 is not null);

    public static DownloadJournal Open(string path, long lengthOnDisk)
    {
        DownloadJournal journal = new(path);
        if (TryRead(path) is { } record && record.IsValid(lengthOnDisk))
        {
            journal.ETag = record.ETag;
            journal.Size = record.Size;
            journal.Sha256 = record.Sha256;
            journal.Segments = [.. record.Segments.Select(segment => new Segment(segment[0], segment[1] < 0 ? null : segment[1]) { Done = segment[2] })];
        }

        return journal;
    }

    /// <summary>Begins anew.</summary>
    public void Reset()
    {
        (ETag, Size, Sha256) = (null, null, null);
        Segments = [new Segment(0, null)];
    }

    /// <summary>Notes what the first answer says, before anything of the file is there.</summary>
    /// <param name="etag">See <see cref="ETag"/>.</param>
    /// <param name="size">See <see cref="Size"/>.</param>
    /// <param name="sha256">See <see cref="Sha256"/>.</param>
    /// <param name="segments">Into how many parts the file is divided; 1 where the size is not known.</param>
    public void Begin(string? etag, long? size, string? sha256, int segments)
    {
        (ETag, Size, Sha256) = (etag, size, sha256);
        if (size is not { } length)
        {
            Segments = [new Segment(0, null)];
            return;
        }

        int count = (int)Math.Clamp(Math.Min(segments, length), 1, MostSegments);
        Segments = [.. Enumerable.Range(0, count).Select(i => new Segment(Bound(i), Bound(i + 1)))];

        long Bound(int i) => (long)((Int128)length * i / count);
    }

    public void Save()
    {
        Record record = new() { Version = 1, ETag = ETag, Size = Size, Sha256 = Sha256, Segments = [.. Segments.Select(segment => new[] { segment.Start, segment.End ?? -1, segment.Done })] };
        WholeFile.Write(_path, JsonSerializer.SerializeToUtf8Bytes(record, StoreJson.Default.Record));
    }

    public void Delete() => WholeFile.Delete(_path);

    /// <summary>How many bytes a journal speaks of, for those who wait for another's download.</summary>
    public static (long Done, long? Size)? TryPeek(string path) =>
        TryRead(path) is { } record && record.IsValid(long.MaxValue) ? (record.Segments.Sum(segment => segment[2]), record.Size) : null;

    private static Record? TryRead(string path)
    {
        try
        {
            FileInfo file = new(path);
            return file.Exists && file.Length <= MostBytes ? JsonSerializer.Deserialize(File.ReadAllBytes(path), StoreJson.Default.Record) : null;
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A part of the file, from <paramref name="start"/> to before <paramref name="end"/>. One task writes it, others may read how far it is.</summary>
    internal sealed class Segment(long start, long? end)
    {
        private long _done;

        public long Start { get; } = start;

        /// <summary>Null where nobody knows yet where the file ends.</summary>
        public long? End { get; private set; } = end;

        public long Done
        {
            get => Volatile.Read(ref _done);
            set => Volatile.Write(ref _done, value);
        }

        public long Position => Start + Done;

        public bool IsComplete => Position == End;

        /// <summary>The file has ended here.</summary>
        public void Close() => End = Position;
    }

    /// <summary>The journal's file. A segment is its start, its end or -1, and how many of its bytes are there.</summary>
    internal sealed class Record
    {
        public required int Version { get; init; }

        public string? ETag { get; init; }

        public long? Size { get; init; }

        public string? Sha256 { get; init; }

        public required long[][] Segments { get; init; }

        /// <summary>Whether it makes sense, and speaks of no byte that the disk does not have.</summary>
        public bool IsValid(long lengthOnDisk)
        {
            if (Version != 1 || Segments is not { Length: > 0 and <= MostSegments } || (ETag is null && Sha256 is null))
                return false;
            if (ETag is not null && !(RangeConditionHeaderValue.TryParse(ETag, out RangeConditionHeaderValue? mark) && mark.EntityTag is { IsWeak: false }))
                return false;
            long position = 0;
            for (int i = 0; i < Segments.Length; i++)
            {
                if (Segments[i] is not [var start, var end, var done] || start != position || done < 0)
                    return false;
                bool isOpen = end == -1;
                if (isOpen ? i < Segments.Length - 1 || Size is not null : end < start || done > end - start)
                    return false;
                if (done > 0 && done > lengthOnDisk - start)
                    return false;
                position = end;
            }

            return Size is null || position == Size;
        }
    }
}
