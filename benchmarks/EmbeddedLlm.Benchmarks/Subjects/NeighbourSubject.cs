using System.Diagnostics;
using System.Runtime.CompilerServices;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Subjects;

/// <summary>
/// Decoding while as many threads as there are cores do nothing but spin, and after they have stopped: with the number of threads that the library chooses and changes, and
/// with a fixed one.
/// </summary>
internal static class NeighbourSubject
{
    private const int PromptTokens = 32;

    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Busy = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Recovery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan After = TimeSpan.FromSeconds(8);

    public static async IAsyncEnumerable<Figure> MeasureAsync(RunSettings settings, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        int[] fixedThreads = [.. new SortedSet<int> { 1, Environment.ProcessorCount }];
        foreach (string name in settings.Models)
        {
            foreach (int? threads in (int?[])[null, .. fixedThreads])
            {
                cancellationToken.ThrowIfCancellationRequested();
                await using Subject subject = await Subject.LoadAsync(name, settings with { Threads = threads });
                (double quiet, double busy, double settled, double after) = await RunAsync(subject);
                FigureMaker maker = new("neighbours", settings, name, threads);
                string how = threads is null ? "adaptive threads" : "fixed threads";
                yield return maker.Of($"{how}, quiet", FigureUnit.TokensPerSecond, quiet);
                foreach ((string when, double rate) in ((string, double)[])[("busy", busy), ("busy, from the fourth second", settled), ("a second after their end", after)])
                {
                    yield return maker.Of($"{how}, {when}", FigureUnit.TokensPerSecond, rate);
                    yield return maker.Of($"{how}, {when}", FigureUnit.Ratio, rate / quiet) with { Remark = "beside the quiet rate" };
                }
            }
        }
    }

    private static async Task<(double Quiet, double Busy, double Settled, double After)> RunAsync(Subject subject)
    {
        using CancellationTokenSource end = new();
        await subject.AskAsync(subject.CreatePrompt(PromptTokens, seed: 0), outputTokens: 16);
        Task answers = AnswerAsync(subject, end.Token);
        Mark start = Mark.Of(subject);
        await Task.Delay(Quiet);
        Mark busyFrom = Mark.Of(subject);
        Task spinning = SpinAsync(Busy);
        await Task.Delay(Settling);
        Mark settled = Mark.Of(subject);
        await spinning;
        Mark busyTo = Mark.Of(subject);
        await Task.Delay(Recovery);
        Mark recovered = Mark.Of(subject);
        await Task.Delay(After);
        Mark stop = Mark.Of(subject);
        await end.CancelAsync();
        await answers;
        return (busyFrom.RateSince(start), busyTo.RateSince(busyFrom), busyTo.RateSince(settled), stop.RateSince(recovered));
    }

    /// <summary>One answer after the other.</summary>
    private static async Task AnswerAsync(Subject subject, CancellationToken cancellationToken)
    {
        int outputTokens = subject.IsSmall ? 256 : 128;
        for (int i = 1; !cancellationToken.IsCancellationRequested; i++)
            await subject.AskAsync(subject.CreatePrompt(PromptTokens, seed: i), outputTokens);
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

    /// <summary>How many tokens had been generated at a moment: updates are no measure, as a caller who is late gets several tokens in one.</summary>
    private readonly record struct Mark(long Time, long Tokens)
    {
        public static Mark Of(Subject subject) => new(Stopwatch.GetTimestamp(), subject.Model.GetStatistics().GeneratedTokens);

        public double RateSince(Mark earlier) => (Tokens - earlier.Tokens) / Stopwatch.GetElapsedTime(earlier.Time, Time).TotalSeconds;
    }
}
