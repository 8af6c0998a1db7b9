using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using EmbeddedLlm.Benchmarks.Results;
using EmbeddedLlm.SyntheticModels;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Benchmarks.Subjects;

/// <summary>
/// The time of masks and of compilation over many schemas, as MaskBench measures it: each schema's valid instances are gone through token by token, with a new grammar each.
/// Nothing but the vocabulary is known at the beginning of a schema, save what earlier schemas have left in automata that all share.
/// </summary>
internal static class GrammarSubject
{
    /// <summary>A file beside the checkout.</summary>
    public const string DefaultVocabulary = "ggml-vocab-qwen2.gguf";

    private const double MaskMedianTarget = 20;
    private const double Mask99Target = 500;
    private const int BuiltInPasses = 5;
    private const int QuickSchemas = 150;

    public static async IAsyncEnumerable<Figure> MeasureAsync(RunSettings settings, string vocabularyFile, int? limit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string path = Path.Combine(Path.GetTempPath(), $"embeddedllm-masks-{Environment.ProcessId}.gguf");
        string? vocabulary = BenchmarkFiles.FindSharedVocabulary(vocabularyFile);
        SyntheticModel.Write(path, SyntheticShape.Tiny, vocabulary is null ? SyntheticVocabulary.ByteLevel(151_936) : SyntheticVocabulary.FromFile(vocabulary));
        try
        {
            await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, settings.CreateOptions(), cancellationToken: cancellationToken);
            string corpus = BenchmarkFiles.FindShared("schemas", "maskbench-dev.jsonl") is { } file ? file : "";
            (string name, IEnumerable<string> lines) = corpus.Length > 0
                ? ("MaskBench", File.ReadLines(corpus).Take(limit ?? (settings.IsQuick ? QuickSchemas : int.MaxValue)))
                : ("built-in schemas", Enumerable.Repeat(BuiltIn(), settings.IsQuick ? 2 : BuiltInPasses).SelectMany(line => line).Take(limit ?? int.MaxValue));
            string tokens = vocabulary is null ? $"{model.VocabularySize / 1000}k made-up tokens" : $"{model.VocabularySize / 1000}k tokens";
            foreach (Figure figure in FiguresOf(settings, $"{name}, {tokens}", Measure(model, lines, cancellationToken)))
                yield return figure;
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Schemas that come with the benchmarks, in MaskBench's form: one a line, each with valid instances.</summary>
    public static IReadOnlyList<string> BuiltIn()
    {
        using StreamReader reader = new(typeof(GrammarSubject).Assembly.GetManifestResourceStream("schemas.jsonl")!);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }

    /// <summary>Goes through the schemas.</summary>
    /// <exception cref="InvalidOperationException">A mask and a matcher do not agree.</exception>
    public static GrammarTimes Measure(EmbeddedModel model, IEnumerable<string> lines, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        GrammarVocabulary vocabulary = model.GrammarVocabulary;
        GrammarTimes times = new() { Preparation = Stopwatch.GetElapsedTime(start) };
        ulong[] mask = new ulong[TokenMask.WordsFor(vocabulary.TokenCount)];
        foreach (string line in lines)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            start = Stopwatch.GetTimestamp();
            Grammar grammar;
            try
            {
                grammar = Grammar.FromJsonSchema(root.GetProperty("schema"), new JsonSchemaGrammarOptions { AnyPropertyOrder = true });
            }
            catch (GrammarException)
            {
                times.Refused++;
                continue;
            }

            times.Compile.Add(Stopwatch.GetElapsedTime(start));
            foreach (JsonElement test in root.GetProperty("tests").EnumerateArray())
            {
                if (!test.GetProperty("valid").GetBoolean())
                    continue;
                int[] tokens = model.Tokenize(TextOf(test.GetProperty("data")));
                if (!Walk(vocabulary.CreateMatcher(grammar), tokens, mask, times.FirstMask, times.Advance))
                    times.OtherSpellings++;
                Walk(vocabulary.CreateMatcher(grammar), tokens, mask, times.KnownMask, []);
            }
        }

        return times;
    }

    /// <summary>As far as the grammar goes along: it may allow another spelling only, as of numbers and escapes.</summary>
    /// <returns>Whether it went along to the end.</returns>
    private static bool Walk(GrammarMatcher matcher, int[] tokens, ulong[] mask, List<TimeSpan> masks, List<TimeSpan> advances)
    {
        foreach (int token in tokens)
        {
            long start = Stopwatch.GetTimestamp();
            matcher.WriteMask(mask);
            masks.Add(Stopwatch.GetElapsedTime(start));
            bool isAllowed = TokenMask.Contains(mask, token);
            start = Stopwatch.GetTimestamp();
            bool isTaken = matcher.TryAdvance(token);
            advances.Add(Stopwatch.GetElapsedTime(start));
            if (isTaken != isAllowed)
                throw new InvalidOperationException($"Token {token} is {(isAllowed ? "" : "not ")}allowed by the mask and {(isTaken ? "" : "not ")}taken.");
            if (!isTaken)
                return false;
        }

        return true;
    }

    private static IEnumerable<Figure> FiguresOf(RunSettings settings, string corpus, GrammarTimes times)
    {
        FigureMaker masks = new("grammar-mask", settings), compile = new("grammar-compile", settings);
        foreach ((double percentile, double target) in ((double, double)[])[(50, MaskMedianTarget), (99, Mask99Target)])
        {
            yield return Of(masks, "mask, first time", percentile, times.FirstMask) with { Target = target, Remark = $"{times.OtherSpellings} instances not to their end" };
            yield return Of(masks, "mask, known", percentile, times.KnownMask) with { Target = target };
            yield return Of(masks, "advance", percentile, times.Advance);
            yield return Of(compile, "compile", percentile, times.Compile) with { Remark = times.Refused == 0 ? null : $"{times.Refused} schemas refused" };
        }

        yield return masks.Of($"vocabulary's preparation, {corpus}", FigureUnit.Milliseconds, times.Preparation.TotalMilliseconds);

        Figure Of(FigureMaker maker, string what, double percentile, List<TimeSpan> samples)
        {
            Percentiles percentiles = new(samples);
            return maker.Of($"{what}, p{percentile:F0}, {corpus}", FigureUnit.Microseconds, percentiles[percentile] * 1000) with { Samples = percentiles.Count };
        }
    }

    /// <summary>An instance as a grammar has a model write it: on one line, with a space after commas and colons.</summary>
    public static string TextOf(JsonElement element)
    {
        using MemoryStream compact = new();
        using (Utf8JsonWriter writer = new(compact, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            element.WriteTo(writer);

        StringBuilder text = new();
        Utf8JsonReader reader = new(compact.GetBuffer().AsSpan(0, (int)compact.Length));
        bool isAfterValue = false;
        while (reader.Read())
        {
            bool isEnd = reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray;
            if (isAfterValue && !isEnd)
                text.Append(", ");
            string token = Encoding.UTF8.GetString(reader.ValueSpan);
            text.Append(reader.TokenType switch
            {
                JsonTokenType.PropertyName => $"\"{token}\": ",
                JsonTokenType.String => $"\"{token}\"",
                _ => token,
            });
            isAfterValue = reader.TokenType is not (JsonTokenType.PropertyName or JsonTokenType.StartObject or JsonTokenType.StartArray);
        }

        return text.ToString();
    }
}

/// <summary>What a walk through schemas took.</summary>
internal sealed class GrammarTimes
{
    public required TimeSpan Preparation { get; init; }

    /// <summary>The schemas that are no grammar.</summary>
    public int Refused { get; set; }

    /// <summary>The instances that were not gone through to their end, since the grammar would spell them otherwise.</summary>
    public int OtherSpellings { get; set; }

    public List<TimeSpan> Compile { get; } = [];

    public List<TimeSpan> FirstMask { get; } = [];

    public List<TimeSpan> KnownMask { get; } = [];

    public List<TimeSpan> Advance { get; } = [];
}
