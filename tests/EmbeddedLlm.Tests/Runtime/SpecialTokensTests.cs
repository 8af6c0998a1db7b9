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

    [Fact]
    public void WithoutSpecialTokensNothingIsFound() => Assert.Null(new SpecialTokens([]).Find("<a>", out _));

    private static SpecialToken Token(int id, string text) => new(id, text, StripsLeft: false, StripsRight: false);
}
