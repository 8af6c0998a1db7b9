using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace EmbeddedLlm.Native.Tests.Catalog;

/// <summary>A model hub on a free port of this machine: it lists repositories, redirects to where files are, tells their SHA-256 and sends ranges, and it misbehaves as it is told.</summary>
internal sealed class HubServer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly ConcurrentDictionary<string, byte[]> _files = new();

    private HubServer(WebApplication application) => _application = application;

    public Uri Address => new(_application.Urls.Single());

    /// <summary>All requests, in order.</summary>
    public ConcurrentQueue<HubRequest> Requests { get; } = [];

    /// <summary>The requests for contents.</summary>
    public IEnumerable<HubRequest> Contents => Requests.Where(request => request.Path.StartsWith("/cdn/", StringComparison.Ordinal));

    /// <summary>What happens to the next requests for contents, one after the other; further ones are answered well.</summary>
    public ConcurrentQueue<Func<HttpContext, byte[], Task>> Faults { get; } = [];

    /// <summary>What happens to the next requests for files, which are redirected otherwise.</summary>
    public ConcurrentQueue<Func<HttpContext, Task>> ResolveFaults { get; } = [];

    public bool TellsSha256 { get; set; } = true;

    public bool SendsETag { get; set; } = true;

    public bool IgnoresRanges { get; set; }

    /// <summary>The SHA-256 that is told, where it is not the right one.</summary>
    public string? WrongSha256 { get; set; }

    /// <summary>The size that is told, where it is not the right one.</summary>
    public long? WrongSize { get; set; }

    /// <summary>Where the contents are, if not here.</summary>
    public Uri? Cdn { get; set; }

    /// <summary>The number of content bytes that have been sent.</summary>
    public long BytesSent => Volatile.Read(ref _bytesSent);

    private long _bytesSent;

    /// <summary>Names that the list has beside the files.</summary>
    public List<string> AlsoListed { get; } = [];

    public static async Task<HubServer> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        HubServer server = new(builder.Build());
        server._application.Urls.Add("http://127.0.0.1:0");
        server._application.MapGet("/api/models/{owner}/{repository}/tree/{revision}", server.ListAsync);
        server._application.MapGet("/{owner}/{repository}/resolve/{revision}/{**file}", server.ResolveAsync);
        server._application.MapGet("/cdn/{**path}", (HttpContext context, string path) => server.SendAsync(context, path));
        await server._application.StartAsync();
        return server;
    }

    public void Add(string path, byte[] content) => _files[path] = content;

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    /// <summary>Sends part of what was asked for and breaks the connection.</summary>
    public Func<HttpContext, byte[], Task> CutAfter(int bytes) => async (context, content) =>
    {
        await SendAsync(context, content, bytes);
        context.Abort();
    };

    /// <summary>Sends part of what was asked for and then nothing, until the other side goes.</summary>
    public Func<HttpContext, byte[], Task> StallAfter(int bytes, TaskCompletionSource? stalled = null) => async (context, content) =>
    {
        await SendAsync(context, content, bytes);
        stalled?.TrySetResult();
        await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
    };

    /// <summary>Sends what was asked for.</summary>
    public Task SendWholeAsync(HttpContext context, byte[] content) => SendAsync(context, content, int.MaxValue);

    public static Func<HttpContext, byte[], Task> Answer(int status, string? retryAfter = null) => (context, _) =>
    {
        context.Response.StatusCode = status;
        context.Response.Headers.RetryAfter = retryAfter;
        return Task.CompletedTask;
    };

    public static string Sha256(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private void Note(HttpContext context) => Requests.Enqueue(new HubRequest(
        context.Request.Path.Value!, context.Request.Headers.Range, context.Request.Headers.IfRange, context.Request.Headers.Authorization));

    private async Task ListAsync(HttpContext context, string owner, string repository)
    {
        Note(context);
        string prefix = $"{owner}/{repository}/";
        JsonArray list = [];
        foreach ((string path, byte[] content) in _files.Where(file => file.Key.StartsWith(prefix, StringComparison.Ordinal)).OrderBy(file => file.Key, StringComparer.Ordinal))
        {
            JsonObject entry = new() { ["type"] = "file", ["oid"] = "0123", ["size"] = WrongSize ?? content.Length, ["path"] = path[prefix.Length..] };
            if (TellsSha256)
                entry["lfs"] = new JsonObject { ["oid"] = WrongSha256 ?? Sha256(content), ["size"] = content.Length, ["pointerSize"] = 135 };
            list.Add(entry);
        }

        if (list.Count == 0)
        {
            context.Response.StatusCode = 404;
            return;
        }

        foreach (string path in AlsoListed)
            list.Add(new JsonObject { ["type"] = "file", ["size"] = 1, ["path"] = path });
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(list.ToJsonString());
    }

    private async Task ResolveAsync(HttpContext context, string owner, string repository, string file)
    {
        Note(context);
        if (ResolveFaults.TryDequeue(out Func<HttpContext, Task>? fault))
        {
            await fault(context);
            return;
        }

        string path = $"{owner}/{repository}/{file}";
        if (!_files.TryGetValue(path, out byte[]? content))
        {
            context.Response.StatusCode = 404;
            return;
        }

        context.Response.StatusCode = 302;
        context.Response.Headers.Location = new Uri(Cdn ?? Address, "/cdn/" + path).AbsoluteUri;
        context.Response.Headers["X-Repo-Commit"] = "0123456789abcdef0123456789abcdef01234567";
        if (TellsSha256)
        {
            context.Response.Headers["X-Linked-ETag"] = $"\"{WrongSha256 ?? Sha256(content)}\"";
            context.Response.Headers["X-Linked-Size"] = content.Length.ToString(CultureInfo.InvariantCulture);
        }
    }

    private async Task SendAsync(HttpContext context, string path)
    {
        Note(context);
        if (!_files.TryGetValue(path, out byte[]? content))
            context.Response.StatusCode = 404;
        else if (Faults.TryDequeue(out Func<HttpContext, byte[], Task>? fault))
            await fault(context, content);
        else
            await SendAsync(context, content, int.MaxValue);
    }

    private async Task SendAsync(HttpContext context, byte[] content, int most)
    {
        string etag = $"\"{Sha256(content)[..16]}\"";
        if (SendsETag)
            context.Response.Headers.ETag = etag;
        context.Response.ContentType = "application/octet-stream";
        (int start, int end) = (0, content.Length);
        bool isSame = context.Request.Headers.IfRange is not [{ } validator] || validator == etag;
        if (!IgnoresRanges && isSame && context.Request.GetTypedHeaders().Range?.Ranges.Single() is { From: { } from } range)
        {
            if (from >= content.Length)
            {
                context.Response.StatusCode = 416;
                context.Response.Headers.ContentRange = $"bytes */{content.Length}";
                return;
            }

            (start, end) = ((int)from, (int)Math.Min(content.Length, (range.To ?? content.Length - 1) + 1));
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = $"bytes {start}-{end - 1}/{content.Length}";
        }

        context.Response.ContentLength = end - start;
        end = (int)Math.Min(end, (long)start + most);
        for (int at = start; at < end; at += 1 << 16)
        {
            ReadOnlyMemory<byte> piece = content.AsMemory(at, Math.Min(1 << 16, end - at));
            await context.Response.Body.WriteAsync(piece, context.RequestAborted);
            Interlocked.Add(ref _bytesSent, piece.Length);
        }

        await context.Response.Body.FlushAsync(context.RequestAborted);
    }
}

/// <summary>A request that a <see cref="HubServer"/> got.</summary>
internal sealed record HubRequest(string Path, string? Range, string? IfRange, string? Authorization)
{
    /// <summary>Where the wanted range begins.</summary>
    public long Start => Range is { } range ? long.Parse(range["bytes=".Length..range.IndexOf('-', StringComparison.Ordinal)], CultureInfo.InvariantCulture) : 0;
}
