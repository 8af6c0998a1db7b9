using System.Text;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>Reasoning that is counted, and ended where its budget is spent.</summary>
public sealed class ReasoningLimitTests
{
    private const string Prompt = "prompt";
    private static readonly string s_free = FakeDecoder.Answer(Prompt, 40);
    private static readonly GrammarVocabulary s_vocabulary = new(FakeDecoder.Vocabulary);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    public void ASpentBudgetEndsTheReasoningAndTheAnswerGoesOn(int budget)
    {
        (string text, GenerationSummary summary) = Answer(budget, isOpen: true);
        Assert.Equal($"{s_free[..budget]}</t>\n", text[..(budget + 5)]);
        Assert.Equal((budget + 4, 5), (summary.ReasoningTokens, summary.ForcedTokens));
        // What comes after it is what the model says to all of that.
        Assert.Equal(FakeDecoder.Answer($"{Prompt}{text[..(budget + 5)]}", 40 - budget - 5), text[(budget + 5)..]);
    }

    [Fact]
    public void WithoutABudgetReasoningIsCountedOnly()
    {
        (string text, GenerationSummary summary) = Answer(budget: null, isOpen: true, close: s_free[10..13]);
        Assert.Equal(s_free, text);
        Assert.Equal(s_free.IndexOf(s_free[10..13], StringComparison.Ordinal) + 3, summary.ReasoningTokens);
        Assert.Equal(0, summary.ForcedTokens);
    }

    [Fact]
    public void AModelThatIsAboutToEndItsReasoningMayDoSo()
    {
        (string text, GenerationSummary summary) = Answer(budget: 11, isOpen: true, close: s_free[10..13]);
        Assert.Equal(s_free, text);
        Assert.Equal(0, summary.ForcedTokens);
    }

    [Fact]
    public void ReasoningThatTheModelBeginsIsCountedWithWhatBeginsIt()
    {
        (string text, GenerationSummary summary) = Answer(budget: 4, isOpen: false, open: s_free[..3]);
        Assert.Equal($"{s_free[..7]}</t>\n", text[..12]);
        Assert.Equal(3 + 4 + 4, summary.ReasoningTokens);
    }

    [Fact]
    public void AnAnswerWithoutReasoningHasNone()
    {
        (string text, GenerationSummary summary) = Answer(budget: 0, isOpen: false, open: "<t>");
        Assert.Equal(s_free, text);
        Assert.Equal(0, summary.ReasoningTokens);
    }

    [Fact]
    public void ALimitOfTokensEndsTheAnswerWithinTheForcedEnd()
    {
        (string text, GenerationSummary summary) = Answer(budget: 3, isOpen: true, maxTokens: 5);
        Assert.Equal($"{s_free[..3]}</", text);
        Assert.Equal(GenerationEnd.Length, summary.End);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    public void AGrammarBeginsAfterTheForcedEnd(int budget)
    {
        (string text, GenerationSummary summary) = Answer(budget, isOpen: true, grammar: "root ::= \"[\" [0-9]{4} \"]\"");
        Assert.Matches($"^{s_free[..budget]}</t>\\n{{1,4}}\\[[0-9]{{4}}\\]$", text);
        Assert.Equal(budget + 4, summary.ReasoningTokens);
        Assert.Equal(GenerationEnd.Stop, summary.End);
    }

    /// <summary>As Apriel's, which nothing but the text's beginning would end otherwise.</summary>
    [Theory]
    [InlineData(12, true)]
    [InlineData(11, true)]
    [InlineData(7, false)]
    public void ReasoningThatEndsAtACallIsCountedUpToItAndNotCutInIt(int budget, bool isCalled)
    {
        GenerationRequest request = Request(budget, true, "<t>", "</t>", null, 40, trigger: s_free[9..12]);
        string text = Run(new SchedulerFixture(new FakeDecoder()), request, out GenerationSummary summary);
        Assert.Equal(isCalled, text == s_free);
        Assert.Equal(isCalled ? s_free.IndexOf(s_free[9..12], StringComparison.Ordinal) + 3 : budget + 4, summary.ReasoningTokens);
    }

    [Fact]
    public void GuessesAreCheckedAcrossTheForcedEnd()
    {
        SchedulerFixture plain = new(new FakeDecoder { Repeats = true });
        SchedulerFixture guessing = new(new FakeDecoder { Repeats = true }, draftLength: 8);
        string expected = Run(plain, Request(20, true, "<t>", "</t>", null, 200), out _);
        Assert.Equal(expected, Run(guessing, Request(20, true, "<t>", "</t>", null, 200), out GenerationSummary summary));
        Assert.True(summary.AcceptedTokens > 0);
        Assert.Equal(24, summary.ReasoningTokens);
    }

    private static (string Text, GenerationSummary Summary) Answer(
        int? budget, bool isOpen, string open = "<t>", string close = "</t>", string? grammar = null, int maxTokens = 40)
    {
        string text = Run(new SchedulerFixture(new FakeDecoder()), Request(budget, isOpen, open, close, grammar, maxTokens), out GenerationSummary summary);
        return (text, summary);
    }

    private static string Run(SchedulerFixture fixture, GenerationRequest request, out GenerationSummary summary)
    {
        GenerationStream stream = fixture.Scheduler.Submit(request, CancellationToken.None);
        fixture.Run();
        summary = stream.Summary;
        return SchedulerFixture.Text(stream);
    }

    private static GenerationRequest Request(int? budget, bool isOpen, string open, string close, string? grammar, int maxTokens, string trigger = "")
    {
        ReasoningMarkers markers = new(Encoding.UTF8.GetBytes(open), Encoding.UTF8.GetBytes(close), isOpen);
        return new GenerationRequest
        {
            Prompt = [.. Encoding.UTF8.GetBytes(Prompt).Select(b => (int)b)],
            MaxOutputTokens = maxTokens,
            Sampling = new SamplingOptions { Temperature = 0 },
            Reasoning = new ReasoningLimit { Markers = markers, Budget = budget, Trigger = Encoding.UTF8.GetBytes(trigger), Closing = [.. Encoding.UTF8.GetBytes($"{close}\n").Select(b => (int)b)] },
            Constraint = grammar is null ? null : new AnswerConstraint { Grammar = Grammar.FromGbnf(grammar), Vocabulary = s_vocabulary, Reasoning = markers },
        };
    }
}
