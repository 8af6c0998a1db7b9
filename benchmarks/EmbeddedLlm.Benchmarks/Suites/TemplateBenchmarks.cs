using BenchmarkDotNet.Attributes;
using EmbeddedLlm.Benchmarks.Subjects;

namespace EmbeddedLlm.Benchmarks.Suites;

/// <summary>A chat template's parsing, and a conversation's way through it.</summary>
[Config(typeof(ShortConfig))]
public class TemplateBenchmarks
{
    private TemplateWork? _work;

    [Params(1, 20)]
    public int Turns { get; set; }

    [GlobalSetup]
    public void Setup() => _work = new TemplateWork(Turns);

    [Benchmark]
    public int Render() => _work!.Render();

    [Benchmark]
    public object Parse() => _work!.Parse();
}
