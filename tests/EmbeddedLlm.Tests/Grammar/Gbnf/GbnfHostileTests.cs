using System.Globalization;
using System.Text;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars.Gbnf;

/// <summary>Grammars that are large, deep or ambiguous on purpose: the tests pass in moments or not at all, for a stack overflow ends them and an explosion never ends.</summary>
public sealed class GbnfHostileTests
{
    [Fact]
    public void GroupsMayNestDeeply()
    {
        string nested = new('(', 60_000);
        Assert.True(Accepts($"root ::= {nested}\"x\"{new string(')', 60_000)}", "x"));
        Assert.Throws<GrammarException>(() => Grammar.FromGbnf("root ::= " + nested));
    }

    [Fact]
    public void OptionalGroupsMayNestDeeply()
    {
        StringBuilder gbnf = new("root ::= ");
        for (int i = 0; i < 20_000; i++)
            gbnf.Append("(\"x\" ");
        for (int i = 0; i < 20_000; i++)
            gbnf.Append(")?");
        AssertAccepts(gbnf.ToString(), new string('x', 500), "xy");
    }

    [Fact]
    public void RulesMayUseOneAnotherInALongRow()
    {
        StringBuilder gbnf = new();
        for (int i = 0; i < 20_000; i++)
            gbnf.Append(i == 0 ? "root" : "r" + i.ToString(CultureInfo.InvariantCulture)).Append(CultureInfo.InvariantCulture, $" ::= \"a\" r{i + 1}\n");
        gbnf.Append("r20000 ::= \"b\"");
        Assert.True(Accepts(gbnf.ToString(), new string('a', 20_000) + "b"));
        Assert.False(Accepts(gbnf.ToString(), new string('a', 19_999) + "b"));
    }

    [Fact]
    public void ALongRowOfLeftRecursionIsRefused()
    {
        StringBuilder gbnf = new("root ::= r0 | \"b\"\n");
        for (int i = 0; i < 20_000; i++)
            gbnf.Append(CultureInfo.InvariantCulture, $"r{i} ::= \"\" r{(i + 1) % 20_000} \"a\" | \"b\"\n");
        GrammarException error = Assert.Throws<GrammarException>(() => Grammar.FromGbnf(gbnf.ToString()));
        Assert.Contains("and 19995 more", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ManyOptionalPartsInARow()
    {
        string gbnf = "root ::=" + string.Concat(Enumerable.Repeat(" \"x\"?", 5000));
        AssertAccepts(gbnf, new string('x', 100), new string('x', 100) + "y");
    }

    [Fact]
    public void RulesThatDoubleEachOther()
    {
        StringBuilder gbnf = new("root ::= r0\n");
        for (int i = 0; i < 60; i++)
            gbnf.Append(CultureInfo.InvariantCulture, $"r{i} ::= r{i + 1} r{i + 1}\n");
        gbnf.Append("r60 ::= \"x\"?");
        AssertAccepts(gbnf.ToString(), new string('x', 50), "xy");
    }

    [Theory]
    [InlineData("\"a\"{0,1000000}", 1000, true)]
    [InlineData("\"a\"{1000,1000000}", 999, false)]
    [InlineData("\"a\"{1000,1000000}", 1000, true)]
    [InlineData("(\"a\"{1,1000}){1,1000}", 1500, true)]
    [InlineData("((\"a\" | \"aa\"){1,1000}){1,1000}", 300, true)]
    [InlineData("(\"a\"* \"a\"*)*", 3000, true)]
    [InlineData("((\"a\"?){50} \"a\"?){50}", 100, true)]
    [InlineData("(\"a\" root \"b\" | \"a\"){0,1000000}", 30, true)]
    public void CountersAreNotUnrolled(string body, int length, bool expected)
    {
        Assert.Equal(expected, Accepts("root ::= " + body, new string('a', length)));
    }

    [Theory]
    [InlineData("root ::= \"a\" root | \"a\" root \"b\" | \"\"", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbb", true)]
    [InlineData("root ::= \"a\" root root | \"\"", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true)]
    [InlineData("root ::= \"a\" root root root | \"a\" root | \"a\"", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true)]
    [InlineData("root ::= s\ns ::= \"(\" s \")\" s | \"[\" s \"]\" s | \"(\" s \")\" | \"\"", "((([[[((()))]]])))[[[]]]((()))((([[[((()))]]])))[[[]]]((()))", true)]
    [InlineData("root ::= s\ns ::= \"(\" s \")\" s | \"[\" s \"]\" s | \"(\" s \")\" | \"\"", "((([[[((()))]]])))[[[]]]((()))((([[[((()))]]]))][[[]]]((()))", false)]
    [InlineData("root ::= \"a\" root root root root root | \"\"", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true)]
    [InlineData("root ::= (a | b)*\na ::= \"x\" a \"y\" | \"x\"\nb ::= \"x\" b \"z\" | \"x\"", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxyyyyyyyyyyyyyyyyzzzzz", false)]
    [InlineData("root ::= x x x x x x x x\nx ::= \"a\" x \"b\" | \"a\" x | \"\"", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbaaaaaaaaaaaabbbbb", true)]
    public void TextsWithVeryManyReadingsAreFollowedInLittleTime(string gbnf, string text, bool expected) => Assert.Equal(expected, Accepts(gbnf, text));

    [Fact]
    public void ManyAlternativesThatBeginAlikeAreFollowedTogether()
    {
        string gbnf = "root ::= \"x\"" + string.Concat(Enumerable.Range(0, 2000).Select(i => $" | \"a\" root \"b{i}.\""));
        Assert.True(Accepts(gbnf, new string('a', 50) + "x" + string.Concat(Enumerable.Range(500, 50).Select(i => $"b{i}."))));
        Assert.False(Accepts(gbnf, new string('a', 50) + "x" + string.Concat(Enumerable.Range(500, 50).Select(i => $"b{i}"))));
        Configuration inside = Grammar.FromGbnf(gbnf).Machine.Root.Next((byte)'a')!;
        Assert.Equal(2, inside.Items.Length);
    }

    [Fact]
    public void ManyRulesMayUseOneAnotherInCircles()
    {
        const int Rules = 10_000;
        StringBuilder gbnf = new("root ::= r0\n");
        for (int i = 0; i < Rules; i++)
            gbnf.Append(CultureInfo.InvariantCulture, $"r{i} ::= \"a\" r{(i + 1) % Rules} | \"b\" r{(i * 7 + 2) % Rules} \"c\" | \"d\"\n");
        Assert.True(Accepts(gbnf.ToString(), new string('a', 1000) + new string('b', 1000) + "d" + new string('c', 1000)));
        Assert.False(Accepts(gbnf.ToString(), new string('a', 1000) + new string('b', 1000) + "d" + new string('c', 999)));
    }

    [Fact]
    public void APartThatMayBeEmptyIsNotCountedWithoutEnd()
    {
        AssertAccepts("root ::= p{3,100}\np ::= \"(\" p \")\" | \"\"", "((()))()", ")");
        GrammarException error = Assert.Throws<GrammarException>(() => Accepts("root ::= p{0,1000000}\np ::= \"(\" p \")\" | \"\"", "()()"));
        Assert.Contains("too ambiguous", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DeepNestingOfTheTextTakesNoStack()
    {
        const int Depth = 50_000;
        Grammar grammar = Grammar.FromGbnf("root ::= \"[\" root \"]\" | \"\"");
        Assert.True(grammar.Accepts(Encoding.UTF8.GetBytes(new string('[', Depth) + new string(']', Depth))));
        Assert.False(grammar.Accepts(Encoding.UTF8.GetBytes(new string('[', Depth) + new string(']', Depth - 1))));
    }

    [Fact]
    public void AnInputOfMegabytesIsReadOrRefused()
    {
        Assert.Contains("limit", Assert.Throws<GrammarException>(() => Grammar.FromGbnf("root ::= \"a\"" + new string(' ', 10_000_000))).Message, StringComparison.Ordinal);
        Assert.True(Accepts("root ::= \"a\" #" + new string('x', 4_000_000), "a"));
        Assert.Contains("parts", Assert.Throws<GrammarException>(() => Grammar.FromGbnf("root ::= \"" + new string('a', 2_000_000) + "\"")).Message, StringComparison.Ordinal);
    }

    private static bool Accepts(string gbnf, string text) => Grammar.FromGbnf(gbnf).Accepts(Encoding.UTF8.GetBytes(text));

    private static void AssertAccepts(string gbnf, string accepted, string refused)
    {
        Grammar grammar = Grammar.FromGbnf(gbnf);
        Assert.True(grammar.Accepts(Encoding.UTF8.GetBytes(accepted)));
        Assert.False(grammar.Accepts(Encoding.UTF8.GetBytes(refused)));
    }
}
