using System.Diagnostics;

namespace EmbeddedLlm.Benchmarks;

/// <summary>A prompt's computation: for the client, a whole request for one token.</summary>
internal sealed class PrefillMeasurement(Subject subject, int tokens) : PairedMeasurement($"prompt of {tokens}")
{
    private BenchmarkPrompt _prompt = new([], []);

    protected override int Tokens => tokens;

    protected override bool IsSingleThreaded => subject.Model.Threads == 1;

    protected override void Prepare(int pair) => _prompt = subject.CreatePrompt(tokens, seed: tokens * 1_000 + pair);

    protected override Task<double> BareAsync()
    {
        long start = Stopwatch.GetTimestamp();
        subject.Bare.Prefill(_prompt.Tokens);
        return Task.FromResult(Rate(tokens, Stopwatch.GetElapsedTime(start)));
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
    : PairedMeasurement($"{Plural.Of(callers, "caller")} × {outputTokens} tokens")
{
    private const int PromptTokens = 32;

    private BenchmarkPrompt[] _prompts = [];

    protected override int Tokens => callers * outputTokens;

    protected override bool IsSingleThreaded => subject.Model.Threads == 1;

    protected override void Prepare(int pair) =>
        _prompts = [.. Enumerable.Range(0, callers).Select(caller => subject.CreatePrompt(PromptTokens, seed: ((outputTokens * 100) + pair) * callers + caller))];

    protected override Task<double> BareAsync()
    {
        subject.Bare.Prefill([.. _prompts.Select(prompt => prompt.Tokens)]);
        long start = Stopwatch.GetTimestamp();
        for (int i = 1; i < outputTokens; i++)
            subject.Bare.Decode();
        return Task.FromResult(Rate(callers * (outputTokens - 1), Stopwatch.GetElapsedTime(start)));
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

/// <summary>
/// Whole answers of many callers who come at once, prompts included: from the first request to the last token. The bare loop computes all prompts, and then the next
/// token of every sequence in each batch.
/// </summary>
internal sealed class ThroughputMeasurement(Subject subject, int callers, int outputTokens) : PairedMeasurement($"{Plural.Of(callers, "caller")} × {outputTokens} tokens")
{
    private const int PromptTokens = 32;

    private BenchmarkPrompt[] _prompts = [];

    protected override int Tokens => callers * outputTokens;

    protected override bool IsSingleThreaded => subject.Model.Threads == 1;

    protected override void Prepare(int pair) =>
        _prompts = [.. Enumerable.Range(0, callers).Select(caller => subject.CreatePrompt(PromptTokens, seed: ((callers * 1_000) + pair) * 100 + caller))];

    protected override Task<double> BareAsync()
    {
        long start = Stopwatch.GetTimestamp();
        subject.Bare.Prefill([.. _prompts.Select(prompt => prompt.Tokens)]);
        for (int i = 1; i < outputTokens; i++)
            subject.Bare.Decode();
        return Task.FromResult(Rate(Tokens, Stopwatch.GetElapsedTime(start)));
    }

    protected override async Task<double> ClientAsync()
    {
        long start = Stopwatch.GetTimestamp();
        await Task.WhenAll(_prompts.Select(prompt => subject.AskAsync(prompt, outputTokens)));
        return Rate(Tokens, Stopwatch.GetElapsedTime(start));
    }
}
