using System.Text;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars;

public sealed class TextAutomatonTests
{
    [Fact]
    public void OperationsAreThoseOfSets()
    {
        Random random = new(11);
        for (int i = 0; i < 400; i++)
        {
            TextAutomaton left = TextAutomaton.FromPattern(PatternTexts.RandomPattern(random, random.Next(1, 7), hasLookbehind: false));
            TextAutomaton right = TextAutomaton.FromPattern(PatternTexts.RandomPattern(random, random.Next(1, 7), hasLookbehind: false));
            TextAutomaton and = left.And(right), or = left.Or(right), not = left.Not();
            foreach (string text in PatternTexts.Around(left, random, 8).Concat(PatternTexts.Around(right, random, 8)))
            {
                bool isLeft = left.Matches(text), isRight = right.Matches(text);
                Assert.Equal(isLeft && isRight, and.Matches(text));
                Assert.Equal(isLeft || isRight, or.Matches(text));
                Assert.Equal(!isLeft, not.Matches(text));
            }

            Assert.Equal(!and.IsNone, left.Overlaps(right));
            Assert.Equal(left.IsNone, not.IsAny);
            Assert.Equal(left.IsAny, not.IsNone);
            Assert.True(left.And(not).IsNone);
            Assert.True(left.Or(not).IsAny);
            Assert.Equal(left.StateCount, not.Not().StateCount);
        }
    }

    [Fact]
    public void EveryStateLeadsToAnEnd()
    {
        Random random = new(12);
        for (int i = 0; i < 500; i++)
        {
            TextAutomaton automaton = TextAutomaton.FromPattern(PatternTexts.RandomPattern(random, random.Next(1, 9), hasLookbehind: false));
            TextLengths lengths = new(automaton, 0, null);
            for (int state = 0; state < automaton.StateCount; state++)
                Assert.True(lengths.CanEnd(state, 0));
            Assert.True(automaton.IsNone || lengths.Longest < automaton.StateCount);
        }
    }

    [Fact]
    public void EqualLanguagesHaveEquallyManyStates()
    {
        Assert.Equal(TextAutomaton.FromPattern("^(a|b)*abb$").StateCount, TextAutomaton.FromPattern("^[ab]*a(?=bb$).*$").StateCount);
        Assert.Equal(4, TextAutomaton.FromPattern("^(a|b)*abb$").StateCount);
        Assert.Equal(1, TextAutomaton.FromPattern("(a|b|c)*").StateCount);
        Assert.Equal(TextAutomaton.FromPattern("^(x+x+)+y$").StateCount, TextAutomaton.FromPattern("^xx+y$").StateCount);
    }

    [Fact]
    public void AnyAndNoneAreRecognized()
    {
        Assert.True(TextAutomaton.FromPattern("").IsAny);
        Assert.True(TextAutomaton.FromPattern("^[^]*$").IsAny);
        Assert.True(TextAutomaton.FromPattern("^.*").IsAny);
        Assert.False(TextAutomaton.FromPattern("^.*$").IsAny);
        Assert.True(TextAutomaton.FromPattern(@"[\s\S]*").IsAny);
        Assert.False(TextAutomaton.FromPattern("[^]").IsAny);
        Assert.True(TextAutomaton.FromPattern("a^").IsNone);
        Assert.True(TextAutomaton.FromPattern("(?!)").IsNone);
        Assert.True(TextAutomaton.FromPattern("$a").IsNone);
        Assert.True(TextAutomaton.None.Not().IsAny);
        Assert.True(TextAutomaton.Any.Not().IsNone);
        Assert.True(TextAutomaton.Of([]).IsNone);
    }

    [Fact]
    public void SetOfTextsIsExactlyThose()
    {
        string[] texts = ["", "a", "ab", "abc", "b", "😀", "é\0", "a😀"];
        TextAutomaton automaton = TextAutomaton.Of([.. texts, "a", "\uD800"]);
        Assert.All(texts, text => Assert.True(automaton.Matches(text)));
        Assert.All(["abcd", "c", "ba", "\uD800", "\uD83D", "é"], text => Assert.False(automaton.Matches(text)));
        Assert.Equal(texts.Order(StringComparer.Ordinal), automaton.Enumerate(8));
        Assert.Null(automaton.Enumerate(7));
        Assert.Equal(["ab", "abc"], automaton.And(TextAutomaton.FromPattern("^ab")).Enumerate(100));
    }

    [Fact]
    public void FiniteLanguagesAreEnumerated()
    {
        Assert.Equal(["", "00", "01", "10", "11"], TextAutomaton.FromPattern("^([01]{2})?$").Enumerate(5));
        Assert.Null(TextAutomaton.FromPattern("^([01]{2})?$").Enumerate(4));
        Assert.Null(TextAutomaton.FromPattern("^[01]*$").Enumerate(1000));
        Assert.Null(TextAutomaton.FromPattern("^.{40}$").Enumerate(int.MaxValue));
        Assert.Equal([""], TextAutomaton.FromPattern("^$").Enumerate(1));
        Assert.Equal([], TextAutomaton.None.Enumerate(0)!);
        Assert.True(TextAutomaton.FromPattern("^[a-z]{1,9}$").IsFinite);
        Assert.False(TextAutomaton.FromPattern("^[a-z]{1,}$").IsFinite);
    }

    [Theory]
    [InlineData("^(abc)+$", 0, 2, false)]
    [InlineData("^(abc)+$", 3, 3, true)]
    [InlineData("^(abc)+$", 4, 5, false)]
    [InlineData("^(abc)+$", 4, 6, true)]
    [InlineData("^(abc)+$", 1_000_000, null, true)]
    [InlineData("^(abc)+$", 1000, 1000, false)]
    [InlineData("^(abc)+$", 999, 999, true)]
    [InlineData("^(a{6}|b{15})*$", 26, 26, false)]
    [InlineData("^(a{6}|b{15})*$", 27, 27, true)]
    [InlineData("^(a{6}|b{15})*$", 28, 29, false)]
    [InlineData("^a{2,5}$", 6, null, false)]
    [InlineData("^a{2,5}$", 5, null, true)]
    [InlineData("^😀$", 1, 1, true)]
    [InlineData("^😀$", 2, 2, false)]
    [InlineData("", 0, 0, true)]
    [InlineData("a", 0, 0, false)]
    [InlineData("a", 2, 1, false)]
    public void LengthsAreFoundExactly(string pattern, int min, int? max, bool expected) =>
        Assert.Equal(expected, TextAutomaton.FromPattern(pattern).HasTextOfLength(min, max));

    [Fact]
    public void TextsWithHalfASurrogatePairMatchNothing()
    {
        Assert.False(TextAutomaton.Any.Matches("a\uD83D"));
        Assert.False(TextAutomaton.Any.Matches("\uDE00a"));
        Assert.True(TextAutomaton.Any.Matches("\uD83D\uDE00"));
    }

    [Fact]
    public void SetsOfCodePointsHoldNoSurrogates()
    {
        Assert.Equal(0x110000 - 0x800, CodePointSet.All.Count);
        Assert.True(CodePointSet.Of(0xD800, 0xDFFF).IsEmpty);
        Assert.Equal(CodePointSet.All, CodePointSet.Empty.Complement());
        Assert.True(CodePointSet.All.Complement().IsEmpty);
        Random random = new(4);
        for (int i = 0; i < 200; i++)
        {
            CodePointSet left = RandomSet(), right = RandomSet();
            foreach (int codePoint in Enumerable.Range(0, 60).Concat(Enumerable.Range(0xD7F0, 20)).Concat(Enumerable.Range(0xDFF0, 40)).Where(static each => Rune.IsValid(each)))
            {
                Assert.Equal(left.Contains(codePoint) || right.Contains(codePoint), left.Union(right).Contains(codePoint));
                Assert.Equal(left.Contains(codePoint) && right.Contains(codePoint), left.Intersect(right).Contains(codePoint));
                Assert.Equal(!left.Contains(codePoint), left.Complement().Contains(codePoint));
                Assert.Equal(left.Contains(codePoint) && !right.Contains(codePoint), left.Except(right).Contains(codePoint));
            }

            Assert.Equal(left, left.Complement().Complement());
            Assert.Equal(left.GetHashCode(), left.Complement().Complement().GetHashCode());
        }

        CodePointSet RandomSet() => CodePointSet.Of([.. Enumerable.Range(0, random.Next(6)).Select(_ =>
        {
            int first = random.Next(3) switch { 0 => random.Next(60), 1 => 0xD7F0 + random.Next(20), _ => 0xDFF0 + random.Next(30) };
            return new CodePointSet.Range(first, first + random.Next(10));
        })]);
    }
}
