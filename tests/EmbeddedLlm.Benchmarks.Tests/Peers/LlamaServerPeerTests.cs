using System.Diagnostics;
using System.Text.Json.Nodes;
using EmbeddedLlm.Benchmarks.Peers;

namespace EmbeddedLlm.Benchmarks.Tests.Peers;

/// <summary>Against a script that answers as llama-server of llama.cpp v0.4.0 does: first that it is loading, then events.</summary>
public sealed class LlamaServerPeerTests : IDisposable
{
    private const string Server = """
        const {createServer} = require("node:http");
        const {appendFileSync, writeFileSync} = require("node:fs");
        const option = (name) => process.argv[process.argv.indexOf(name) + 1];
        writeFileSync(`${__dirname}/arguments`, process.argv.slice(2).join("\n"));
        writeFileSync(`${__dirname}/process`, String(process.pid));
        let asked = 0;
        createServer((request, response) => {
            if (request.url === "/health")
                return response.writeHead(++asked < 3 ? 503 : 200).end('{"status":"ok"}');
            if (request.url === "/props")
                return response.end('{"build_info":"b7777-5b4ebc5"}');
            let body = "";
            request.on("data", (data) => body += data).on("end", () => {
                appendFileSync(`${__dirname}/requests`, body + "\n");
                const {prompt, n_predict: count} = JSON.parse(body);
                if (prompt[0] === 500)
                    return response.writeHead(500).end('{"error":{"message":"no slot"}}');
                if (prompt[0] === 501)
                    process.exit(9);
                if (prompt[0] === 503)
                    return response.end('data: {"stop":false,"tokens_predicted":1}\n\ndata: {"error":{"code":500}}\n\n');
                if (prompt[0] === 504) {
                    response.write(`data: {"stop":false,"tokens_predicted":${count - 2},"timings":{"prompt_n":1,"prompt_ms":2.5}}\n\n`);
                    return response.end('data: {"error":{"code":500}}\n\n');
                }

                const predicted = prompt[0] === 502 ? count - 1 : count;
                for (let i = 1; i <= predicted; i++)
                    response.write(`data: {"content":"é","stop":false,"tokens_predicted":${i}}\r\n\r\n`);
                response.end(`data: {"content":"","stop":true,"tokens_predicted":${predicted},"timings":{"prompt_n":${prompt.length},"prompt_ms":1.5}}\n\n`);
            });
        }).listen(Number(option("--port")), option("--host"));
        """;

    private readonly FakePrograms _programs = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PromptsAreTokensAndAnswersHaveTheirLength()
    {
        await using Peer peer = await StartAsync();
        PeerRun run = await peer.AnswerAsync([PromptOf(1, 2, 3), PromptOf(4, 5)], 8, schema: null, Cancel);
        Assert.Equal((5, 16, TimeSpan.FromMilliseconds(1.5)), (run.InputTokens, run.OutputTokens, run.Prefill));
        Assert.True(run.Total > TimeSpan.Zero);
        Assert.Equal("b7777-5b4ebc5", peer.Version);
        JsonNode request = _programs.LinesOf("requests").Select(line => JsonNode.Parse(line)!).Single(request => request["prompt"]!.AsArray().Count == 3);
        Assert.Equal("[1,2,3]", request["prompt"]!.ToJsonString());
        Assert.Equal((8, true, false, null), ((int)request["n_predict"]!, (bool)request["ignore_eos"]!, (bool)request["cache_prompt"]!, (string?)request["json_schema"]));
    }

    [Fact]
    public async Task ItIsStartedOnThisMachineAloneWithTheSettings()
    {
        await using Peer peer = await StartAsync();
        string[] arguments = _programs.LinesOf("arguments");
        foreach ((string option, string value) in ((string, string)[])
            [("-m", "model file.gguf"), ("--host", "127.0.0.1"), ("-t", "2"), ("-tb", "2"), ("-c", "8192"), ("-np", "8"), ("-b", "512"), ("-ub", "512"), ("-ngl", "0")])
        {
            Assert.Equal(value, arguments[Array.IndexOf(arguments, option) + 1]);
        }
    }

    [Fact]
    public async Task ASchemaIsSentAsItIs()
    {
        await using Peer peer = await StartAsync();
        await peer.AnswerAsync([PromptOf(1)], 2, """{"type":"array"}""", Cancel);
        Assert.Equal("""{"type":"array"}""", JsonNode.Parse(_programs.LinesOf("requests")[0])!["json_schema"]!.ToJsonString());
    }

    [Theory]
    [InlineData(500, "failed: it answered 500: {\"error\":{\"message\":\"no slot\"}}")]
    [InlineData(503, "failed: it answered {\"code\":500}")]
    [InlineData(502, "failed: it answered 7 tokens of 8 to 1 of 1")]
    public async Task AWrongAnswerIsAFailure(int token, string reason)
    {
        await using Peer peer = await StartAsync();
        PeerException failure = await Assert.ThrowsAsync<PeerException>(() => peer.AnswerAsync([PromptOf(token)], 8, schema: null, Cancel));
        Assert.Equal(reason, failure.Message);
    }

    [Fact]
    public async Task AnAnswerThatEndsWithinACharacterIsWhole()
    {
        await using Peer peer = await StartAsync();
        PeerRun run = await peer.AnswerAsync([PromptOf(504)], 8, schema: null, Cancel);
        Assert.Equal((1, 8, TimeSpan.FromMilliseconds(2.5)), (run.InputTokens, run.OutputTokens, run.Prefill));
    }

    [Fact]
    public async Task AServerThatEndsIsAFailure()
    {
        await using Peer peer = await StartAsync();
        PeerException failure = await Assert.ThrowsAsync<PeerException>(() => peer.AnswerAsync([PromptOf(501)], 8, schema: null, Cancel));
        Assert.StartsWith("failed: ", failure.Message);
    }

    [Fact]
    public async Task AServerThatDoesNotStartIsNoPeer()
    {
        _programs.AddShell("llama-server", "echo 'failed to load model' >&2; exit 1");
        PeerException failure = await Assert.ThrowsAsync<PeerException>(() => LlamaServerPeer.StartAsync(_programs.Settings, Cancel));
        Assert.Equal("failed: llama-server ended with exit code 1: failed to load model", failure.Message);
    }

    [Fact]
    public async Task TheServerEndsWithThePeer()
    {
        Peer peer = await StartAsync();
        using Process server = Process.GetProcessById(int.Parse(_programs.LinesOf("process")[0], System.Globalization.CultureInfo.InvariantCulture));
        Assert.False(server.HasExited);
        await peer.DisposeAsync();
        await server.WaitForExitAsync(Cancel).WaitAsync(TimeSpan.FromSeconds(30), Cancel);
    }

    public void Dispose() => _programs.Dispose();

    private Task<Peer> StartAsync()
    {
        _programs.AddNode("llama-server", Server);
        return LlamaServerPeer.StartAsync(_programs.Settings, Cancel);
    }

    private static BenchmarkPrompt PromptOf(params int[] tokens) => new([], tokens);
}
