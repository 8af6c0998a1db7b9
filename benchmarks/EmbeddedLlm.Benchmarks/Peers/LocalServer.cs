using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace EmbeddedLlm.Benchmarks.Peers;

/// <summary>A program that answers by HTTP on a free port of this machine, for as long as it is wanted.</summary>
internal sealed class LocalServer : IAsyncDisposable
{
    private const int Attempts = 3;

    private static readonly TimeSpan s_startTime = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    private readonly ChildProcess _process;

    // No proxy: it is on this machine. As many connections as there are callers, and no time limit: how long a model takes is its affair.
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };

    private LocalServer(ChildProcess process, int port)
    {
        _process = process;
        _client.BaseAddress = new Uri($"http://127.0.0.1:{port}");
    }

    /// <summary>The address, as host and port.</summary>
    public string Authority => _client.BaseAddress!.Authority;

    /// <summary>Starts the program on a free port, and waits until it answers.</summary>
    /// <param name="start">Starts the program on a port.</param>
    /// <param name="readyPath">What answers with success once the program is ready.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="PeerException">It ended, or did not become ready.</exception>
    public static async Task<LocalServer> StartAsync(Func<int, ChildProcess> start, string readyPath, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            int port = FreePort();
            LocalServer server = new(start(port), port);
            server._process.IgnoreOutput();
            try
            {
                await server.WaitUntilReadyAsync(readyPath, cancellationToken);
                return server;
            }
            catch (PeerException) when (attempt < Attempts)
            {
                // Somebody else may have taken the port in between.
                await server.DisposeAsync();
            }
            catch
            {
                await server.DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>What a path gives; null where it gives no JSON.</summary>
    public async Task<JsonNode?> TryGetAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return JsonNode.Parse(await _client.GetStringAsync(path, cancellationToken));
        }
        catch (Exception failure) when (failure is HttpRequestException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Posts JSON, and reads the lines of the answer as they come: objects, with or without the <c>data:</c> of server-sent events in front.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="request">What is posted.</param>
    /// <param name="isEnough">Whether an answer that ends with an error is whole all the same, by the object before; null where none is.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The last object.</returns>
    /// <exception cref="PeerException">It answered with an error, or not with JSON, or ended.</exception>
    public async Task<JsonObject> PostAsync(string path, JsonObject request, Func<JsonObject, bool>? isEnough, CancellationToken cancellationToken)
    {
        try
        {
            using HttpRequestMessage message = new(HttpMethod.Post, path) { Content = new StringContent(request.ToJsonString(), Encoding.UTF8, "application/json") };
            using HttpResponseMessage response = await _client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (!response.IsSuccessStatusCode)
                throw new PeerException($"failed: it answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellationToken)}");
            using StreamReader reader = new(await response.Content.ReadAsStreamAsync(cancellationToken), Encoding.UTF8);
            string? last = null, before = null;
            while (await reader.ReadLineAsync(cancellationToken) is { } line)
            {
                if (line.StartsWith("error:", StringComparison.Ordinal))
                    throw new PeerException($"failed: {line}");
                string content = line.StartsWith("data:", StringComparison.Ordinal) ? line[5..].Trim() : line.Trim();
                if (content.StartsWith('{'))
                    (before, last) = (last, content);
            }

            JsonObject answer = JsonNode.Parse(last ?? "null") as JsonObject ?? throw new PeerException("failed: it answered nothing");
            // A stream that has begun can tell of an error in no other way.
            if (answer["error"] is not { } error)
                return answer;
            return JsonNode.Parse(before ?? "null") is JsonObject rest && isEnough?.Invoke(rest) is true ? rest : throw new PeerException($"failed: it answered {error.ToJsonString()}");
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or JsonException)
        {
            if (_process.HasExited)
                throw await _process.FailureAsync();
            throw new PeerException($"failed: {failure.Message}", failure);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _process.DisposeAsync();
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task WaitUntilReadyAsync(string path, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_startTime);
        while (!_process.HasExited)
        {
            try
            {
                using HttpResponseMessage response = await _client.GetAsync(path, limit.Token);
                if (response.IsSuccessStatusCode)
                    return;
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new PeerException($"failed: it was not ready in {s_startTime.TotalMinutes} minutes");
            }

            await Task.Delay(s_pause, cancellationToken);
        }

        throw await _process.FailureAsync();
    }
}
