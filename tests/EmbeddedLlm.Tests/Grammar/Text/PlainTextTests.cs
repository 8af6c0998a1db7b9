using System.Text;
using System.Text.RegularExpressions;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars;

public sealed class PlainTextTests
{
    public static TheoryData<string> Patterns => [
        "", "abc", "a*", "(a|b)*abb", "(a?){3}", "(a*)*", "(a*)+b", "(a|aa){2,4}", "(ab|a){3}b?", "((a|b){2,3}c){1,2}", "((ab?){2}c?){2,}", "[é-ü]+", "[\\u{1F600}-\\u{1F64F}]{1,2}", "\\p{L}{2,3}", ".*", "[^\\n]{0,3}x",
        "^abc$", "^a|b$", "(?:^a)b?", "(?!ab)[abc]{2,3}", "a(?=b)[bc]+", "\\ba\\b.b", "(?:a{2,3}){2}", "(a{0,2}b){2,3}", "(?:a|b?){2,3}", "x{3}", "(x{2}){2}", "(?:)"];

    [Theory]
    [MemberData(nameof(Patterns))]
    public void TextsAreThoseThatMatchAsAWhole(string pattern)
    {
        Pattern parsed = EcmaPattern.Parse(pattern);
        TextAutomaton whole = TextAutomaton.FromWhole(parsed);
        LexicalState start = PlainText.Create(parsed)!;
        Random random = new(3);
        foreach (string text in PatternTexts.Around(whole, random, 150))
            Assert.True(whole.Matches(text) == LexicalWalk.Accepts(start, text), text);
        for (int i = 0; i < 30; i++)
        {
            byte[] text = LexicalWalk.RandomText(start, random, random.Next(1, 20));
            Assert.True(whole.Matches(new UTF8Encoding(false, true).GetString(text)));
        }
    }

    [Fact]
    public void RandomPatternsAgreeWithDotNet()
    {
        Random random = new(77);
        for (int i = 0; i < 800; i++)
        {
            string pattern = PatternTexts.RandomPattern(random, random.Next(1, 10), hasLookbehind: false);
            Regex reference = PatternTexts.Reference($"^(?:{pattern})$");
            Pattern parsed = EcmaPattern.Parse(pattern);
            LexicalState? start = PlainText.Create(parsed);
            foreach (string text in PatternTexts.Around(TextAutomaton.FromWhole(parsed), random, 8))
                Assert.True(PatternTexts.IsMatch(reference, text) == LexicalWalk.Accepts(start, text), $"/{pattern}/ on '{text}'");
        }
    }

    [Fact]
    public void CountedRepetitionIsExact()
    {
        LexicalState start = PlainText.Create(EcmaPattern.Parse("(a|bb){2,1000000}c"))!;
        Assert.False(LexicalWalk.Accepts(start, "ac"));
        Assert.True(LexicalWalk.Accepts(start, "abbc"));
        Assert.True(LexicalWalk.Accepts(start, new string('a', 5000) + "c"));
        Assert.False(LexicalWalk.Accepts(start, new string('a', 5000) + "bc"));
        LexicalState bounded = PlainText.Create(EcmaPattern.Parse("(?:[a-z]{1,3}-){2,4}"))!;
        Assert.True(LexicalWalk.Accepts(bounded, "a-bcd-ef-"));
        Assert.False(LexicalWalk.Accepts(bounded, "a-"));
        Assert.False(LexicalWalk.Accepts(bounded, "a-b-c-d-e-"));
        Assert.False(LexicalWalk.Accepts(bounded, "abcd-e-"));
    }

    [Fact]
    public void CountsFarFromTheirBoundsAreAlike()
    {
        LexicalState start = PlainText.Create(EcmaPattern.Parse("[a-z]{1000,100000}"))!;
        LexicalState few = LexicalWalk.Read(start, Encoding.ASCII.GetBytes(new string('a', 10)))!;
        LexicalState more = LexicalWalk.Read(start, Encoding.ASCII.GetBytes(new string('a', 700)))!;
        LexicalState enough = LexicalWalk.Read(start, Encoding.ASCII.GetBytes(new string('a', 1500)))!;
        LexicalState many = LexicalWalk.Read(start, Encoding.ASCII.GetBytes(new string('a', 2500)))!;
        Assert.NotSame(few, more);
        Assert.Same(few.Within(100), more.Within(100));
        Assert.Same(enough.Within(100), many.Within(100));
        Assert.NotSame(few.Within(100), enough.Within(100));
        Assert.Same(more, more.Within(300));
    }

    [Fact]
    public void TextThatGoesOnUpToAMarkIsFree()
    {
        Assert.Equal(int.MaxValue, PlainText.Create(EcmaPattern.Parse("[^\\n]*\\n"))!.FreeCharacters);
        Assert.Equal(int.MaxValue, LexicalWalk.Read(PlainText.Create(EcmaPattern.Parse("'(?:[^\"\\\\]|\\\\.)*\"")), "'a"u8)!.FreeCharacters);
        Assert.Equal(int.MaxValue, PlainText.Create(EcmaPattern.Parse("(?=[^]*\\n$)[^]*"))!.FreeCharacters);
    }

    [Fact]
    public void TextThatCanEndAnywhereIsNotFree()
    {
        Assert.Equal(0, PlainText.Create(EcmaPattern.Parse("[^]*"))!.FreeCharacters);
        Assert.Equal(0, PlainText.Create(EcmaPattern.Parse("[^\\n]*x"))!.FreeCharacters);
        Assert.Equal(0, PlainText.Create(EcmaPattern.Parse("[a-z]*\\n"))!.FreeCharacters);
        Assert.Equal(0, PlainText.Create(EcmaPattern.Parse("[^\\n]{0,20}\\n"))!.FreeCharacters);
    }

    [Fact]
    public void ThereIsNoAutomatonOfNoTexts()
    {
        Assert.Null(PlainText.Create(EcmaPattern.Parse("[]")));
        Assert.Null(PlainText.Create(EcmaPattern.Parse("a[]b|c[]")));
        Assert.Null(PlainText.Create(EcmaPattern.Parse("a^b")));
        Assert.NotNull(PlainText.Create(EcmaPattern.Parse("a[]b|c")));
        Assert.Throws<GrammarException>(() => Grammar.FromRegex("[]"));
    }

    [Fact]
    public void GrammarOfARegexHoldsToWholeTexts()
    {
        Grammar grammar = Grammar.FromRegex("(yes|no)(, (yes|no))*");
        Assert.True(grammar.Accepts("yes, no"u8));
        Assert.False(grammar.Accepts("yes, no "u8));
        Assert.False(grammar.Accepts("x yes"u8));
        Assert.True(Grammar.FromRegex("^\\d+$").Accepts("12"u8));
        Assert.True(Grammar.FromRegex("").Accepts(""u8));
    }
}
