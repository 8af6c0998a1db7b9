using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Tests.Runtime;

public sealed class SpecialTokensTests
{
    private static readonly SpecialTokens Tokens = new([Token(1, "<a>"), Token(2, "<a><b>"), Token(3, "<|end|>"), Token(4, "[X]")]);

    [Theory]
    [InlineData("text", null, 0)]
    [InlineData("<a> text", 1, 0)]
    [InlineData("x <a><b> text", 2, 2)]
    [InlineData("x <a><c> text", 1, 2)]
    [InlineData("< <| <|end| <|end|>", 3, 12)]
    [InlineData("[[X]", 4, 1)]
    [InlineData("", null, 0)]
    public void TheFirstTokenIsFoundAndTheLongestWhereSeveralBeginThere(string text, int? id, int index)
    {
        SpecialToken? found = Tokens.Find(text, out int actual);
        Assert.Equal(id, found?.Id);
        if (id is not null)
            Assert.Equal(index, actual);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void WhatIsFoundIsWhatALookAtEachTokenFinds(int seed)
    {
        Random random = new(seed);
        SpecialToken[] tokens = [.. Enumerable.Range(0, 60).Select(id => Token(id, Text(1, 6)))];
        SpecialTokens special = new(tokens);
        for (int i = 0; i < 2000; i++)
        {
            string text = Text(0, 12);
            (SpecialToken? Token, int Index)[] matches =
                [.. Enumerable.Range(0, text.Length).SelectMany(at => tokens.Where(token => string.CompareOrdinal(text, at, token.Text, 0, token.Text.Length) == 0).Select(token => ((SpecialToken?)token, at)))];
            (SpecialToken? expected, int index) = matches.OrderBy(match => match.Index).ThenByDescending(match => match.Token!.Text.Length).FirstOrDefault();
            SpecialToken? found = special.Find(text, out int actual);
            Assert.Equal(expected, found);
            if (expected is not null)
                Assert.Equal(index, actual);
        }

        string Text(int least, int most) => new([.. Enumerable.Range(0, random.Next(least, most + 1)).Select(_ => "ab<"[random.Next(3)])]);
    }

    // A look at each of them would be fifty billion.
    [Fact]
    public void ATextOfBeginningsOfManyTokensIsSearchedAtOnce()
    {
        SpecialTokens tokens = new(Enumerable.Range(0, 50_000).Select(id => Token(id, $"<<<unused{id}>")));
        Assert.Null(tokens.Find(new string('<', 1_000_000), out _));
    }

    [Fact]
    public void OfTokensWithOneTextTheFirstIsFound() => Assert.Equal(7, new SpecialTokens([Token(7, "\uFFFD"), Token(8, "\uFFFD")]).Find("a\uFFFD", out _)?.Id);

    [Fact]
    public void WithoutSpecialTokensNothingIsFound() => Assert.Null(new SpecialTokens([]).Find("<a>", out _));

    private static SpecialToken Token(int id, string text) => new(id, text, StripsLeft: false, StripsRight: false);
}
