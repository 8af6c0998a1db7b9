using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace EmbeddedLlm.Benchmarks;

/// <summary>
/// The time to the first token of callers with short prompts, and the time between their tokens, while nobody else asks and while somebody sends one long prompt
/// after the other.
/// </summary>
internal static class FirstTokenRun
{
    private const int Callers = 4;
    private const int PromptTokens = 32;
    private const int LongPromptTokens = 2048;

    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(20);

    public static async Task<Table> MeasureAsync(string[] models, int? threads)
    {
        Table table = new(
            $"{Callers} callers with prompts of {PromptTokens} tokens, without and with long prompts of {LongPromptTokens} arriving one after the other (milliseconds)",
            "| model | long prompts | requests | first token p50 | p95 | between tokens p50 | p95 | max | tok/s | long prompt's first token |",
            "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|");
        foreach (string name in models)
        {
            EmbeddedModelOptions options = new() { Threads = threads, PrefixCacheLength = 0, ContextLength = LongPromptTokens + 256 };
            await using Subject subject = await Subject.LoadAsync(name, options);
            await RunAsync(subject, withLongPrompts: false, TimeSpan.FromSeconds(2));
            foreach (bool withLongPrompts in (bool[])[false, true])
            {
                Figures figures = await RunAsync(subject, withLongPrompts, Duration);
                table.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {subject.Model.Id} | {(withLongPrompts ? "yes" : "no")} | {figures.FirstTokens.Count} | {figures.FirstTokens[50]:N1} | {figures.FirstTokens[95]:N1} | {figures.Gaps[50]:N1} | {figures.Gaps[95]:N1} | {figures.Gaps[100]:N1} | {figures.Rate:N1} | {(withLongPrompts ? figures.LongFirstTokens[50].ToString("N0", CultureInfo.InvariantCulture) : "")} |"));
            }
        }

        return table;
    }

    private static async Task<Figures> RunAsync(Subject subject, bool withLongPrompts, TimeSpan duration)
    {
        int outputTokens = subject.IsSmall ? 128 : 32;
        ConcurrentBag<TimeSpan> firstTokens = [], gaps = [], longFirstTokens = [];
        int tokens = 0;
        long start = Stopwatch.GetTimestamp();
        List<Task> tasks = [.. Enumerable.Range(0, Callers).Select(ShortAsync)];
        if (withLongPrompts)
            tasks.Add(LongAsync());
        await Task.WhenAll(tasks);
        double rate = tokens / Stopwatch.GetElapsedTime(start).TotalSeconds;
        return new Figures(new Percentiles(firstTokens), new Percentiles(gaps), new Percentiles(longFirstTokens), rate);

        async Task ShortAsync(int caller)
        {
            for (int i = 0; Stopwatch.GetElapsedTime(start) < duration; i++)
            {
                BenchmarkPrompt prompt = subject.CreatePrompt(PromptTokens, seed: caller * 100_000 + i);
                List<long> updates = [];
                long asked = Stopwatch.GetTimestamp();
                await subject.AskAsync(prompt, outputTokens, updates: updates);
                Interlocked.Add(ref tokens, outputTokens);
                if (updates.Count > 0)
                    firstTokens.Add(Stopwatch.GetElapsedTime(asked, updates[0]));
                for (int update = 1; update < updates.Count; update++)
                    gaps.Add(Stopwatch.GetElapsedTime(updates[update - 1], updates[update]));
            }
        }

        async Task LongAsync()
        {
            BenchmarkPrompt prompt = subject.CreatePrompt(LongPromptTokens, seed: -1);
            for (int i = 0; Stopwatch.GetElapsedTime(start) < duration; i++)
            {
                long asked = Stopwatch.GetTimestamp();
                await subject.AskAsync(prompt, outputTokens: 1);
                longFirstTokens.Add(Stopwatch.GetElapsedTime(asked));
            }
        }
    }

    private sealed record Figures(Percentiles FirstTokens, Percentiles Gaps, Percentiles LongFirstTokens, double Rate);
}
