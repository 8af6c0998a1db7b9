using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace EmbeddedLlm.Benchmarks.Peers;

/// <summary>llama.cpp's own <c>llama-bench</c>: a new process for each run, whose loading does not count. It makes up its prompts, and samples nothing.</summary>
internal sealed class LlamaBenchPeer : Peer
{
    public const string PeerName = "llama-bench";

    private readonly string _program;
    private readonly PeerSettings _settings;
    private string? _version;

    private LlamaBenchPeer(string program, PeerSettings settings)
    {
        _program = program;
        _settings = settings;
    }

    public override string Name => PeerName;

    public override string? Version => _version;

    public override string? Remark => "samples nothing, and makes up its tokens";

    /// <exception cref="PeerException">It is not on the PATH, or does not run.</exception>
    public static async Task<Peer> StartAsync(PeerSettings settings, CancellationToken cancellationToken)
    {
        LlamaBenchPeer peer = new(Executable.Require(PeerName, settings.SearchPath), settings);
        // Tells the version, and whether it knows the model.
        await peer.RunAsync(["-p", "1", "-n", "0"], cancellationToken);
        return peer;
    }

    public override string? WhyNot(PeerTask task) =>
        task.Schema is not null ? "it knows no grammar" : task.Callers > 1 ? "it has one sequence" : null;

    public override async Task<PeerRun> AnswerAsync(IReadOnlyList<BenchmarkPrompt> prompts, int outputTokens, string? schema, CancellationToken cancellationToken)
    {
        int prompt = prompts[0].Tokens.Length;
        if (outputTokens == 1)
            return new PeerRun(await RunAsync(["-p", Text(prompt), "-n", "0"], cancellationToken), TimeSpan.Zero, prompt, outputTokens);
        // The first token comes out of the prompt's computation, and is none of its own; the prompt is what lies in the KV cache.
        TimeSpan time = await RunAsync(["-p", "0", "-n", Text(outputTokens - 1), "-d", Text(prompt)], cancellationToken);
        return new PeerRun(time, TimeSpan.Zero, 0, outputTokens);
    }

    /// <summary>Nothing runs between the measurements.</summary>
    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<TimeSpan> RunAsync(string[] test, CancellationToken cancellationToken)
    {
        string output = await ChildProcess.RunAsync(
            _program,
            [
                "-m", _settings.Path, "-t", Text(_settings.Threads), "-b", Text(_settings.BatchSize), "-ub", Text(_settings.BatchSize), "-ngl", Text(_settings.GpuLayers),
                "-fa", "auto", "-r", "1", "-o", "json", .. test,
            ],
            cancellationToken);
        try
        {
            JsonNode result = JsonNode.Parse(output)!.AsArray().Single()!;
            _version = $"build {result["build_number"]} ({result["build_commit"]})";
            return TimeSpan.FromTicks((long)((double)result["avg_ns"]! / 100));
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or NullReferenceException)
        {
            throw new PeerException($"failed: what it wrote is no result: {Shortened(output)}", failure);
        }
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Shortened(string output) => output.Length <= 200 ? output : output[..200] + "…";
}
