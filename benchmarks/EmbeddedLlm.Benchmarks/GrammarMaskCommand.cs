using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using EmbeddedLlm.SyntheticModels;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Benchmarks;

/// <summary>
/// The time of masks and of compilation over many schemas, as MaskBench measures it: each schema's valid instances are gone through token by token, with a new grammar each.
/// Nothing but the vocabulary is known at the beginning of a schema, save what earlier schemas have left in automata that all share.
/// </summary>
internal static class GrammarMaskCommand
{
    private const int WarmUp = 50;
    private const int SlowestShown = 20;

    public static async Task<int> RunAsync(string vocabularyFile, int? limit)
    {
        if (BenchmarkFiles.FindSharedVocabulary(vocabularyFile) is not { } vocabulary || BenchmarkFiles.FindShared("schemas", "maskbench-dev.jsonl") is not { } schemas)
        {
            Console.Error.WriteLine("The vocabularies and schemas beside the checkout, in ../shared/data, are not there.");
            return 1;
        }

        string path = Path.Combine(Path.GetTempPath(), $"embeddedllm-masks-{Environment.ProcessId}.gguf");
        SyntheticModel.Write(path, SyntheticShape.Tiny, SyntheticVocabulary.FromFile(vocabulary));
        try
        {
            await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path);
            Measure(model, schemas, limit ?? int.MaxValue);
        }
        finally
        {
            File.Delete(path);
        }

        return 0;
    }

    private static void Measure(EmbeddedModel model, string schemas, int limit)
    {
        long start = Stopwatch.GetTimestamp();
        GrammarVocabulary vocabulary = model.GrammarVocabulary;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{vocabulary.TokenCount:N0} tokens, prepared in {Stopwatch.GetElapsedTime(start).TotalMilliseconds:N0} ms, {vocabulary.Size / 1e6:N1} MB"));

        List<double> compile = [], first = [], again = [], advance = [], forced = [];
        ulong[] mask = new ulong[TokenMask.WordsFor(vocabulary.TokenCount)];
        int refused = 0, differs = 0, number = 0;
        long memory = 0;
        Dictionary<string, double> slowest = [];
        foreach (string line in File.ReadLines(schemas).Take(limit))
        {
            bool counts = ++number > WarmUp;
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            long heap = number % 100 == 0 ? GC.GetTotalMemory(forceFullCollection: true) : 0;
            Grammar grammar;
            start = Stopwatch.GetTimestamp();
            try
            {
                grammar = Grammar.FromJsonSchema(root.GetProperty("schema"), new JsonSchemaGrammarOptions { AnyPropertyOrder = true });
            }
            catch (GrammarException)
            {
                refused++;
                continue;
            }

            if (counts)
                compile.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            foreach (JsonElement test in root.GetProperty("tests").EnumerateArray())
            {
                if (!test.GetProperty("valid").GetBoolean())
                    continue;
                int[] tokens = model.Tokenize(Compact(test.GetProperty("data")));
                for (int pass = 0; pass < 2; pass++)
                {
                    GrammarMatcher matcher = vocabulary.CreateMatcher(grammar);
                    int taken = 0;
                    foreach (int token in tokens)
                    {
                        start = Stopwatch.GetTimestamp();
                        matcher.WriteMask(mask);
                        double time = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
                        if (counts)
                            (pass == 0 ? first : again).Add(time);
                        if (counts && pass == 0 && time > 1_000)
                            slowest[$"{root.GetProperty("name")} after '{model.Detokenize(tokens.AsSpan(0, taken))}'"] = time;
                        taken++;
                        bool isAllowed = TokenMask.Contains(mask, token);
                        start = Stopwatch.GetTimestamp();
                        bool isTaken = matcher.TryAdvance(token);
                        if (counts && pass == 0)
                            advance.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
                        if (isTaken != isAllowed)
                            throw new InvalidOperationException($"{root.GetProperty("name")}: token {token} is {(isAllowed ? "" : "not ")}allowed by the mask and {(isTaken ? "" : "not ")}taken.");
                        if (isTaken)
                            continue;
                        differs++;
                        break;
                    }
                }
            }

            if (heap > 0)
                memory = Math.Max(memory, GC.GetTotalMemory(forceFullCollection: true) - heap);
            GC.KeepAlive(grammar);
        }

        Console.WriteLine($"{number:N0} schemas, {refused:N0} refused, {differs:N0} passes not taken whole (another spelling); most memory of a grammar with its masks, of every hundredth: {memory / 1e6:N2} MB");
        Console.WriteLine();
        Console.WriteLine("| µs | count | mean | p50 | p90 | p99 | p99.9 | max |");
        Console.WriteLine("|---|--:|--:|--:|--:|--:|--:|--:|");
        Print("compile", compile);
        Print("mask, first time", first);
        Print("mask, known", again);
        Print("advance, first time", advance);
        Console.WriteLine();
        Console.WriteLine("The slowest masks:");
        foreach ((string place, double time) in slowest.OrderByDescending(pair => pair.Value).Take(SlowestShown))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {time,8:N0} µs  {(place.Length > 160 ? $"{place[..80]} … {place[^78..]}" : place)}"));
    }

    private static void Print(string what, List<double> values)
    {
        if (values.Count == 0)
            return;
        double[] sorted = [.. values.Order()];
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {what} | {sorted.Length:N0} | {sorted.Average():N1} | {At(0.5):N1} | {At(0.9):N1} | {At(0.99):N1} | {At(0.999):N1} | {sorted[^1]:N1} |"));

        double At(double part) => sorted[(int)(part * (sorted.Length - 1))];
    }

    private static string Compact(JsonElement element)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            element.WriteTo(writer);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
