using BenchmarkDotNet.Attributes;

namespace EmbeddedLlm.Benchmarks;

/// <summary>A token of a prompt. The client's run is a whole request for one token: template, tokenizing, queue and sampling included.</summary>
public class PrefillBenchmarks : SubjectBenchmarks
{
    private const int PromptTokens = 256;

    [Benchmark(Baseline = true, OperationsPerInvoke = PromptTokens)]
    public void Bare() => Subject.Bare.Prefill(Prompts[0].Tokens);

    [Benchmark(OperationsPerInvoke = PromptTokens)]
    public Task Client() => Subject.AskAsync(Prompts[0], outputTokens: 1);

    private protected override IEnumerable<BenchmarkPrompt> CreatePrompts(Subject subject) => [CreatePrompt(PromptTokens)];
}
