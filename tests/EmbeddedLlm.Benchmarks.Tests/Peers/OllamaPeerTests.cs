using System.Text.Json.Nodes;
using EmbeddedLlm.Benchmarks.Peers;

namespace EmbeddedLlm.Benchmarks.Tests.Peers;

/// <summary>Against a script that answers as Ollama's documentation says.</summary>
public sealed class OllamaPeerTests : IDisposable
{
    private const string Ollama = """
        const {createServer} = require("node:http");
        const {appendFileSync, readFileSync, writeFileSync} = require("node:fs");
        const [host, port] = process.env.OLLAMA_HOST.split(":");
        if (process.argv[2] === "create") {
            writeFileSync(`${__dirname}/created`, `${process.argv[3]}\n${readFileSync(process.argv[5], "utf8")}${process.env.OLLAMA_MODELS}`);
            process.exit(0);
        }

        createServer((request, response) => {
            if (request.url === "/api/version")
                return response.end('{"version":"0.9.9"}');
            let body = "";
            request.on("data", (data) => body += data).on("end", () => {
                appendFileSync(`${__dirname}/requests`, body + "\n");
                const count = JSON.parse(body).options.num_predict;
                const predicted = count === 40 ? 3 : count - 1;
                response.write('{"response":"é","done":false}\n');
                response.end(`{"response":"","done":true,"prompt_eval_count":30,"prompt_eval_duration":2000000,"eval_count":${predicted},"eval_duration":5000000}\n`);
            });
        }).listen(Number(port), host);
        """;

    private readonly FakePrograms _programs = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheModelsFileIsGivenByAModelfileAndTokensAreCountedAsItSays()
    {
        _programs.AddNode("ollama", Ollama);
        await using Subject subject = await Subject.LoadAsync(BenchmarkFiles.Starter, new RunSettings { Threads = 1 });
        string folder;
        await using (Peer peer = await OllamaPeer.StartAsync(subject, _programs.Settings, Cancel))
        {
            BenchmarkPrompt prompt = subject.CreatePrompt(32, seed: 1);
            PeerRun run = await peer.AnswerAsync([prompt, prompt], 10, """{"type":"array"}""", Cancel);
            Assert.Equal((60, 18, TimeSpan.FromMilliseconds(2)), (run.InputTokens, run.OutputTokens, run.Prefill));
            Assert.Equal("0.9.9", peer.Version);

            string[] created = _programs.LinesOf("created");
            Assert.Equal(["embeddedllm-benchmark", "FROM \"model file.gguf\""], created[..2]);
            folder = created[2];
            JsonNode request = JsonNode.Parse(_programs.LinesOf("requests")[0])!;
            Assert.Equal(subject.Model.Detokenize(prompt.Tokens, includeSpecial: true), (string?)request["prompt"]);
            Assert.Equal((true, """{"type":"array"}"""), ((bool)request["raw"]!, request["format"]!.ToJsonString()));
            Assert.Equal((0, 10, 1024, 2, 0), Options(request["options"]!));
        }

        Assert.False(Directory.Exists(Path.GetDirectoryName(folder)));
    }

    [Fact]
    public async Task AnAnswerThatEndsEarlyIsNotComparable()
    {
        _programs.AddNode("ollama", Ollama);
        await using Subject subject = await Subject.LoadAsync(BenchmarkFiles.Starter, new RunSettings { Threads = 1 });
        await using Peer peer = await OllamaPeer.StartAsync(subject, _programs.Settings, Cancel);
        PeerException failure = await Assert.ThrowsAsync<PeerException>(() => peer.AnswerAsync([subject.CreatePrompt(32, seed: 1)], 40, schema: null, Cancel));
        Assert.Equal("is not comparable: it answered 3 tokens of 40", failure.Message);
    }

    [Fact]
    public async Task AFileThatItDoesNotTakeIsNotComparable()
    {
        _programs.AddNode("ollama", "if (process.argv[2] === \"create\") { console.error(\"Error: invalid file\"); process.exit(1); }\n" + Ollama);
        await using Subject subject = await Subject.LoadAsync(BenchmarkFiles.Starter, new RunSettings { Threads = 1 });
        PeerException failure = await Assert.ThrowsAsync<PeerException>(() => OllamaPeer.StartAsync(subject, _programs.Settings, Cancel));
        Assert.Equal("is not comparable: it does not take the model's file. It failed: ollama ended with exit code 1: Error: invalid file", failure.Message);
    }

    public void Dispose() => _programs.Dispose();

    private static (int Temperature, int Predict, int Context, int Threads, int Gpu) Options(JsonNode options) =>
        ((int)options["temperature"]!, (int)options["num_predict"]!, (int)options["num_ctx"]!, (int)options["num_thread"]!, (int)options["num_gpu"]!);
}
