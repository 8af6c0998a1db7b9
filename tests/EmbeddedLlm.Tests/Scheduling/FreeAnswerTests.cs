using System.Text;
using EmbeddedLlm.Scheduling;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>Answers that are free until a text comes that the grammar begins after.</summary>
public sealed class FreeAnswerTests
{
    private const int Control = 256;
    private const int End = 257;
    private const int Wrong = 258;
    private const int Right = 259;
    private const int Hidden = 260;
    private const int Think = 261;
    private const int WrongShort = 262;

    private static readonly Grammar s_grammar = Grammar.FromGbnf("root ::= \"{\" [0-9]+ \"}\"");
    private static readonly GrammarVocabulary s_vocabulary = new(CreateVocabulary());

    [Fact]
    public void BeforeTheTriggerEverythingMayCome()
    {
        ConstrainedAnswer answer = Create();
        Accept(answer, "}{ <cal <call");
        Assert.True(IsAllowed(answer, 'x'));
        Assert.True(IsAllowed(answer, End));
        Assert.False(answer.IsFinished);
    }

    [Fact]
    public void AfterTheTriggerTheGrammarHolds()
    {
        ConstrainedAnswer answer = Create();
        Accept(answer, "Hi <call>");
        Assert.True(IsAllowed(answer, '{'));
        Assert.False(IsAllowed(answer, 'x'));
        Assert.False(IsAllowed(answer, End));
        Assert.False(answer.TryAccept('x'));
        Accept(answer, "{12}");
        Assert.True(answer.IsFinished);
    }

    [Fact]
    public void TheTriggerMayBeAControlToken()
    {
        ConstrainedAnswer answer = Create();
        Assert.True(answer.TryAccept(Control));
        Assert.False(IsAllowed(answer, 'x'));
        Accept(answer, "{1}");
        Assert.True(answer.IsComplete);
    }

    [Fact]
    public void ATokenThatGoesOnWronglyAfterTheTriggerIsRefusedAndChangesNothing()
    {
        ConstrainedAnswer answer = Create();
        Accept(answer, "<cal");
        Assert.False(answer.TryAccept(Wrong));
        Assert.True(answer.TryAccept(Right));
        Accept(answer, "2}");
        Assert.True(answer.IsFinished);
    }

    [Theory]
    [InlineData("Hi <n=", "2}")]
    [InlineData("<cal<n=", "}")]
    [InlineData("<call>", "{12}")]
    public void WhereTheTriggerIsLeftOutTheGrammarHoldsFromTheShortcutOn(string text, string rest)
    {
        ConstrainedAnswer answer = Create();
        Accept(answer, text);
        Assert.False(IsAllowed(answer, 'x'));
        Accept(answer, rest);
        Assert.True(answer.IsFinished);
    }

    [Fact]
    public void ATokenThatGoesOnWronglyAfterTheShortcutIsRefusedAndChangesNothing()
    {
        ConstrainedAnswer answer = Create();
        Accept(answer, "<n");
        Assert.False(answer.TryAccept(WrongShort));
        Accept(answer, "=");
        Accept(answer, "2}");
        Assert.True(answer.IsFinished);
    }

    [Theory]
    [InlineData(true, "a <call> b</think>\n")]
    [InlineData(false, "\n<think>a <call> b</think>")]
    public void ATriggerWithinTheReasoningIsNone(bool isOpen, string reasoning)
    {
        ConstrainedAnswer answer = Create(isOpen: isOpen);
        Accept(answer, reasoning);
        Assert.True(IsAllowed(answer, 'x'));
        Accept(answer, "text <call>");
        Assert.False(IsAllowed(answer, 'x'));
    }

    [Theory]
    [InlineData("\n <call>", false)]
    [InlineData("x<call>", true)]
    [InlineData("<<call>", true)]
    public void ATriggerOfTheBeginningCountsThereOnly(string text, bool isFree)
    {
        ConstrainedAnswer answer = Create(isAtStart: true);
        Accept(answer, text);
        Assert.Equal(isFree, IsAllowed(answer, 'x'));
    }

    /// <summary>As Llama's <c>&lt;|python_tag|&gt;</c>, which is not in the text by which calls are read.</summary>
    [Theory]
    [InlineData("", false)]
    [InlineData("\n", false)]
    [InlineData("x", true)]
    public void AControlTokenAheadOfATriggerOfTheBeginningIsNoText(string text, bool isFree)
    {
        ConstrainedAnswer answer = Create(isAtStart: true);
        Accept(answer, text);
        Assert.True(answer.TryAccept(Hidden));
        Accept(answer, "<call>");
        Assert.Equal(isFree, IsAllowed(answer, 'x'));
    }

    [Fact]
    public void AControlTokenThatBeginsTheReasoningOrIsTheTriggerCountsAtTheBeginning()
    {
        ConstrainedAnswer answer = Create(isAtStart: true, isOpen: false);
        Assert.True(answer.TryAccept(Think));
        Accept(answer, "<call> thoughts</think>");
        Assert.True(answer.TryAccept(Hidden));
        Assert.True(answer.TryAccept(Control));
        Assert.False(IsAllowed(answer, 'x'));
    }

    private static ConstrainedAnswer Create(bool isAtStart = false, bool? isOpen = null) => new(new AnswerConstraint
    {
        Grammar = s_grammar,
        Vocabulary = s_vocabulary,
        Trigger = new GrammarTrigger("<call>"u8.ToArray(), isAtStart) { Shortcut = new TriggerShortcut("<n="u8.ToArray(), "{1"u8.ToArray()) },
        Reasoning = isOpen is { } open ? new ReasoningMarkers("<think>"u8.ToArray(), "</think>"u8.ToArray(), open) : null,
    });

    private static void Accept(ConstrainedAnswer answer, string text)
    {
        foreach (char token in text)
            Assert.True(answer.TryAccept(token), $"'{token}' of '{text}'");
    }

    private static bool IsAllowed(ConstrainedAnswer answer, int token)
    {
        ulong[] mask = new ulong[TokenMask.WordsFor(s_vocabulary.TokenCount)];
        answer.WriteMask(mask);
        return TokenMask.Contains(mask, token);
    }

    /// <summary>A token for each byte, and then a control token, an end, two that go on after the trigger, and two more control tokens.</summary>
    private static Vocabulary CreateVocabulary()
    {
        byte[][] tokens = [.. Enumerable.Range(0, 256).Select(value => new[] { (byte)value }), .. new[] { "<call>", "<end>", "l>x", "l>{1", "<hidden>", "<think>", "=x" }.Select(Encoding.UTF8.GetBytes)];
        int[] offsets = [0, .. tokens.Select((_, i) => tokens.Take(i + 1).Sum(token => token.Length))];
        TokenKind[] kinds = [.. tokens.Select((_, i) => i switch { Control or Hidden or Think => TokenKind.Control, End => TokenKind.EndOfGeneration, _ => TokenKind.Text })];
        return new Vocabulary([.. tokens.SelectMany(token => token)], offsets, kinds);
    }
}
