using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Subjects;

/// <summary>
/// The time to the first token of callers with short prompts, and the time between their updates, while nobody else asks and while somebody sends one long prompt
/// after the other.
/// </summary>
internal static class LatencySubject
{
    private const int Callers = 4;
    private const int PromptTokens = 32;

    public static async IAsyncEnumerable<Figure> MeasureAsync(RunSettings settings, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        int longPrompt = settings.IsQuick ? 512 : 2048;
        TimeSpan duration = TimeSpan.FromSeconds(settings.IsQuick ? 3 : 20);
        foreach (string name in settings.Models)
        {
            await using Subject subject = await Subject.LoadAsync(name, settings, options => options.ContextLength = longPrompt + 256);
            FigureMaker maker = new("latency", settings, name, subject.Model.Threads);
            await RunAsync(subject, longPrompt: null, duration / 10);
            foreach (bool isBusy in (bool[])[false, true])
            {
                cancellationToken.ThrowIfCancellationRequested();
                Latencies latencies = await RunAsync(subject, isBusy ? longPrompt : null, duration);
                string when = isBusy ? $"beside prompts of {longPrompt}" : "alone";
                foreach (Figure figure in FiguresOf(maker, when, latencies))
                    yield return figure;
            }
        }
    }

    private static IEnumerable<Figure> FiguresOf(FigureMaker maker, string when, Latencies latencies)
    {
        foreach (double percentile in (double[])[50, 95])
        {
            if (latencies.FirstTokens.Count > 0)
                yield return Of("first token", percentile, latencies.FirstTokens);
            if (latencies.Gaps.Count > 0)
                yield return Of("between updates", percentile, latencies.Gaps);
        }

        yield return maker.Of($"{Callers} callers, {when}", FigureUnit.TokensPerSecond, latencies.Rate);
        if (latencies.LongFirstTokens.Count > 0)
            yield return Of("first token of the long prompts", 50, latencies.LongFirstTokens);

        Figure Of(string what, double percentile, Percentiles times) =>
            maker.Of($"{what} p{percentile:F0}, {when}", FigureUnit.Milliseconds, times[percentile]) with { Samples = times.Count };
    }

    private static async Task<Latencies> RunAsync(Subject subject, int? longPrompt, TimeSpan duration)
    {
        int outputTokens = subject.IsSmall ? 128 : 32;
        ConcurrentBag<TimeSpan> firstTokens = [], gaps = [], longFirstTokens = [];
        int tokens = 0;
        long start = Stopwatch.GetTimestamp();
        List<Task> tasks = [.. Enumerable.Range(0, Callers).Select(ShortAsync)];
        if (longPrompt is { } length)
            tasks.Add(LongAsync(length));
        await Task.WhenAll(tasks);
        double rate = tokens / Stopwatch.GetElapsedTime(start).TotalSeconds;
        return new Latencies(new Percentiles(firstTokens), new Percentiles(gaps), new Percentiles(longFirstTokens), rate);

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

        async Task LongAsync(int promptTokens)
        {
            BenchmarkPrompt prompt = subject.CreatePrompt(promptTokens, seed: -1);
            for (int i = 0; Stopwatch.GetElapsedTime(start) < duration; i++)
            {
                long asked = Stopwatch.GetTimestamp();
                await subject.AskAsync(prompt, outputTokens: 1);
                longFirstTokens.Add(Stopwatch.GetElapsedTime(asked));
            }
        }
    }

    private sealed record Latencies(Percentiles FirstTokens, Percentiles Gaps, Percentiles LongFirstTokens, double Rate);
}
