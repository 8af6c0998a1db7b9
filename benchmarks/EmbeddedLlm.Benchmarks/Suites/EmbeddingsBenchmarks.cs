using BenchmarkDotNet.Attributes;
using EmbeddedLlm.Benchmarks.Subjects;

namespace EmbeddedLlm.Benchmarks.Suites;

/// <summary>Texts to vectors.</summary>
[Config(typeof(TokenConfig))]
public class EmbeddingsBenchmarks : ModelBenchmarks
{
    private EmbeddingsWork? _work;

    [Params(1, 32)]
    public int Texts { get; set; }

    [Benchmark]
    public async Task<int> Generate() => SuiteFacts.Tokens = await _work!.GenerateAsync();

    private protected override void Prepare(EmbeddedModel model) => _work = new EmbeddingsWork(model, Texts);
}
