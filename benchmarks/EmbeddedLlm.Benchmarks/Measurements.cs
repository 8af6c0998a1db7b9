using System.Diagnostics;

namespace EmbeddedLlm.Benchmarks;

/// <summary>A prompt's computation: for the client, a whole request for one token.</summary>
internal sealed class PrefillMeasurement(Subject subject, int tokens) : PairedMeasurement($"prefill {tokens}")
{
    private BenchmarkPrompt _prompt = new([], []);

    protected override int Tokens => tokens;

    protected override void Prepare(int pair) => _prompt = subject.CreatePrompt(tokens, seed: tokens * 1_000 + pair);

    protected override double Bare()
    {
        long start = Stopwatch.GetTimestamp();
        subject.Bare.Prefill(_prompt.Tokens);
        return Rate(tokens, Stopwatch.GetElapsedTime(start));
    }

    protected override async Task<double> ClientAsync()
    {
        long start = Stopwatch.GetTimestamp();
        ClientAnswer answer = await subject.AskAsync(_prompt, outputTokens: 1);
        return Rate(tokens - answer.CachedTokens, Stopwatch.GetElapsedTime(start));
    }
}

/// <summary>
/// The tokens after the first, of one caller or of some at once. All of a request's time that is not the prompt's computation counts, so templates, tokenizing and the way
/// of the last update to the caller do too.
/// </summary>
internal sealed class DecodeMeasurement(Subject subject, int callers, int outputTokens)
    : PairedMeasurement(callers == 1 ? $"decode {outputTokens}" : $"decode {callers} × {outputTokens}")
{
    private const int PromptTokens = 32;

    private BenchmarkPrompt[] _prompts = [];

    protected override int Tokens => callers * outputTokens;

    protected override void Prepare(int pair) =>
        _prompts = [.. Enumerable.Range(0, callers).Select(caller => subject.CreatePrompt(PromptTokens, seed: ((outputTokens * 100) + pair) * callers + caller))];

    protected override double Bare()
    {
        subject.Bare.Prefill([.. _prompts.Select(prompt => prompt.Tokens)]);
        long start = Stopwatch.GetTimestamp();
        for (int i = 1; i < outputTokens; i++)
            subject.Bare.Decode();
        return Rate(callers * (outputTokens - 1), Stopwatch.GetElapsedTime(start));
    }

    protected override async Task<double> ClientAsync()
    {
        long start = Stopwatch.GetTimestamp();
        ClientAnswer[] answers = await Task.WhenAll(_prompts.Select(prompt => subject.AskAsync(prompt, outputTokens)));
        TimeSpan time = Stopwatch.GetElapsedTime(start);
        TimeSpan prefill = answers.Max(answer => answer.Timings.Queue + answer.Timings.Prefill);
        return Rate(callers * (outputTokens - 1), time - prefill);
    }
}
