using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace EmbeddedLlm.Benchmarks.Peers;

/// <summary>llama.cpp's <c>llama-server</c>, asked by HTTP on this machine: streams are read event by event, as a caller does.</summary>
internal sealed class LlamaServerPeer : Peer
{
    public const string PeerName = "llama-server";

    private readonly LocalServer _server;

    private LlamaServerPeer(LocalServer server, string? version)
    {
        _server = server;
        Version = version;
    }

    public override string Name => PeerName;

    public override string? Version { get; }

    /// <exception cref="PeerException">It is not on the PATH, or does not load the model.</exception>
    public static async Task<Peer> StartAsync(PeerSettings settings, CancellationToken cancellationToken)
    {
        string program = Executable.Require(PeerName, settings.SearchPath);
        LocalServer server = await LocalServer.StartAsync(
            port => ChildProcess.Start(
                program,
                [
                    "-m", settings.Path, "--host", "127.0.0.1", "--port", Text(port), "-t", Text(settings.Threads), "-tb", Text(settings.Threads),
                    "-c", Text(settings.ContextLength * settings.Sequences), "-np", Text(settings.Sequences),
                    "-b", Text(settings.BatchSize), "-ub", Text(settings.BatchSize), "-ngl", Text(settings.GpuLayers),
                ]),
            "/health",
            cancellationToken);
        return new LlamaServerPeer(server, (string?)(await server.TryGetAsync("/props", cancellationToken))?["build_info"]);
    }

    public override async Task<PeerRun> AnswerAsync(IReadOnlyList<BenchmarkPrompt> prompts, int outputTokens, string? schema, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        JsonObject[] answers = await Task.WhenAll(prompts.Select(prompt => _server.PostAsync("/completion", RequestOf(prompt, outputTokens, schema), answer => IsWhole(answer, outputTokens), cancellationToken)));
        TimeSpan total = Stopwatch.GetElapsedTime(start);
        for (int i = 0; i < answers.Length; i++)
        {
            int input = (int?)(answers[i]["timings"]?["prompt_n"] ?? answers[i]["tokens_evaluated"]) ?? 0, output = (int?)answers[i]["tokens_predicted"] ?? 0;
            if (input != prompts[i].Tokens.Length || output != outputTokens && ((bool?)answers[i]["stop"] is true || !IsWhole(answers[i], outputTokens)))
                throw new PeerException($"failed: it answered {output} tokens of {outputTokens} to {input} of {prompts[i].Tokens.Length}");
        }

        return new PeerRun(
            total,
            TimeSpan.FromMilliseconds(answers.Max(answer => (double?)answer["timings"]?["prompt_ms"] ?? throw new PeerException("failed: it gave no timings"))),
            prompts.Sum(prompt => prompt.Tokens.Length),
            prompts.Count * outputTokens);
    }

    public override ValueTask DisposeAsync() => _server.DisposeAsync();

    private static JsonObject RequestOf(BenchmarkPrompt prompt, int outputTokens, string? schema)
    {
        JsonObject request = new()
        {
            ["prompt"] = new JsonArray([.. prompt.Tokens.Select(token => (JsonNode)token)]),
            ["n_predict"] = outputTokens,
            ["temperature"] = 0,
            ["ignore_eos"] = true,
            ["cache_prompt"] = false,
            ["stream"] = true,
            // In each event, so that they are known where the last one is an error.
            ["timings_per_token"] = true,
        };
        if (schema is not null)
            request["json_schema"] = JsonNode.Parse(schema);
        return request;
    }

    /// <summary>
    /// Whether all tokens were computed, by the last event before an error. In the end the server parses the whole text, which fails where that does not end with a whole character, as it does at times where
    /// an answer is cut at its length; and of an unfinished character, of three tokens at most, it sends no event.
    /// </summary>
    private static bool IsWhole(JsonObject answer, int outputTokens) => (int?)answer["tokens_predicted"] >= outputTokens - 3 && answer.ContainsKey("timings");

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
