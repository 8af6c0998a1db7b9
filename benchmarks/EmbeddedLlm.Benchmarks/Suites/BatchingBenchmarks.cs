using BenchmarkDotNet.Attributes;

namespace EmbeddedLlm.Benchmarks.Suites;

/// <summary>Many answers at once: callers of one client, and a bare loop that decodes as many sequences in one batch.</summary>
public class BatchingBenchmarks : SubjectBenchmarks
{
    private const int PromptTokens = 16;
    private const int OutputTokens = 32;

    public static IEnumerable<int> CallerCounts => RunSettings.Current.Callers;

    [ParamsSource(nameof(CallerCounts))]
    public int Callers { get; set; }

    private protected override int Tokens => Callers * OutputTokens;

    [Benchmark(Baseline = true)]
    public void Bare() => Answer(OutputTokens);

    [Benchmark]
    public Task Client() => Task.WhenAll(Prompts.Select(prompt => AskAsync(prompt, OutputTokens)));

    private protected override void Adjust(EmbeddedModelOptions options) => options.MaxSequences = Callers;

    private protected override IEnumerable<BenchmarkPrompt> CreatePrompts(Subject subject) => [.. Enumerable.Range(0, Callers).Select(_ => CreatePrompt(PromptTokens))];
}
