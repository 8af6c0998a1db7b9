using BenchmarkDotNet.Attributes;
using EmbeddedLlm.Benchmarks.Subjects;

namespace EmbeddedLlm.Benchmarks.Suites;

/// <summary>An answer, free and held to a grammar.</summary>
[Config(typeof(TokenConfig))]
public class StructuredOutputBenchmarks : ModelBenchmarks
{
    private const int OutputTokens = 64;

    private Func<Task> _answer = () => Task.CompletedTask;

    public static IEnumerable<string> Kinds => ["free", .. Enum.GetNames<ConstraintKind>()];

    [ParamsSource(nameof(Kinds))]
    public string Kind { get; set; } = "";

    [Benchmark]
    public Task Answer() => _answer();

    private protected override void Prepare(EmbeddedModel model)
    {
        SuiteFacts.Tokens = OutputTokens;
        bool isFree = Kind == "free";
        ConstrainedAnswers answers = new(model, isFree ? null : Enum.Parse<ConstraintKind>(Kind), callers: 1, OutputTokens);
        int seed = 0;
        _answer = () => answers.AskAsync(seed++);
    }
}
