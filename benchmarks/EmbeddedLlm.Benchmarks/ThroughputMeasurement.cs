using System.Diagnostics;

namespace EmbeddedLlm.Benchmarks;

/// <summary>
/// Whole answers of many callers who come at once, prompts included: from the first request to the last token. The bare loop computes all prompts, and then the next
/// token of every sequence in each batch.
/// </summary>
internal sealed class ThroughputMeasurement(Subject subject, int callers, int outputTokens) : PairedMeasurement($"{callers} × {outputTokens}")
{
    private const int PromptTokens = 32;

    private BenchmarkPrompt[] _prompts = [];

    protected override int Tokens => callers * outputTokens;

    protected override void Prepare(int pair) =>
        _prompts = [.. Enumerable.Range(0, callers).Select(caller => subject.CreatePrompt(PromptTokens, seed: ((callers * 1_000) + pair) * 100 + caller))];

    protected override double Bare()
    {
        long start = Stopwatch.GetTimestamp();
        subject.Bare.Prefill([.. _prompts.Select(prompt => prompt.Tokens)]);
        for (int i = 1; i < outputTokens; i++)
            subject.Bare.Decode();
        return Rate(Tokens, Stopwatch.GetElapsedTime(start));
    }

    protected override async Task<double> ClientAsync()
    {
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(_prompts.Select(prompt => subject.AskAsync(prompt, outputTokens)));
        return Rate(Tokens, Stopwatch.GetElapsedTime(start));
    }
}
