using BenchmarkDotNet.Attributes;
using EmbeddedLlm.Benchmarks.Subjects;

namespace EmbeddedLlm.Benchmarks.Suites;

/// <summary>A walk through the built-in schemas' instances: a mask and an advance for each token, with a new grammar each.</summary>
[Config(typeof(LongConfig))]
public class GrammarMaskBenchmarks : ModelBenchmarks
{
    private EmbeddedModel? _model;

    [Benchmark]
    public int Walk() => GrammarSubject.Measure(_model!, GrammarSubject.BuiltIn(), CancellationToken.None).FirstMask.Count;

    private protected override void Prepare(EmbeddedModel model) => _model = model;
}
