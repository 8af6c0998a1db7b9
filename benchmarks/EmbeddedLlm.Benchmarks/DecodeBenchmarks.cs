using BenchmarkDotNet.Attributes;

namespace EmbeddedLlm.Benchmarks;

/// <summary>A token of an answer. Both runs are whole: a short prompt's computation, the same for both, is part of them.</summary>
public class DecodeBenchmarks : SubjectBenchmarks
{
    private const int PromptTokens = 16;
    private const int OutputTokens = 64;

    [Benchmark(Baseline = true, OperationsPerInvoke = OutputTokens)]
    public void Bare()
    {
        Subject.Bare.Prefill(Prompts[0].Tokens);
        for (int i = 1; i < OutputTokens; i++)
            Subject.Bare.Decode();
    }

    [Benchmark(OperationsPerInvoke = OutputTokens)]
    public Task Client() => Subject.AskAsync(Prompts[0], OutputTokens);

    private protected override IEnumerable<BenchmarkPrompt> CreatePrompts(Subject subject) => [CreatePrompt(PromptTokens)];
}
