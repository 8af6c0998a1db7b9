using System.Diagnostics;
using System.Globalization;

namespace EmbeddedLlm.Benchmarks;

/// <summary>
/// Decoding while as many threads as there are cores do nothing but spin, and after they have stopped: with the number of threads that the library chooses and changes, and
/// with a fixed one.
/// </summary>
internal static class NeighbourRun
{
    private const int PromptTokens = 32;

    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Busy = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan After = TimeSpan.FromSeconds(9);

    public static async Task<Table> MeasureAsync(string[] models)
    {
        Table table = new(
            $"Decoding beside {Environment.ProcessorCount} busy loops (tok/s; the ratios are to the quiet rate)",
            "| model | threads | quiet | busy, all of the time | ratio | busy, from the fourth second | ratio | 1 s after their end | ratio |",
            "|---|---|--:|--:|--:|--:|--:|--:|--:|");
        foreach (string name in models)
        {
            foreach (int? threads in (int?[])[null, Environment.ProcessorCount])
            {
                EmbeddedModelOptions options = new() { Threads = threads, PrefixCacheLength = 0 };
                await using Subject subject = await Subject.LoadAsync(name, options);
                (double quiet, double busy, double settled, double after) = await RunAsync(subject);
                table.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {subject.Model.Id} | {(threads is { } count ? $"{count}, fixed" : "adaptive")} | {quiet:N1} | {busy:N1} | {busy / quiet:F2} | {settled:N1} | {settled / quiet:F2} | {after:N1} | {after / quiet:F2} |"));
            }
        }

        return table;
    }

    private static async Task<(double Quiet, double Busy, double Settled, double After)> RunAsync(Subject subject)
    {
        List<long> tokens = [];
        using CancellationTokenSource end = new();
        await subject.AskAsync(subject.CreatePrompt(PromptTokens, seed: 0), outputTokens: 16);
        Task answers = AnswerAsync(subject, tokens, end.Token);
        long start = Stopwatch.GetTimestamp();
        await Task.Delay(Quiet);
        long busyFrom = Stopwatch.GetTimestamp();
        await SpinAsync(Busy);
        long busyTo = Stopwatch.GetTimestamp();
        await Task.Delay(After);
        long stop = Stopwatch.GetTimestamp();
        await end.CancelAsync();
        await answers;
        return (Rate(start, busyFrom), Rate(busyFrom, busyTo), Rate(Later(busyFrom, 3), busyTo), Rate(Later(busyTo, 1), stop));

        double Rate(long from, long to) => tokens.Count(time => time >= from && time < to) / Stopwatch.GetElapsedTime(from, to).TotalSeconds;

        static long Later(long time, int seconds) => time + seconds * Stopwatch.Frequency;
    }

    /// <summary>One answer after the other; the time of each update.</summary>
    private static async Task AnswerAsync(Subject subject, List<long> tokens, CancellationToken cancellationToken)
    {
        int outputTokens = subject.IsSmall ? 512 : 128;
        for (int i = 1; !cancellationToken.IsCancellationRequested; i++)
            await subject.AskAsync(subject.CreatePrompt(PromptTokens, seed: i), outputTokens, updates: tokens);
    }

    private static async Task SpinAsync(TimeSpan duration)
    {
        long start = Stopwatch.GetTimestamp();
        Thread[] loops = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new Thread(() =>
        {
            while (Stopwatch.GetElapsedTime(start) < duration)
                Thread.SpinWait(1_000);
        }))];
        foreach (Thread loop in loops)
            loop.Start();
        await Task.Run(() =>
        {
            foreach (Thread loop in loops)
                loop.Join();
        });
    }
}
