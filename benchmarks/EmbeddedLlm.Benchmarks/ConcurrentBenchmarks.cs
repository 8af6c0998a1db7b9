using BenchmarkDotNet.Attributes;

namespace EmbeddedLlm.Benchmarks;

/// <summary>A token of eight answers at once: eight callers of one client, and a bare loop that decodes eight sequences in one batch.</summary>
public class ConcurrentBenchmarks : SubjectBenchmarks
{
    private const int Callers = 8;
    private const int PromptTokens = 16;
    private const int OutputTokens = 32;

    [Benchmark(Baseline = true, OperationsPerInvoke = Callers * OutputTokens)]
    public void Bare()
    {
        Subject.Bare.Prefill([.. Prompts.Select(prompt => prompt.Tokens)]);
        for (int i = 1; i < OutputTokens; i++)
            Subject.Bare.Decode();
    }

    [Benchmark(OperationsPerInvoke = Callers * OutputTokens)]
    public Task Client() => Task.WhenAll(Prompts.Select(prompt => Subject.AskAsync(prompt, OutputTokens)));

    private protected override IEnumerable<BenchmarkPrompt> CreatePrompts(Subject subject) => [.. Enumerable.Range(0, Callers).Select(_ => CreatePrompt(PromptTokens))];
}
