using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace EmbeddedLlm.Benchmarks;

/// <summary>
/// Scores JSON schemas over the files beside the checkout: a schema passes if it compiles, every valid instance is accepted (as it is written there) and every invalid one refused.
/// Instances are judged with <see cref="JsonSchemaGrammarOptions.Reading"/>.
/// </summary>
internal static class SchemaScoreCommand
{
    /// <summary>What the score leaves out of the JSON Schema Test Suite: format as an assertion, which the draft makes optional, and other documents.</summary>
    private static readonly string[] s_leftOut = ["format:", "optional/format", "refRemote:"];

    public static int Run(int failures)
    {
        bool isAnyThere = false;
        foreach (string file in (ReadOnlySpan<string>)["maskbench-dev.jsonl", "json-schema-test-suite-2020-12.jsonl"])
        {
            if (BenchmarkFiles.FindShared("schemas", file) is not { } path)
            {
                Console.WriteLine($"There is no ../shared/data/schemas/{file} beside the checkout.");
                continue;
            }

            isAnyThere = true;
            List<Result> results = Score(path);
            Print(file, results, failures);
            if (results.All(result => result.Name.Contains(':', StringComparison.Ordinal)))
                PrintFiles(results);
        }

        return isAnyThere ? 0 : 1;
    }

    private static List<Result> Score(string path)
    {
        List<Result> results = [];
        foreach (string line in File.ReadLines(path))
        {
            using JsonDocument document = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 1_000 });
            string name = document.RootElement.GetProperty("name").GetString()!;
            if (!s_leftOut.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)))
                results.Add(Judge(name, document.RootElement));
        }

        return results;
    }

    private static Result Judge(string name, JsonElement line)
    {
        Result result = new(name);
        long start = Stopwatch.GetTimestamp();
        Grammar grammar;
        try
        {
            grammar = Grammars.JsonSchemaCompiler.CompileGrammar(line.GetProperty("schema"), JsonSchemaGrammarOptions.Reading);
        }
        catch (GrammarException e)
        {
            result.Keyword = e is JsonSchemaNotSupportedException unsupported ? unsupported.Keyword : "(malformed or over a limit)";
            result.Error = e.Message;
            return result;
        }

        result.CompileTime = Stopwatch.GetElapsedTime(start);
        foreach (JsonElement test in line.GetProperty("tests").EnumerateArray())
        {
            bool isValid = test.GetProperty("valid").GetBoolean();
            JsonElement data = test.GetProperty("data");
            if (grammar.Accepts(JsonMarshal.GetRawUtf8Value(data)) == isValid)
                continue;
            (isValid ? result.Refused : result.Accepted).Add(data.GetRawText());
        }

        return result;
    }

    private static void Print(string file, List<Result> results, int failures)
    {
        TimeSpan[] times = [.. results.Where(result => result.Error is null).Select(result => result.CompileTime).Order()];
        Console.WriteLine();
        Console.WriteLine($"### {file}");
        Console.WriteLine();
        Console.WriteLine("| schemas | passed | with compile errors | with valid refused | with invalid accepted | compile p50 / p99 / max |");
        Console.WriteLine("|--:|--:|--:|--:|--:|--:|");
        int passed = results.Count(result => result.IsPassed);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {results.Count:N0} | {passed:N0} ({100.0 * passed / results.Count:F1} %) | {results.Count(result => result.Error is not null)} | {results.Count(result => result.Refused.Count > 0)} | {results.Count(result => result.Accepted.Count > 0)} | {Milliseconds(times, 0.5)} / {Milliseconds(times, 0.99)} / {Milliseconds(times, 1)} ms |"));
        Console.WriteLine();
        Console.WriteLine("| compile errors by keyword | schemas |");
        Console.WriteLine("|---|--:|");
        foreach (IGrouping<string, Result> group in results.Where(result => result.Error is not null).GroupBy(result => result.Keyword!).OrderByDescending(group => group.Count()))
            Console.WriteLine($"| {group.Key} | {group.Count()} |");

        if (failures == 0)
            return;
        Console.WriteLine();
        foreach (Result result in results.Where(result => result.Accepted.Count > 0).Take(failures))
            Console.WriteLine($"invalid accepted: {result.Name}: {Cut(result.Accepted[0])}");
        foreach (Result result in results.Where(result => result.Refused.Count > 0).Take(failures))
            Console.WriteLine($"valid refused: {result.Name}: {Cut(result.Refused[0])}");
        foreach (Result result in results.Where(result => result.Error is not null).OrderBy(result => result.Keyword, StringComparer.Ordinal).Take(failures))
            Console.WriteLine($"compile error: {result.Name}: {Cut(result.Error!)}");
        foreach (Result result in results.OrderByDescending(result => result.CompileTime).Take(Math.Min(failures, 10)))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"slow: {result.Name}: {result.CompileTime.TotalMilliseconds:F1} ms"));
    }

    /// <summary>The suite's own files, one a keyword. A row's first number counts schemas.</summary>
    private static void PrintFiles(List<Result> results)
    {
        Console.WriteLine();
        Console.WriteLine("| file of the suite | schemas | passed | with compile errors | with valid refused | with invalid accepted |");
        Console.WriteLine("|---|--:|--:|--:|--:|--:|");
        foreach (IGrouping<string, Result> file in results.GroupBy(result => result.Name[..result.Name.IndexOf(':', StringComparison.Ordinal)]))
        {
            Console.WriteLine(
                $"| {file.Key} | {file.Count()} | {file.Count(result => result.IsPassed)} | {file.Count(result => result.Error is not null)} | " +
                $"{file.Count(result => result.Refused.Count > 0)} | {file.Count(result => result.Accepted.Count > 0)} |");
        }
    }

    private static string Milliseconds(TimeSpan[] sorted, double quantile) => sorted.Length == 0
        ? "-"
        : sorted[Math.Min(sorted.Length - 1, (int)(quantile * sorted.Length))].TotalMilliseconds.ToString("F1", CultureInfo.InvariantCulture);

    private static string Cut(string text) => text.Length <= 300 ? text : $"{text[..300]}…";

    private sealed class Result(string name)
    {
        public string Name { get; } = name;

        public string? Keyword { get; set; }

        public string? Error { get; set; }

        public TimeSpan CompileTime { get; set; }

        public List<string> Refused { get; } = [];

        public List<string> Accepted { get; } = [];

        public bool IsPassed => Error is null && Refused.Count == 0 && Accepted.Count == 0;
    }
}
