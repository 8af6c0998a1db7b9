using System.Text;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>A kind of model and engine that requests are simulated on; what is not said here follows from the seed.</summary>
/// <param name="Name">For the names of tests.</param>
/// <param name="IsRecurrent">Whether cells can be forgotten only all together.</param>
/// <param name="Window">How many of the last tokens are looked at; 0 for all.</param>
/// <param name="DraftLength">How many tokens are guessed ahead; with any the model repeats itself most of the time.</param>
/// <param name="HasAdapters">Whether requests are computed with adapters.</param>
/// <param name="HasDraftModel">Whether a draft model guesses as well, of which some guesses are wrong and some steps fail.</param>
/// <param name="HasPrefixes">Whether prefixes are computed ahead, saved, restored and released.</param>
/// <param name="HasPoison">Whether some prompts make numbers that are none, of the model or of its draft.</param>
public sealed record SimulatedModel(
    string Name, bool IsRecurrent = false, int Window = 0, int DraftLength = 0, bool HasAdapters = false, bool HasDraftModel = false, bool HasPrefixes = false, bool HasPoison = false)
{
    /// <summary>After it the model has no numbers, and after the other its draft has none.</summary>
    public const char Poison = 'Z';

    public const char DraftPoison = 'Y';

    private static readonly GrammarVocabulary s_vocabulary = new(FakeDecoder.Vocabulary);

    private static readonly AnswerConstraint[] s_constraints =
    [
        Constrain("root ::= [a-z]{2,12} \"-\" [0-9]{2}", isForcing: false),
        Constrain("root ::= \"{\\\"name\\\": \\\"\" [a-z]{1,9} \"\\\", \\\"age\\\": \" [0-9]{1,3} \"}\"", isForcing: true),
        Constrain("root ::= \"A long text that leaves no choice, and goes on like that, \" [a-z]{1,9} \".\"", isForcing: true),
        Constrain("root ::= ([a-m] | [n-z]{2}){2,9} (\".\" | \"!\" root)", isForcing: true),
    ];

    private readonly Dictionary<(string Prompt, int Limit, int Constraint, AdapterSet Adapters), SimulatedAnswer> _answers = [];

    public static int ConstraintCount => s_constraints.Length;

    internal static AnswerConstraint? Constraint(int constraint) => constraint < 0 ? null : s_constraints[constraint];

    internal FakeDecoder CreateDecoder(int slots, int cells, int batch) =>
        new(slots, cells, batch) { IsRecurrent = IsRecurrent, Window = Window, Repeats = DraftLength > 0, KeepsHistory = false, Poison = Poison };

    /// <summary>Says the same but for some tokens. It looks at all tokens: one with a window would guess with a part of them after each wrong guess.</summary>
    internal FakeDecoder CreateDraft(int slots, int cells, int batch, int wrongAt) =>
        new(slots, cells, batch) { Repeats = DraftLength > 0, KeepsHistory = false, Poison = DraftPoison, Confidence = 20, IsWrongAt = wrongAt };

    /// <summary>What the model answers to a request that nobody disturbs.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="limit">The most tokens of the answer.</param>
    /// <param name="stop">A string that the answer ends before, or null.</param>
    /// <param name="constraint">The number of the grammar, or -1.</param>
    /// <param name="adapters">The adapters that it is computed with.</param>
    internal SimulatedAnswer Answer(string prompt, int limit, string? stop, int constraint, AdapterSet adapters)
    {
        SimulatedAnswer answer = constraint >= 0 ? AnswerAlone(prompt, limit, constraint, adapters) : AnswerAlone(prompt, limit, adapters);
        int at = stop is null ? -1 : answer.Text.IndexOf(stop, StringComparison.Ordinal);
        // Each token is a byte.
        return at < 0 ? answer : new SimulatedAnswer(answer.Text[..at], at + stop!.Length, GenerationEnd.Stop);
    }

    public override string ToString() => Name;

    private SimulatedAnswer AnswerAlone(string prompt, int limit, AdapterSet adapters)
    {
        string text = FakeDecoder.Answer(prompt, limit, repeats: DraftLength > 0, adapters);
        return text.Length < limit ? new SimulatedAnswer(text, text.Length + 1, GenerationEnd.Stop) : new SimulatedAnswer(text, limit, GenerationEnd.Length);
    }

    /// <summary>With a grammar the answer comes from a scheduler, but from one that has nothing else to do, shares nothing and guesses nothing.</summary>
    private SimulatedAnswer AnswerAlone(string prompt, int limit, int constraint, AdapterSet adapters)
    {
        if (_answers.TryGetValue((prompt, limit, constraint, adapters), out SimulatedAnswer? known))
            return known;
        SchedulerFixture fixture = new(new FakeDecoder(1, prompt.Length + limit) { Repeats = DraftLength > 0 }, contextLength: prompt.Length + limit);
        GenerationStream stream = fixture.Scheduler.Submit(
            new GenerationRequest
            {
                Prompt = [.. Encoding.UTF8.GetBytes(prompt).Select(value => (int)value)],
                MaxOutputTokens = limit,
                Adapters = adapters,
                Sampling = SamplingOptions.Greedy,
                Constraint = Constraint(constraint),
            },
            CancellationToken.None);
        fixture.Run();
        SimulatedAnswer answer = new(SchedulerFixture.Text(stream), stream.Summary.OutputTokens, stream.Summary.End);
        _answers.Add((prompt, limit, constraint, adapters), answer);
        return answer;
    }

    private static AnswerConstraint Constrain(string grammar, bool isForcing) => new()
    {
        Grammar = Grammar.FromGbnf(grammar),
        Vocabulary = s_vocabulary,
        Tokenize = isForcing ? static text => [.. Encoding.UTF8.GetBytes(text).Select(value => (int)value)] : null,
    };
}

/// <summary>A whole answer.</summary>
internal sealed record SimulatedAnswer(string Text, int Tokens, GenerationEnd End);
