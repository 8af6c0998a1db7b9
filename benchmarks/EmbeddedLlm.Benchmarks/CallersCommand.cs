using System.Globalization;

namespace EmbeddedLlm.Benchmarks;

/// <summary>What becomes of a model's speed where many callers, long prompts, long histories and busy neighbours come together.</summary>
internal static class CallersCommand
{
    private const string Throughput = "throughput";
    private const string FirstToken = "first-token";
    private const string History = "history";
    private const string Neighbours = "neighbours";

    /// <summary>How many callers come at once where nobody says otherwise.</summary>
    public static IReadOnlyList<int> CallerCounts { get; } = [1, 2, 4, 8, 16, 32];

    /// <summary>The names of what can be measured.</summary>
    public static IReadOnlyList<string> Parts { get; } = [Throughput, FirstToken, History, Neighbours];

    public static async Task<int> RunAsync(string[] models, string[] parts, int[] callerCounts, int? pairs, int? threads)
    {
        List<Table> tables = [];
        if (parts.Contains(Throughput))
            tables.Add(await MeasureThroughputAsync(models, callerCounts, pairs, threads));
        if (parts.Contains(FirstToken))
            tables.Add(await FirstTokenRun.MeasureAsync(models, threads));
        if (parts.Contains(History))
            tables.Add(await HistoryRun.MeasureAsync(models, threads));
        if (parts.Contains(Neighbours))
            tables.Add(await NeighbourRun.MeasureAsync(models));
        foreach (Table table in tables)
            table.Print();
        return 0;
    }

    private static async Task<Table> MeasureThroughputAsync(string[] models, int[] callerCounts, int? pairs, int? threads)
    {
        Table table = new(
            "Throughput: whole answers of callers who come at once, beside a bare batched loop",
            "| model | threads | callers × tokens | bare tok/s | client tok/s | ratio: median (min–max) | by CPU time | pairs |",
            "|---|--:|---|--:|--:|---|--:|--:|");
        foreach (string model in models)
        {
            await using Subject subject = await Subject.LoadAsync(model, threads, sequences: callerCounts.Max());
            int outputTokens = subject.IsSmall ? 128 : 64;
            foreach (int callers in callerCounts)
            {
                ThroughputMeasurement measurement = new(subject, callers, outputTokens);
                PairedResult result = await measurement.RunAsync(pairs);
                table.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {subject.Model.Id} | {subject.Model.Threads} | {measurement.Name} | {result.BareRate:N1} | {result.ClientRate:N1} | {result.Ratio:F3} ({result.LeastRatio:F3}–{result.GreatestRatio:F3}) | {result.ProcessorRatio:F3} | {result.Pairs} |"));
            }
        }

        return table;
    }
}
