using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Benchmarks;

/// <summary>How long an application waits: for the model, and for its first word. The file is in the system's cache.</summary>
[Config(typeof(LongRunConfig))]
[MemoryDiagnoser]
public class LoadBenchmarks
{
    private static readonly ChatOptions OneToken = new() { Temperature = 0, MaxOutputTokens = 1 };

    private string _file = "";

    [Params(BenchmarkFiles.Starter, BenchmarkFiles.Qwen25Of500M)]
    public string Model { get; set; } = "";

    [GlobalSetup]
    public void Resolve() => _file = BenchmarkFiles.Resolve(Model);

    [Benchmark]
    public async Task Load()
    {
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(_file);
    }

    [Benchmark]
    public async Task<string> LoadToFirstToken()
    {
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(_file);
        return (await model.AsChatClient().GetResponseAsync("Hello", OneToken)).Text;
    }
}
