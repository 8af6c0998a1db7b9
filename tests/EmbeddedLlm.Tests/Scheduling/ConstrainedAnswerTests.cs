using System.Text;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class ConstrainedAnswerTests
{
    private static readonly GrammarVocabulary Vocabulary = new(FakeDecoder.Vocabulary);

    [Fact]
    public void AnAnswerIsHeldToItsGrammarAndEndsWithIt()
    {
        (string text, GenerationSummary summary) = Answer("root ::= [a-z]{3} \"-\" [0-9]{2}");
        Assert.Matches("^[a-z]{3}-[0-9]{2}$", text);
        Assert.Equal(GenerationEnd.Stop, summary.End);
        Assert.Equal((6, 1), (summary.OutputTokens, summary.ForcedTokens));
    }

    [Fact]
    public void AnAnswerThatMayGoOnEndsWhereTheModelEndsIt()
    {
        (string text, GenerationSummary summary) = Answer("root ::= [a-z]*", maxTokens: 400);
        Assert.Equal(FakeDecoder.Answer("prompt", 400), text);
        Assert.Equal(GenerationEnd.Stop, summary.End);
    }

    [Fact]
    public void AnAnswerThatIsCutEndsWithLength() =>
        Assert.Equal(GenerationEnd.Length, Answer("root ::= [a-z]{100}", maxTokens: 10).Summary.End);

    [Fact]
    public void ForcedTextIsComputedInOneStepWithThePrompt()
    {
        FakeDecoder decoder = new();
        (string text, GenerationSummary summary) = Answer("root ::= \"Result: \" [a-z] \", done.\"", decoder: decoder);
        Assert.Matches("^Result: [a-z], done\\.$", text);
        Assert.Equal((16, 15), (summary.OutputTokens, summary.ForcedTokens));
        Assert.Equal(1, decoder.Steps);
    }

    [Fact]
    public void AnAnswerWithoutAnyChoiceNeedsNoStep()
    {
        FakeDecoder decoder = new();
        (string text, GenerationSummary summary) = Answer("root ::= \"yes\"", decoder: decoder);
        Assert.Equal(("yes", GenerationEnd.Stop, 0), (text, summary.End, decoder.Steps));
    }

    [Fact]
    public void ForcedTextEndsAtTheLimitOfTokens()
    {
        (string text, GenerationSummary summary) = Answer("root ::= \"abcdefgh\" [x-y]", maxTokens: 4);
        Assert.Equal(("abcd", GenerationEnd.Length), (text, summary.End));
    }

    [Fact]
    public void WithoutATokenizerForcedTextIsSampled()
    {
        (string text, GenerationSummary summary) = Answer("root ::= \"abc\"", isForcing: false);
        Assert.Equal(("abc", 3, 0), (text, summary.OutputTokens, summary.ForcedTokens));
    }

    /// <summary>The end of a long forced text is in the cache as all other tokens are, or the next token would be another.</summary>
    [Fact]
    public void ForcedTextIsSeenByTheModel()
    {
        string sampled = Answer("root ::= \"abcdefghijklmnopqrstuvwxyz\" [a-z]{5}", isForcing: false).Text;
        Assert.Equal(sampled, Answer("root ::= \"abcdefghijklmnopqrstuvwxyz\" [a-z]{5}").Text);
        Assert.Equal(sampled, Answer("root ::= \"abcdefghijklmnopqrstuvwxyz\" [a-z]{5}", decoder: new FakeDecoder(batch: 7)).Text);
    }

    [Fact]
    public void ManyAtOnceAnswerAsEachAlone()
    {
        string[] grammars = [.. Enumerable.Range(1, 12).Select(i => $"root ::= [a-z]{{{i}}} \"{i}\" ([0-9] | \"x\" root){{2}}")];
        string[] alone = [.. grammars.Select(grammar => Answer(grammar).Text)];
        SchedulerFixture fixture = new(new FakeDecoder(5));
        GenerationStream[] streams = [.. grammars.Select(grammar => fixture.Scheduler.Submit(Request(grammar, 64), CancellationToken.None))];
        fixture.Run();
        Assert.Equal(alone, streams.Select(SchedulerFixture.Text));
    }

    [Fact]
    public void ABrokenModelFailsItsRequestAndNotTheEngine()
    {
        SchedulerFixture fixture = new(new FakeDecoder { IsBroken = true });
        GenerationStream stream = fixture.Scheduler.Submit(Request("root ::= [a-z]", 10), CancellationToken.None);
        fixture.Run();
        Assert.True(stream.IsComplete);
        Assert.IsType<DecodeException>(stream.WaitToReadAsync().AsTask().Exception!.InnerException);
    }

    [Fact]
    public void TheConstraintBeginsAfterReasoningThatThePromptHasBegun()
    {
        // What the model says freely is letters; the letter that its reasoning happens to reach serves as the marker.
        string free = FakeDecoder.Answer("prompt", 40);
        string close = free[3..5];
        string text = Answer("root ::= [0-9]{4}", reasoning: new ReasoningMarkers([], Encoding.UTF8.GetBytes(close), IsOpen: true)).Text;
        Assert.Matches($"^{free[..(free.IndexOf(close, StringComparison.Ordinal) + 2)]}\\n{{0,4}}[0-9]{{4}}$", text);
    }

    [Fact]
    public void ReasoningMayBeLeftOut()
    {
        string text = Answer("root ::= [a-y]{4}", reasoning: new ReasoningMarkers("<"u8.ToArray(), ">"u8.ToArray(), IsOpen: false)).Text;
        Assert.Matches("^[a-y]{4}$", text);
    }

    [Fact]
    public void ReasoningIsBegunByTheModelItself()
    {
        string free = FakeDecoder.Answer("prompt", 40);
        string text = Answer("root ::= [0-9]{4}", reasoning: new ReasoningMarkers(Encoding.UTF8.GetBytes(free[..2]), Encoding.UTF8.GetBytes(free[5..7]), IsOpen: false)).Text;
        Assert.Matches($"^{free[..(free.IndexOf(free[5..7], 2, StringComparison.Ordinal) + 2)]}\\n{{0,4}}[0-9]{{4}}$", text);
    }

    private static (string Text, GenerationSummary Summary) Answer(
        string grammar, int maxTokens = 64, bool isForcing = true, FakeDecoder? decoder = null, ReasoningMarkers? reasoning = null)
    {
        SchedulerFixture fixture = new(decoder ?? new FakeDecoder());
        GenerationStream stream = fixture.Scheduler.Submit(Request(grammar, maxTokens, isForcing, reasoning), CancellationToken.None);
        fixture.Run();
        return (SchedulerFixture.Text(stream), stream.Summary);
    }

    private static GenerationRequest Request(string grammar, int maxTokens, bool isForcing = true, ReasoningMarkers? reasoning = null) => new()
    {
        Prompt = [.. "prompt"u8.ToArray().Select(b => (int)b)],
        MaxOutputTokens = maxTokens,
        Sampling = new SamplingOptions { Temperature = 0 },
        Constraint = new AnswerConstraint
        {
            Grammar = Grammar.FromGbnf(grammar),
            Vocabulary = Vocabulary,
            Tokenize = isForcing ? static text => [.. Encoding.UTF8.GetBytes(text).Select(b => (int)b)] : null,
            Reasoning = reasoning,
        },
    };
}
