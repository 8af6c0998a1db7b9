using EmbeddedLlm.Benchmarks.Subjects;

namespace EmbeddedLlm.Benchmarks.Report;

/// <summary>What reports measure, in the order in which they do: memory first, while the process is small.</summary>
internal static class ReportSubjects
{
    public const string Memory = "memory";
    public const string Load = "load";
    public const string ColdStart = "cold-start";
    public const string Prefill = "prefill";
    public const string Decode = "decode";
    public const string Batching = "batching";
    public const string Latency = "latency";
    public const string PrefixReuse = "prefix-reuse";
    public const string Neighbours = "neighbours";
    public const string StructuredOutput = "structured-output";
    public const string Grammar = "grammar";
    public const string Sampling = "sampling";
    public const string Tokenizer = "tokenizer";
    public const string Template = "template";
    public const string Embeddings = "embeddings";
    public const string Peers = "peers";

    public static IReadOnlyList<ReportSubject> All { get; } =
    [
        new(Memory, "what a loaded model takes, and what was planned", LoadSubject.MemoryAsync),
        new(Load, "a load, and a load to the first token", LoadSubject.LoadAsync),
        new(ColdStart, "a process's start to the first token", ColdStartSubject.MeasureAsync) { IsPerModel = false, IsOnlyThorough = true },
        new(Prefill, "prompts, beside the bare loop; the time to the first token", SpeedSubject.PrefillAsync),
        new(Decode, "answers of one caller and of eight, beside the bare loop", SpeedSubject.DecodeAsync),
        new(Batching, "whole answers of 1 to 32 callers, beside the bare loop", SpeedSubject.BatchingAsync),
        new(Latency, "the time to the first token and between updates, without and with long prompts arriving", LatencySubject.MeasureAsync),
        new(PrefixReuse, "the second turn of a chat", PrefixReuseSubject.MeasureAsync),
        new(StructuredOutput, "answers held to JSON and to schemas, beside free ones", StructuredOutputSubject.MeasureAsync),
        new(Grammar, "masks and compilation of many schemas", (settings, cancellationToken) => GrammarSubject.MeasureAsync(settings, GrammarSubject.DefaultVocabulary, limit: null, cancellationToken)) { IsPerModel = false },
        new(Sampling, "a token from a row of logits", SamplingSubject.Measure) { IsPerModel = false },
        new(Tokenizer, "text to tokens and back", TextSubject.TokenizerAsync),
        new(Template, "a conversation through a chat template", TextSubject.Template) { IsPerModel = false },
        new(Embeddings, "texts to vectors", EmbeddingsSubject.MeasureAsync) { IsPerModel = false },
        new(Peers, "the library beside others of its kind, as far as they are on the machine", PeersSubject.MeasureAsync) { IsOnlyThorough = true },
        new(Neighbours, "decoding beside busy loops", NeighbourSubject.MeasureAsync) { IsOnlyThorough = true },
    ];

    /// <summary>Those of the given names, in the order of <see cref="All"/>; without names, all that suit the run.</summary>
    public static IReadOnlyList<ReportSubject> Choose(IReadOnlyCollection<string> names, bool isQuick) => names.Count > 0
        ? [.. All.Where(subject => names.Contains(subject.Name))]
        : [.. All.Where(subject => !(isQuick && subject.IsOnlyThorough))];
}
