using BenchmarkDotNet.Attributes;

namespace EmbeddedLlm.Benchmarks.Suites;

/// <summary>A prompt. The client's run is a whole request for one token: template, tokenizing, queue and sampling included.</summary>
public class PrefillBenchmarks : SubjectBenchmarks
{
    [Params(128, 512, 2048)]
    public int PromptTokens { get; set; }

    private protected override int Tokens => PromptTokens;

    [Benchmark(Baseline = true)]
    public void Bare() => Subject.Bare.Prefill(Prompts[0].Tokens);

    [Benchmark]
    public Task Client() => AskAsync(Prompts[0], outputTokens: 1);

    private protected override void Adjust(EmbeddedModelOptions options) => options.ContextLength = PromptTokens + 64;

    private protected override IEnumerable<BenchmarkPrompt> CreatePrompts(Subject subject) => [CreatePrompt(PromptTokens)];
}
