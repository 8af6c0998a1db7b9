using System.Globalization;

namespace EmbeddedLlm.Benchmarks;

/// <summary>
/// Compares the client with the bare loop by pairs of runs, one right after the other and in turns first, in one process. What else the machine does falls on both alike,
/// so the median of the pairs' ratios means something where two rates measured minutes apart do not.
/// </summary>
internal static class RatioCommand
{
    private const int Callers = 8;

    public static async Task<int> RunAsync(string[] models, int? pairs, int? threads, int? poll)
    {
        List<(string Model, string What, PairedResult Result)> rows = [];
        foreach (string model in models)
        {
            await using Subject subject = await Subject.LoadAsync(model, threads, poll);
            Console.WriteLine($"{model}: {subject.Model.VocabularySize:N0} tokens of vocabulary, {subject.Model.WeightBytes / 1e6:N1} MB of weights, {subject.Model.Threads} threads");
            await EnsureSameTextAsync(subject);
            foreach (PairedMeasurement measurement in Measurements(subject))
            {
                PairedResult result = await measurement.RunAsync(pairs);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {measurement.Name}: {Ratio(result)}, {result.ProcessorRatio:F3} by CPU time, in {result.Pairs} pairs"));
                rows.Add((subject.Model.Id, measurement.Name, result));
            }
        }

        Print(rows);
        return 0;
    }

    private static IEnumerable<PairedMeasurement> Measurements(Subject subject)
    {
        int room = subject.Model.ContextLength;
        int outputTokens = subject.IsSmall ? Math.Min(200, room / 2) : 64;
        yield return new PrefillMeasurement(subject, 128);
        yield return new PrefillMeasurement(subject, Math.Min(512, room / 2));
        yield return new DecodeMeasurement(subject, callers: 1, outputTokens);
        yield return new DecodeMeasurement(subject, Callers, outputTokens / 2);
    }

    /// <summary>Two loops that do not compute the same need no comparing.</summary>
    private static async Task EnsureSameTextAsync(Subject subject)
    {
        const int Tokens = 32;
        BenchmarkPrompt prompt = subject.CreatePrompt(64, seed: 0);
        int[] tokens = new int[Tokens];
        subject.Bare.Prefill(prompt.Tokens);
        for (int i = 0; i < Tokens; i++)
        {
            tokens[i] = subject.Bare.Next(0);
            subject.Bare.Decode();
        }

        string bare = subject.Model.Detokenize(tokens);
        string client = (await subject.AskAsync(prompt, Tokens, keepText: true)).Text;
        if (bare != client)
            throw new InvalidOperationException($"The client answers '{client}' where the bare loop gives '{bare}'.");
    }

    private static void Print(List<(string Model, string What, PairedResult Result)> rows)
    {
        Console.WriteLine();
        Console.WriteLine("| model | what | bare tok/s | client tok/s | ratio: median (min–max) | by CPU time | pairs | allocated B/token |");
        Console.WriteLine("|---|---|--:|--:|---|--:|--:|--:|");
        foreach ((string model, string what, PairedResult result) in rows)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {model} | {what} | {result.BareRate:N1} | {result.ClientRate:N1} | {Ratio(result)} | {result.ProcessorRatio:F3} | {result.Pairs} | {result.AllocatedPerToken:N0} |"));
        }
    }

    private static string Ratio(PairedResult result) =>
        string.Create(CultureInfo.InvariantCulture, $"{result.Ratio:F3} ({result.LeastRatio:F3}–{result.GreatestRatio:F3})");
}
