using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace EmbeddedLlm.Benchmarks.Peers;

/// <summary>
/// Ollama, in a server of its own whose models lie in a temporary folder: the model's file is given to it by a Modelfile. It takes text in place of tokens, and ends answers where the model does, so what it
/// computes is counted as it says.
/// </summary>
internal sealed class OllamaPeer : Peer
{
    public const string PeerName = "ollama";

    private const string Model = "embeddedllm-benchmark";

    private readonly LocalServer _server;
    private readonly Subject _subject;
    private readonly PeerSettings _settings;
    private readonly string _folder;

    private OllamaPeer(LocalServer server, Subject subject, PeerSettings settings, string folder, string? version)
    {
        _server = server;
        _subject = subject;
        _settings = settings;
        _folder = folder;
        Version = version;
    }

    public override string Name => PeerName;

    public override string? Version { get; }

    public override string? Remark => "takes text for tokens, and ends answers where the model does: rates are of the tokens that it counted";

    /// <exception cref="PeerException">It is not on the PATH, or does not take the model's file.</exception>
    public static async Task<Peer> StartAsync(Subject subject, PeerSettings settings, CancellationToken cancellationToken)
    {
        string program = Executable.Require(PeerName, settings.SearchPath);
        string folder = Directory.CreateTempSubdirectory("embeddedllm-ollama-").FullName;
        LocalServer? server = null;
        try
        {
            Dictionary<string, string> environment = new()
            {
                ["OLLAMA_MODELS"] = Path.Combine(folder, "models"),
                ["OLLAMA_NUM_PARALLEL"] = Text(settings.Sequences),
                ["OLLAMA_KEEP_ALIVE"] = "-1",
            };
            server = await LocalServer.StartAsync(
                port =>
                {
                    environment["OLLAMA_HOST"] = $"127.0.0.1:{Text(port)}";
                    return ChildProcess.Start(program, ["serve"], environment: environment);
                },
                "/api/version",
                cancellationToken);
            string modelfile = Path.Combine(folder, "Modelfile");
            // A path may have blanks, and needs quotation marks; Modelfiles know no escapes in them.
            await File.WriteAllTextAsync(modelfile, $"FROM \"{settings.Path}\"\n", cancellationToken);
            try
            {
                await ChildProcess.RunAsync(program, ["create", Model, "-f", modelfile], cancellationToken, environment: environment);
            }
            catch (PeerException failure)
            {
                throw new PeerException($"is not comparable: it does not take the model's file. It {failure.Message}", failure);
            }

            return new OllamaPeer(server, subject, settings, folder, (string?)(await server.TryGetAsync("/api/version", cancellationToken))?["version"]);
        }
        catch
        {
            if (server is not null)
                await server.DisposeAsync();
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    public override async Task<PeerRun> AnswerAsync(IReadOnlyList<BenchmarkPrompt> prompts, int outputTokens, string? schema, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        JsonObject[] answers = await Task.WhenAll(prompts.Select(prompt => _server.PostAsync("/api/generate", RequestOf(prompt, outputTokens, schema), isEnough: null, cancellationToken)));
        TimeSpan total = Stopwatch.GetElapsedTime(start);
        int output = answers.Sum(answer => (int?)answer["eval_count"] ?? 0);
        if (output < prompts.Count * (outputTokens == 1 ? 1 : Math.Max(2, outputTokens / 2)))
            throw new PeerException($"is not comparable: it answered {output} tokens of {prompts.Count * outputTokens}");
        return new PeerRun(
            total,
            TimeSpan.FromMicroseconds(answers.Max(answer => (double)(answer["prompt_eval_duration"] ?? 0) / 1000)),
            answers.Sum(answer => (int?)answer["prompt_eval_count"] ?? 0),
            output);
    }

    public override async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private JsonObject RequestOf(BenchmarkPrompt prompt, int outputTokens, string? schema) => new()
    {
        ["model"] = Model,
        ["prompt"] = _subject.Model.Detokenize(prompt.Tokens, includeSpecial: true),
        ["raw"] = true,
        ["stream"] = true,
        ["format"] = schema is null ? null : JsonNode.Parse(schema),
        ["options"] = new JsonObject
        {
            ["temperature"] = 0,
            ["num_predict"] = outputTokens,
            ["num_ctx"] = _settings.ContextLength,
            ["num_thread"] = _settings.Threads,
            ["num_batch"] = _settings.BatchSize,
            ["num_gpu"] = _settings.GpuLayers,
        },
    };

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
