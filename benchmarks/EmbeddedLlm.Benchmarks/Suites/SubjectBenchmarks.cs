using BenchmarkDotNet.Attributes;

namespace EmbeddedLlm.Benchmarks.Suites;

/// <summary>What the suites that compare the client with the bare loop have in common.</summary>
[Config(typeof(TokenConfig))]
public abstract class SubjectBenchmarks
{
    private Subject? _subject;
    private int _seed;

    public static IEnumerable<string> Models => RunSettings.Current.Models;

    [ParamsSource(nameof(Models))]
    public string Model { get; set; } = "";

    private protected Subject Subject => _subject ?? throw new InvalidOperationException("The model is not loaded.");

    /// <summary>The prompts of the next run, one for each caller: new ones each time, so that nothing is cached.</summary>
    private protected BenchmarkPrompt[] Prompts { get; private set; } = [];

    /// <summary>The tokens of a run, by which its time is divided.</summary>
    private protected abstract int Tokens { get; }

    [GlobalSetup]
    public async Task LoadAsync()
    {
        long before = ProcessMemory.Resident;
        _subject = await Subject.LoadAsync(Model, RunSettings.Current, Adjust);
        SuiteFacts.NativeBytes = Math.Max(0, ProcessMemory.Resident - before);
        SuiteFacts.Tokens = Tokens;
    }

    [IterationSetup]
    public void CreatePrompts() => Prompts = [.. CreatePrompts(Subject)];

    [GlobalCleanup]
    public async Task DisposeAsync()
    {
        if (_subject is not null)
            await _subject.DisposeAsync();
    }

    private protected abstract IEnumerable<BenchmarkPrompt> CreatePrompts(Subject subject);

    private protected virtual void Adjust(EmbeddedModelOptions options)
    {
    }

    private protected BenchmarkPrompt CreatePrompt(int tokens) => Subject.CreatePrompt(tokens, _seed++);

    /// <summary>An answer, whose time to the first token is kept.</summary>
    private protected async Task AskAsync(BenchmarkPrompt prompt, int outputTokens)
    {
        ClientAnswer answer = await Subject.AskAsync(prompt, outputTokens);
        lock (SuiteFacts.FirstTokens)
            SuiteFacts.FirstTokens.Add((answer.Timings.Queue + answer.Timings.Prefill).TotalMilliseconds);
    }

    private protected void Answer(int outputTokens)
    {
        Subject.Bare.Prefill([.. Prompts.Select(prompt => prompt.Tokens)]);
        for (int i = 1; i < outputTokens; i++)
            Subject.Bare.Decode();
    }
}
