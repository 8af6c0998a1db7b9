using EmbeddedLlm.Benchmarks.Peers;

namespace EmbeddedLlm.Benchmarks.Tests.Peers;

/// <summary>Against a script that writes what llama-bench of llama.cpp v0.4.0 does.</summary>
public sealed class LlamaBenchPeerTests : IDisposable
{
    private const string Real = """
        echo "$@" >> "$(dirname "$0")/calls"
        echo 'load_backend: loaded CPU backend' >&2
        printf '\357\273\277[\n  {\n    "build_commit": "5b4ebc5",\n    "build_number": 7777,\n    "n_prompt": 128,\n    "avg_ns": 250000000,\n    "avg_ts": 512.0,\n    "samples_ns": [ 250000000 ]\n  }\n]\n'
        """;

    private readonly FakePrograms _programs = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task APromptsRateIsItsTokensOverTheirTime()
    {
        _programs.AddShell("llama-bench", Real);
        await using Peer peer = await LlamaBenchPeer.StartAsync(_programs.Settings, Cancel);
        PeerTask task = new("prefill 128", 1, 128, 1);
        PeerRun run = await peer.AnswerAsync([PromptOf(128)], 1, schema: null, Cancel);
        Assert.Equal(512, run.Rate(task), tolerance: 1e-6);
        Assert.Equal("build 7777 (5b4ebc5)", peer.Version);
        Assert.Equal("-m model file.gguf -t 2 -b 512 -ub 512 -ngl 0 -fa auto -r 1 -o json -p 128 -n 0", _programs.LinesOf("calls")[^1]);
    }

    [Fact]
    public async Task AnAnswersRateIsOfTheTokensAfterTheFirst()
    {
        _programs.AddShell("llama-bench", Real);
        await using Peer peer = await LlamaBenchPeer.StartAsync(_programs.Settings, Cancel);
        PeerTask task = new("decode 33", 1, 32, 33);
        PeerRun run = await peer.AnswerAsync([PromptOf(32)], 33, schema: null, Cancel);
        Assert.Equal(128, run.Rate(task), tolerance: 1e-6);
        Assert.EndsWith("-p 0 -n 32 -d 32", _programs.LinesOf("calls")[^1]);
    }

    [Fact]
    public async Task WhatItCannotDoIsSaid()
    {
        _programs.AddShell("llama-bench", Real);
        await using Peer peer = await LlamaBenchPeer.StartAsync(_programs.Settings, Cancel);
        Assert.Null(peer.WhyNot(new PeerTask("decode", 1, 32, 16)));
        Assert.Equal("it has one sequence", peer.WhyNot(new PeerTask("8 callers", 8, 32, 16)));
        Assert.Equal("it knows no grammar", peer.WhyNot(new PeerTask("JSON", 1, 32, 16, "{}")));
    }

    [Theory]
    [InlineData("echo 'error: unable to load model' >&2; exit 1", "failed: llama-bench ended with exit code 1: error: unable to load model")]
    [InlineData("echo 'usage: llama-bench'", "failed: what it wrote is no result: usage: llama-bench\n")]
    [InlineData("echo '[]'", "failed: what it wrote is no result: []\n")]
    [InlineData("echo '[{}]'", "failed: what it wrote is no result: [{}]\n")]
    public async Task AProgramThatFailsIsNoPeer(string script, string reason)
    {
        _programs.AddShell("llama-bench", script);
        PeerException failure = await Assert.ThrowsAsync<PeerException>(() => LlamaBenchPeer.StartAsync(_programs.Settings, Cancel));
        Assert.Equal(reason, failure.Message);
    }

    public void Dispose() => _programs.Dispose();

    private static BenchmarkPrompt PromptOf(int tokens) => new([], [.. Enumerable.Range(1, tokens)]);
}
