using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace EmbeddedLlm.Benchmarks.Peers;

/// <summary>
/// node-llama-cpp, whose native libraries are the library's own, in a process of Node.js: <c>benchmarks/node-llama-cpp</c>. Times are taken in that process. It is installed by npm into the temporary folder the
/// first time.
/// </summary>
internal sealed class NodePeer : Peer
{
    public const string PeerName = "node-llama-cpp";

    private const string Program = "peer.mjs";

    private static readonly string[] s_manifest = ["package.json", "package-lock.json", ".npmrc"];

    private readonly ChildProcess _process;

    private NodePeer(ChildProcess process) => _process = process;

    public override string Name => PeerName;

    public override string? Version => LoadedVersion;

    private string? LoadedVersion { get; set; }

    /// <exception cref="PeerException">Node.js is not there, or node-llama-cpp cannot be installed or does not load the model.</exception>
    public static async Task<Peer> StartAsync(PeerSettings settings, CancellationToken cancellationToken)
    {
        string node = Executable.Require("node", settings.SearchPath);
        string folder = await InstallAsync(Path.Combine(AppContext.BaseDirectory, "node-llama-cpp"), settings.SearchPath, cancellationToken);
        NodePeer peer = new(ChildProcess.Start(node, [Program], folder, readsInput: true));
        try
        {
            JsonNode loaded = await peer.AskAsync(
                new JsonObject
                {
                    ["op"] = "load",
                    ["path"] = settings.Path,
                    ["threads"] = settings.Threads,
                    ["contextSize"] = settings.ContextLength,
                    ["sequences"] = settings.Sequences,
                    ["batchSize"] = settings.BatchSize,
                    ["gpu"] = settings.Device == "cpu" ? JsonValue.Create(false) : JsonValue.Create(settings.Device),
                    ["gpuLayers"] = settings.Device == "cpu" ? JsonValue.Create(0) : JsonValue.Create("max"),
                },
                cancellationToken);
            peer.LoadedVersion = (string?)loaded["version"];
            return (string?)loaded["gpu"] == settings.Device ? peer : throw new PeerException($"is not comparable: it computes on {loaded["gpu"]}, not on {settings.Device}");
        }
        catch
        {
            await peer.DisposeAsync();
            throw;
        }
    }

    public override async Task<PeerRun> AnswerAsync(IReadOnlyList<BenchmarkPrompt> prompts, int outputTokens, string? schema, CancellationToken cancellationToken)
    {
        JsonNode answer = await AskAsync(
            new JsonObject
            {
                ["op"] = "answer",
                ["prompts"] = new JsonArray([.. prompts.Select(prompt => new JsonArray([.. prompt.Tokens.Select(token => (JsonNode)token)]))]),
                ["tokens"] = outputTokens,
                ["schema"] = schema is null ? null : JsonNode.Parse(schema),
            },
            cancellationToken);
        return new PeerRun(
            TimeSpan.FromMilliseconds((double)answer["totalMs"]!), TimeSpan.FromMilliseconds((double)answer["firstMs"]!), prompts.Sum(prompt => prompt.Tokens.Length), prompts.Count * outputTokens);
    }

    public override ValueTask DisposeAsync() => _process.DisposeAsync();

    private async Task<JsonNode> AskAsync(JsonObject request, CancellationToken cancellationToken)
    {
        string line = await _process.AskAsync(request.ToJsonString(), cancellationToken);
        try
        {
            JsonNode answer = JsonNode.Parse(line)!;
            return (bool)answer["ok"]! ? answer : throw new PeerException($"failed: {answer["error"]}");
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or NullReferenceException)
        {
            throw new PeerException($"failed: it answered '{line}'", failure);
        }
    }

    /// <summary>Installs what the lock file says, once for each state of it; what was interrupted is done anew.</summary>
    /// <returns>The folder to run it in.</returns>
    private static async Task<string> InstallAsync(string source, string? searchPath, CancellationToken cancellationToken)
    {
        byte[] identity = SHA256.HashData([.. s_manifest.Select(file => File.ReadAllBytes(Path.Combine(source, file))).SelectMany(bytes => bytes)]);
        string folder = Path.Combine(Path.GetTempPath(), "embeddedllm-benchmarks", $"node-llama-cpp-{Convert.ToHexStringLower(identity.AsSpan(0, 6))}");
        if (!Directory.Exists(folder))
        {
            string npm = Executable.Require("npm", searchPath);
            string partial = $"{folder}.{Environment.ProcessId}.partial";
            Directory.CreateDirectory(partial);
            try
            {
                foreach (string file in s_manifest)
                    File.Copy(Path.Combine(source, file), Path.Combine(partial, file), overwrite: true);
                await Console.Error.WriteLineAsync($"Installing {PeerName} into {folder}");
                await ChildProcess.RunAsync(npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"], cancellationToken, partial);
                Directory.Move(partial, folder);
            }
            catch (PeerException failure)
            {
                throw new PeerException($"not found: npm could not install it. It {failure.Message}", failure);
            }
            catch (IOException) when (Directory.Exists(folder))
            {
                // Another process was faster.
            }
            finally
            {
                if (Directory.Exists(partial))
                    Directory.Delete(partial, recursive: true);
            }
        }

        File.Copy(Path.Combine(source, Program), Path.Combine(folder, Program), overwrite: true);
        return folder;
    }
}
