using BenchmarkDotNet.Attributes;
using EmbeddedLlm.Benchmarks.Subjects;

namespace EmbeddedLlm.Benchmarks.Suites;

/// <summary>Text to tokens and back.</summary>
[Config(typeof(ShortConfig))]
public class TokenizerBenchmarks : ModelBenchmarks
{
    private TokenizerWork? _work;

    [Params(1, 100)]
    public int Sentences { get; set; }

    [Benchmark]
    public int[] Tokenize() => _work!.Tokenize();

    [Benchmark]
    public string Detokenize() => _work!.Detokenize();

    private protected override void Prepare(EmbeddedModel model) => _work = new TokenizerWork(model, Sentences);
}
