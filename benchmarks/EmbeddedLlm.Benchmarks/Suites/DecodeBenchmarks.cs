using BenchmarkDotNet.Attributes;

namespace EmbeddedLlm.Benchmarks.Suites;

/// <summary>An answer to one caller. Both runs are whole: a short prompt's computation, the same for both, is part of them.</summary>
public class DecodeBenchmarks : SubjectBenchmarks
{
    private const int PromptTokens = 16;
    private const int OutputTokens = 64;

    private protected override int Tokens => OutputTokens;

    [Benchmark(Baseline = true)]
    public void Bare() => Answer(OutputTokens);

    [Benchmark]
    public Task Client() => AskAsync(Prompts[0], OutputTokens);

    private protected override IEnumerable<BenchmarkPrompt> CreatePrompts(Subject subject) => [CreatePrompt(PromptTokens)];
}
