using System.Buffers;
using System.Net.Http.Headers;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using EmbeddedLlm.Gguf;
using Microsoft.Extensions.Logging;
using Polly;

namespace EmbeddedLlm.Catalog;

/// <summary>
/// Downloads one file: into a file of another name, with a journal beside it, from as many breaks as it takes; the right name comes last, when the bytes are the promised ones and a GGUF file. Whoever
/// runs it holds the model's lock.
/// </summary>
internal sealed partial class FileDownload : IDisposable
{
    public const string PartialEnding = ".partial";
    public const string JournalEnding = PartialEnding + ".json";

    private const int BufferBytes = 1 << 17;

    /// <summary>A break that comes after this many new bytes does not count as a failed attempt.</summary>
    private const long ProgressBytes = 1 << 20;

    private readonly ModelHttp _http;
    private readonly DownloadItem _item;
    private readonly DownloadSettings _settings;
    private readonly DownloadMeter _meter;
    private readonly ILogger _logger;
    private readonly PartialFile _partial;
    private readonly DownloadJournal _journal;
    private readonly Lock _journalGate = new();
    private long _unjournaled;
    private long _mostDone;
    private bool _isResumed;
    private bool _allowsParts = true;
    private string? _commit;

    public FileDownload(ModelHttp http, DownloadItem item, DownloadSettings settings, DownloadMeter meter, ILogger logger)
    {
        (_http, _item, _settings, _meter, _logger) = (http, item, settings, meter, logger);
        Directory.CreateDirectory(Path.GetDirectoryName(item.Path)!);
        _partial = OpenPartial();
        _journal = DownloadJournal.Open(item.Path + JournalEnding, _partial.Length);
    }

    /// <exception cref="ModelDownloadException">The file could not be had, or is not the right one.</exception>
    public async Task<DownloadedFile> RunAsync(CancellationToken cancellationToken)
    {
        bool isOfAnother = (_item.Sha256 ?? _journal.Sha256) != (_journal.Sha256 ?? _item.Sha256) || (_item.Size ?? _journal.Size) != (_journal.Size ?? _item.Size);
        if (!_journal.CanResume || isOfAnother)
            StartOver();
        _mostDone = _journal.Done;
        _meter.Begin(_item.Name, _journal.Done);
        _isResumed = _journal.Done > 0;
        if (_isResumed)
            LogResume(_item.Name, _journal.Done);

        await TransferAllAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await FinishAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ModelDownloadException exception) when (_isResumed)
        {
            // What was there before may have been to blame, which one more attempt, without it, tells.
            LogRestart(_item.Name, exception.Message);
        }

        await TransferAllAsync(cancellationToken).ConfigureAwait(false);
        return await FinishAsync(cancellationToken).ConfigureAwait(false);
    }

    public void Dispose() => _partial.Dispose();

    private async Task TransferAllAsync(CancellationToken cancellationToken)
    {
        ResiliencePipeline pipeline = _settings.CreatePipeline((exception, delay) => LogRetry(_item.Name, delay.TotalSeconds, exception?.Message));
        while (!_journal.IsComplete)
        {
            await pipeline.ExecuteAsync(
                async token =>
                {
                    try
                    {
                        await TransferAsync(token).ConfigureAwait(false);
                    }
                    catch (ModelDownloadException exception) when (exception.IsTransient && _journal.Done >= _mostDone + ProgressBytes)
                    {
                        // A long way has as many breaks as it has; only those that come one after the other, at the same place, count. A server that makes the download begin anew cannot make this
                        // go on forever: the mark only rises.
                        LogRetry(_item.Name, 0, exception.Message);
                    }
                    finally
                    {
                        _mostDone = Math.Max(_mostDone, _journal.Done);
                    }
                },
                cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Gets what is missing, over one connection or several, until all is there or one of them fails.</summary>
    private async Task TransferAsync(CancellationToken cancellationToken)
    {
        if (_journal.Done > 0 && !_journal.CanResume)
            StartOver();
        _isResumed |= _journal.Done > 0;
        DownloadJournal.Segment first = _journal.Segments.First(segment => !segment.IsComplete);
        using ModelResponse response = await RequestAsync(first, cancellationToken).ConfigureAwait(false);
        Accept(response, first);

        Queue<DownloadJournal.Segment> open = new(_journal.Segments.Where(segment => !segment.IsComplete));
        if (open.Count == 0)
            return;
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Exception? failure = null;
        first = open.Dequeue();
        int others = _allowsParts ? Math.Min(_settings.Connections - 1, open.Count) : 0;
        Task[] tasks = [RunAsync(response, first), .. Enumerable.Range(0, others).Select(_ => RunAsync(null, null))];
        try
        {
            await Task.WhenAll(tasks).ConfigureAwait(false);
        }
        finally
        {
            TrySaveJournal();
        }

        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);

        async Task RunAsync(ModelResponse? given, DownloadJournal.Segment? segment)
        {
            try
            {
                if (given is not null)
                    await CopyAsync(given, segment!, stop.Token).ConfigureAwait(false);
                while (TryTake() is { } next)
                {
                    using ModelResponse answer = await RequestAsync(next, stop.Token).ConfigureAwait(false);
                    AcceptPart(answer, next);
                    await CopyAsync(answer, next, stop.Token).ConfigureAwait(false);
                }
            }
            catch (Exception exception)
            {
                // The others stop for the first failure; that they do is none of their own.
                Interlocked.CompareExchange(ref failure, exception, null);
                await stop.CancelAsync().ConfigureAwait(false);
            }
        }

        DownloadJournal.Segment? TryTake()
        {
            lock (open)
                return open.TryDequeue(out DownloadJournal.Segment? next) ? next : null;
        }
    }

    private Task<ModelResponse> RequestAsync(DownloadJournal.Segment segment, CancellationToken cancellationToken)
    {
        // Asked from the start, too: the answer tells the whole size, and whether the server knows ranges. Where a SHA-256 tells in the end, a mark that differs between a server's mirrors would only
        // throw away what is there.
        bool isLast = segment.End is null || segment.End == _journal.Size;
        RangeHeaderValue range = new(segment.Position, isLast ? null : segment.End - 1);
        return _http.GetAsync(_item.Address, range, _journal.Done > 0 && _journal.Sha256 is null ? _journal.ETag : null, cancellationToken);
    }

    private async Task CopyAsync(ModelResponse response, DownloadJournal.Segment segment, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        using CancellationTokenSource stall = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            stall.CancelAfter(_http.StallTimeout);
            Stream body = await response.Content.ReadAsStreamAsync(stall.Token).ConfigureAwait(false);
            while (!segment.IsComplete)
            {
                int most = (int)Math.Min(buffer.Length, (segment.End ?? long.MaxValue) - segment.Position);
                stall.CancelAfter(_http.StallTimeout);
                int count = await body.ReadAsync(buffer.AsMemory(0, most), stall.Token).ConfigureAwait(false);
                if (count == 0)
                {
                    if (segment.End is not null)
                        throw new ModelDownloadException($"'{_item.From}': the server ended the connection after {segment.Position} bytes.") { IsTransient = true };
                    segment.Close();
                    break;
                }

                await KeepAsync(segment, buffer.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ModelDownloadException($"'{_item.From}': the server sent nothing for {_http.StallTimeout.TotalSeconds:0.#} seconds.", exception) { IsTransient = true };
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw new ModelDownloadException($"'{_item.From}': the connection broke: {exception.Message}", exception) { IsTransient = true };
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task KeepAsync(DownloadJournal.Segment segment, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        EnsureMagic(bytes.Span, segment.Position);
        try
        {
            await _partial.WriteAsync(bytes, segment.Position, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Not to be taken for a broken connection, which another attempt might mend.
            throw new ModelDownloadException($"'{_item.Path}' cannot be written: {exception.Message}", exception);
        }

        segment.Done += bytes.Length;
        _meter.Add(bytes.Length);
        if (Interlocked.Add(ref _unjournaled, bytes.Length) < _settings.JournalInterval)
            return;
        TrySaveJournal();
        if (segment.End is null)
            EnsureSpaceIsLeft();
    }

    /// <summary>A server that does not say how much it sends may never end: it does not get the whole disk.</summary>
    private void EnsureSpaceIsLeft()
    {
        if (_settings.FreeSpace(Path.GetDirectoryName(_item.Path)!) is not { } free || free >= DownloadSettings.SpaceToLeave)
            return;
        long done = _journal.Done;
        StartOver();
        throw new ModelDownloadException($"'{_item.From}' does not say how long it is, and after {done} bytes the disk had {free} left: they were thrown away.");
    }

    private void TrySaveJournal()
    {
        lock (_journalGate)
        {
            Interlocked.Exchange(ref _unjournaled, 0);
            try
            {
                _journal.Save();
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // A full disk, as a rule: the journal of before stands, and the next write of the file itself says so.
            }
        }
    }

    private void StartOver()
    {
        _journal.Reset();
        _journal.Delete();
        _partial.SetLength(0);
        _meter.Restart(0);
    }

    /// <summary>Checks all that came and gives it its name.</summary>
    private async Task<DownloadedFile> FinishAsync(CancellationToken cancellationToken)
    {
        string partial = _item.Path + PartialEnding;
        try
        {
            long size = _journal.Done;
            if (_partial.Length != size)
                _partial.SetLength(size);
            _partial.Flush();
            string sha256 = await HashAsync(partial, cancellationToken).ConfigureAwait(false);
            // A journal that was complete already may be older than what is promised now.
            if (_item.Size is { } expected && expected != size)
                throw Wrong($"it has {size} bytes, where {expected} were promised");
            string? promised = _item.Sha256 ?? _journal.Sha256;
            if (promised is not null && promised != sha256)
                throw Wrong($"its SHA-256 is {sha256}, where {promised} was promised");
            CheckFormat(partial);
            File.Move(partial, _item.Path, overwrite: true);
            _journal.Delete();
            _meter.End();
            return new DownloadedFile(new StoredFile(_item.Name, size, sha256), _commit, IsVouchedFor: promised is not null);
        }
        catch (GgufFormatException exception)
        {
            throw Wrong($"it is no whole GGUF file: {exception.Message}", exception);
        }

        ModelDownloadException Wrong(string what, Exception? cause = null)
        {
            StartOver();
            return new ModelDownloadException($"What came from '{_item.From}' was thrown away: {what}.", cause);
        }
    }

    /// <summary>The SHA-256 of a file in hexadecimal digits.</summary>
    public static async Task<string> HashAsync(string path, CancellationToken cancellationToken)
    {
        FileStream stream = new(path, new FileStreamOptions { Share = FileShare.ReadWrite | FileShare.Delete, Options = FileOptions.Asynchronous | FileOptions.SequentialScan, BufferSize = 0 });
        await using (stream.ConfigureAwait(false))
            return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Reads the header, whose tensors must all lie within the file.</summary>
    /// <exception cref="GgufFormatException">It is no GGUF file, or not all of one.</exception>
    public static void CheckFormat(string path) => GgufFile.Open(path);

    private PartialFile OpenPartial()
    {
        try
        {
            return _settings.OpenPartial(_item.Path + PartialEnding);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelDownloadException($"'{_item.Path}' cannot be written: {exception.Message}", exception);
        }
    }

    /// <summary>An error page is told from a model by its first bytes, before gigabytes of it are there.</summary>
    private void EnsureMagic(ReadOnlySpan<byte> bytes, long position)
    {
        ReadOnlySpan<byte> magic = "GGUF"u8;
        if (position >= magic.Length)
            return;
        magic = magic[(int)position..];
        int count = Math.Min(magic.Length, bytes.Length);
        if (!bytes[..count].SequenceEqual(magic[..count]))
            throw new ModelDownloadException($"'{_item.From}' is no GGUF file: it begins with '{Printable(bytes)}'.");
    }

    private static string Printable(ReadOnlySpan<byte> bytes)
    {
        Span<char> text = stackalloc char[Math.Min(bytes.Length, 20)];
        for (int i = 0; i < text.Length; i++)
            text[i] = bytes[i] is >= (byte)' ' and < 0x7F ? (char)bytes[i] : '.';
        return text.ToString();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Download of {File}: {Bytes} bytes are there already.")]
    private partial void LogResume(string file, long bytes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Download of {File}: tried again in {Seconds} seconds. {Reason}")]
    private partial void LogRetry(string file, double seconds, string? reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Download of {File}: begun anew. {Reason}")]
    private partial void LogRestart(string file, string reason);
}

/// <summary>A file to download.</summary>
/// <param name="Address">Where from.</param>
/// <param name="Path">Its full path in the end.</param>
/// <param name="Size">The size that was promised, in bytes.</param>
/// <param name="Sha256">The SHA-256 that was promised, in hexadecimal digits in lower case.</param>
internal sealed record DownloadItem(Uri Address, string Path, long? Size, string? Sha256)
{
    public string Name => System.IO.Path.GetFileName(Path);

    /// <summary>The address as messages have it.</summary>
    public string From => ModelHttp.Describe(Address);
}

/// <summary>A file that came whole.</summary>
/// <param name="File">The file.</param>
/// <param name="Commit">The commit that the hub named.</param>
/// <param name="IsVouchedFor">Whether a SHA-256 had been promised, which the file has.</param>
internal sealed record DownloadedFile(StoredFile File, string? Commit, bool IsVouchedFor);
