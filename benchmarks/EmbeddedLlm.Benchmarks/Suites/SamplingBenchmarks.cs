using BenchmarkDotNet.Attributes;
using EmbeddedLlm.Benchmarks.Subjects;

namespace EmbeddedLlm.Benchmarks.Suites;

/// <summary>One token from one row of logits.</summary>
[Config(typeof(ShortConfig))]
public class SamplingBenchmarks
{
    private SamplingWork? _work;

    public static IEnumerable<string> Chains => SamplingWork.Chains.Keys;

    public static IEnumerable<string> Rows => SamplingWork.Rows;

    [ParamsSource(nameof(Chains))]
    public string Chain { get; set; } = "";

    [ParamsSource(nameof(Rows))]
    public string Row { get; set; } = "";

    [Params(32_000, 151_936)]
    public int Vocabulary { get; set; }

    [GlobalSetup]
    public void Setup() => _work = new SamplingWork(Chain, Row, Vocabulary);

    [Benchmark]
    public int Sample() => _work!.Sample();
}
