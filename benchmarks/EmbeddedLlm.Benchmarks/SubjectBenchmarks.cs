using BenchmarkDotNet.Attributes;

namespace EmbeddedLlm.Benchmarks;

/// <summary>What the suites that compare the client with the bare loop have in common.</summary>
[Config(typeof(GenerationConfig))]
[MemoryDiagnoser]
public abstract class SubjectBenchmarks
{
    private Subject? _subject;
    private int _seed;

    [Params(BenchmarkFiles.Starter, BenchmarkFiles.Qwen25Of500M)]
    public string Model { get; set; } = "";

    private protected Subject Subject => _subject ?? throw new InvalidOperationException("The model is not loaded.");

    /// <summary>The prompts of the next run, one for each caller: new ones each time, so that nothing is cached.</summary>
    private protected BenchmarkPrompt[] Prompts { get; private set; } = [];

    [GlobalSetup]
    public async Task LoadAsync() => _subject = await Subject.LoadAsync(Model);

    [IterationSetup]
    public void CreatePrompts() => Prompts = [.. CreatePrompts(Subject)];

    [GlobalCleanup]
    public async Task DisposeAsync()
    {
        if (_subject is not null)
            await _subject.DisposeAsync();
    }

    private protected abstract IEnumerable<BenchmarkPrompt> CreatePrompts(Subject subject);

    private protected BenchmarkPrompt CreatePrompt(int tokens) => Subject.CreatePrompt(tokens, _seed++);
}
