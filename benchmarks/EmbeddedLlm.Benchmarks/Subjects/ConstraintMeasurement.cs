using System.Diagnostics;
using System.Text.Json;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Benchmarks.Subjects;

/// <summary>What an answer is held to.</summary>
internal enum ConstraintKind
{
    /// <summary>Free text within a string that does not end: each token is sampled under a mask.</summary>
    Text,

    /// <summary>Any JSON that does not end, as <c>ResponseFormat.Json</c> has it.</summary>
    Json,

    /// <summary>Records of several types, without end; each token sampled.</summary>
    Schema,

    /// <summary>The same, and where there is no choice nothing is sampled, as the client does it.</summary>
    SchemaForced,

    /// <summary>Long names around short values; each token sampled.</summary>
    LongNames,

    /// <summary>The same, and nothing is sampled where there is no choice: most of the text is forced.</summary>
    LongNamesForced,
}

internal static class ConstraintKinds
{
    private const string TextSchema = """{"type":"string","minLength":1000000}""";

    private const string JsonSchema = """{"type":"array","minItems":1000000}""";

    private const string RecordsSchema = """
        {"type":"array","minItems":1000,"items":{"type":"object","additionalProperties":false,"properties":{
          "name":{"type":"string","minLength":3,"maxLength":20},"age":{"type":"integer","minimum":0,"maximum":150},"email":{"type":"string","format":"email"},
          "kind":{"enum":["person","company","other"]},"isActive":{"type":"boolean"},"scores":{"type":"array","items":{"type":"number"},"minItems":1,"maxItems":3}},
          "required":["name","age","email","kind","isActive","scores"]}}
        """;

    private const string LongNamesSchema = """
        {"type":"array","minItems":1000,"items":{"type":"object","additionalProperties":false,"properties":{
          "customerAcceptedTermsAndConditions":{"type":"boolean"},"numberOfOutstandingInvoicesThisQuarter":{"type":"integer","minimum":0,"maximum":9},
          "preferredCommunicationChannelForUpdates":{"enum":["email","telephone","letter"]},"hasSubscribedToMonthlyNewsletter":{"type":"boolean"}},
          "required":["customerAcceptedTermsAndConditions","numberOfOutstandingInvoicesThisQuarter","preferredCommunicationChannelForUpdates","hasSubscribedToMonthlyNewsletter"]}}
        """;

    public static string Name(this ConstraintKind kind) => kind switch
    {
        ConstraintKind.Text => "string",
        ConstraintKind.Json => "any JSON",
        ConstraintKind.Schema => "schema",
        ConstraintKind.SchemaForced => "schema, forced text",
        ConstraintKind.LongNames => "long names",
        ConstraintKind.LongNamesForced => "long names, forced text",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>Whether more of the text is forced than chosen, and not sampled.</summary>
    public static bool MostIsForced(this ConstraintKind kind) => kind == ConstraintKind.LongNamesForced;

    /// <summary>The constraint that a request of the client would get, or one whose forced text is sampled like any other.</summary>
    public static AnswerConstraint Constraint(this ConstraintKind kind, EmbeddedModel model)
    {
        Grammar grammar = Grammar.FromJsonSchema(JsonElement.Parse(kind switch
        {
            ConstraintKind.Text => TextSchema,
            ConstraintKind.Json => JsonSchema,
            ConstraintKind.Schema or ConstraintKind.SchemaForced => RecordsSchema,
            _ => LongNamesSchema,
        }));
        AnswerConstraint forcing = model.Constrain(grammar, reasoning: null);
        return kind is ConstraintKind.SchemaForced or ConstraintKind.LongNamesForced or ConstraintKind.Json
            ? forcing
            : new AnswerConstraint { Grammar = grammar, Vocabulary = forcing.Vocabulary };
    }
}

/// <summary>
/// Free answers, the yardstick, beside such that are held to a grammar, of all callers together. Whole requests: what a grammar forces at the beginning is computed with the prompt, a few tokens here, and would
/// count as free where the prompt's time is left out.
/// </summary>
internal sealed class ConstraintMeasurement(EmbeddedModel model, ConstraintKind kind, int callers, int outputTokens)
    : PairedMeasurement($"{kind.Name()}, {Plural.Of(callers, "caller")} × {outputTokens} tokens, whole requests")
{
    private readonly ConstrainedAnswers _free = new(model, null, callers, outputTokens);
    private readonly ConstrainedAnswers _held = new(model, kind, callers, outputTokens);
    private int _seed;

    /// <summary>The part of the tokens of the last answers that a grammar left no choice about and that were not sampled.</summary>
    public double ForcedShare => _held.ForcedShare;

    protected override int Tokens => callers * outputTokens;

    protected override bool IsSingleThreaded => model.Threads == 1;

    protected override void Prepare(int pair) => _seed = pair;

    protected override Task<double> BareAsync() => _free.AskAsync(_seed);

    protected override Task<double> ClientAsync() => _held.AskAsync(_seed);
}

/// <summary>Answers of several callers at once.</summary>
internal sealed class ConstrainedAnswers(EmbeddedModel model, ConstraintKind? kind, int callers, int outputTokens)
{
    private readonly AnswerConstraint? _constraint = kind?.Constraint(model);
    private readonly Dictionary<int, float> _ends = model.GrammarVocabulary.EndTokens.ToArray().ToDictionary(token => token, _ => float.NegativeInfinity);

    /// <summary>The part of the tokens of the last answers that was not sampled.</summary>
    public double ForcedShare { get; private set; }

    /// <summary>The tokens a second of all callers together, from the first request to the last token.</summary>
    public async Task<double> AskAsync(int seed)
    {
        long start = Stopwatch.GetTimestamp();
        GenerationSummary[] summaries = await Task.WhenAll(Enumerable.Range(0, callers).Select(async caller =>
        {
            GenerationStream stream = model.Submit(Request(caller, seed), CancellationToken.None);
            while (await stream.WaitToReadAsync())
                stream.ReadText();
            return stream.Summary;
        }));
        TimeSpan time = Stopwatch.GetElapsedTime(start);
        ForcedShare = summaries.Average(summary => (double)summary.ForcedTokens / summary.OutputTokens);
        return summaries.Sum(summary => summary.OutputTokens) / time.TotalSeconds;
    }

    private GenerationRequest Request(int caller, int seed) => new()
    {
        Prompt = [.. model.Tokenize($"{seed} {caller} Say something.", parseSpecial: false)],
        MaxOutputTokens = outputTokens,
        Constraint = _constraint,
        Sampling = new SamplingOptions { Temperature = 0.8f, TopK = 40, Seed = (seed * callers) + caller, LogitBias = _ends },
    };
}
