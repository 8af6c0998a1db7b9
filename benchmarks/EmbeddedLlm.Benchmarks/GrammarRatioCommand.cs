using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Benchmarks;

/// <summary>
/// What a grammar costs and gains: the same model answers freely and held to a schema, by turns in one process, one caller and eight. Rates are tokens a second of
/// the decode alone.
/// </summary>
internal static class GrammarRatioCommand
{
    private const int Callers = 8;

    /// <summary>Free text within a string that does not end: each token is sampled under a mask.</summary>
    private const string TextSchema = """{"type":"string","minLength":1000000}""";

    /// <summary>Records of several types, without end.</summary>
    private const string RecordsSchema = """
        {"type":"array","minItems":1000,"items":{"type":"object","additionalProperties":false,"properties":{
          "name":{"type":"string","minLength":3,"maxLength":20},"age":{"type":"integer","minimum":0,"maximum":150},"email":{"type":"string","format":"email"},
          "kind":{"enum":["person","company","other"]},"isActive":{"type":"boolean"},"scores":{"type":"array","items":{"type":"number"},"minItems":1,"maxItems":3}},
          "required":["name","age","email","kind","isActive","scores"]}}
        """;

    /// <summary>Long names around short values: most of the text is forced.</summary>
    private const string LongNamesSchema = """
        {"type":"array","minItems":1000,"items":{"type":"object","additionalProperties":false,"properties":{
          "customerAcceptedTermsAndConditions":{"type":"boolean"},"numberOfOutstandingInvoicesThisQuarter":{"type":"integer","minimum":0,"maximum":9},
          "preferredCommunicationChannelForUpdates":{"enum":["email","telephone","letter"]},"hasSubscribedToMonthlyNewsletter":{"type":"boolean"}},
          "required":["customerAcceptedTermsAndConditions","numberOfOutstandingInvoicesThisQuarter","preferredCommunicationChannelForUpdates","hasSubscribedToMonthlyNewsletter"]}}
        """;

    public static async Task<int> RunAsync(string[] models, int? pairs, int? threads)
    {
        List<string> rows = [];
        foreach (string name in models)
        {
            await using EmbeddedModel model = await EmbeddedModel.LoadAsync(BenchmarkFiles.Resolve(name), new EmbeddedModelOptions { Threads = threads });
            bool isSmall = model.WeightBytes < 100_000_000;
            int tokens = isSmall ? 200 : 64;
            int count = pairs ?? (isSmall ? 31 : 7);
            Console.WriteLine($"{name}: {model.VocabularySize:N0} tokens of vocabulary, {model.Threads} threads, {count} pairs");
            await MeasureAsync("one caller, string", TextSchema, 1, false);
            await MeasureAsync("one caller, records", RecordsSchema, 1, false);
            await MeasureAsync("one caller, records, forced text", RecordsSchema, 1, true);
            await MeasureAsync("one caller, long names", LongNamesSchema, 1, false);
            await MeasureAsync("one caller, long names, forced text", LongNamesSchema, 1, true);
            await MeasureAsync($"{Callers} callers, records", RecordsSchema, Callers, false);
            await MeasureAsync($"{Callers} callers, records, forced text", RecordsSchema, Callers, true);

            async Task MeasureAsync(string what, string schema, int callers, bool isForced)
            {
                Grammar grammar = Grammar.FromJsonSchema(JsonElement.Parse(schema));
                AnswerConstraint forcing = model.Constrain(grammar, reasoning: null);
                AnswerConstraint constraint = isForced ? forcing : new AnswerConstraint { Grammar = grammar, Vocabulary = forcing.Vocabulary };
                double[] ratios = new double[count];
                double free = 0, held = 0, forced = 0;
                for (int pair = -1; pair < count; pair++)
                {
                    double freeRate = 0, heldRate = 0;
                    for (int turn = 0; turn < 2; turn++)
                    {
                        if ((pair + turn) % 2 == 0)
                            (freeRate, _) = await AnswerAsync(model, callers, tokens, null, pair);
                        else
                            (heldRate, forced) = await AnswerAsync(model, callers, tokens, constraint, pair);
                    }

                    if (pair < 0)
                        continue;
                    ratios[pair] = heldRate / freeRate;
                    free += freeRate / count;
                    held += heldRate / count;
                }

                Array.Sort(ratios);
                string row = string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {model.Id} | {what} | {free:N1} | {held:N1} | {ratios[count / 2]:F3} ({ratios[0]:F3}–{ratios[^1]:F3}) | {forced:P0} |");
                Console.WriteLine(row);
                rows.Add(row);
            }
        }

        Console.WriteLine();
        Console.WriteLine("| model | what | free tok/s | constrained tok/s | ratio: median (min–max) | forced |");
        Console.WriteLine("|---|---|--:|--:|---|--:|");
        foreach (string row in rows)
            Console.WriteLine(row);
        return 0;
    }

    /// <summary>The tokens a second of all callers together after the first token, and the part that was forced.</summary>
    private static async Task<(double Rate, double Forced)> AnswerAsync(EmbeddedModel model, int callers, int tokens, AnswerConstraint? constraint, int seed)
    {
        int[] ends = [.. model.GrammarVocabulary.EndTokens];
        GenerationRequest Request(int caller) => new()
        {
            Prompt = [.. model.Tokenize($"{seed} {caller} Say something.", parseSpecial: false)],
            MaxOutputTokens = tokens,
            Constraint = constraint,
            Sampling = new SamplingOptions { Temperature = 0.8f, TopK = 40, Seed = seed * callers + caller, LogitBias = ends.ToDictionary(token => token, _ => float.NegativeInfinity) },
        };
        long start = Stopwatch.GetTimestamp();
        GenerationSummary[] summaries = await Task.WhenAll(Enumerable.Range(0, callers).Select(async caller =>
        {
            GenerationStream stream = model.Submit(Request(caller), CancellationToken.None);
            while (await stream.WaitToReadAsync())
                stream.ReadText();
            return stream.Summary;
        }));
        TimeSpan time = Stopwatch.GetElapsedTime(start) - summaries.Max(summary => summary.QueueTime + summary.PrefillTime);
        int output = summaries.Sum(summary => summary.OutputTokens - 1);
        return (output / time.TotalSeconds, summaries.Average(summary => (double)summary.ForcedTokens / summary.OutputTokens));
    }
}
