using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Tests.Runtime;

public sealed class PlainTextChunksTests
{
    [Fact]
    public void ShortTextIsOnePiece() => Assert.Equal(PlainTextChunks.MaxLength, PlainTextChunks.FirstLength(new string(' ', PlainTextChunks.MaxLength)));

    [Theory]
    [InlineData("word ", 4)]
    [InlineData("word\n", 4)]
    [InlineData("東京、", 2)]
    public void APieceEndsAfterAWord(string word, int end)
    {
        string text = string.Concat(Enumerable.Repeat(word, 500));
        int length = PlainTextChunks.FirstLength(text);
        Assert.InRange(length, PlainTextChunks.MaxLength - word.Length, PlainTextChunks.MaxLength);
        Assert.Equal(end, length % word.Length);
    }

    [Theory]
    [InlineData("{\"id\":12345,\"tags\":[\"x\"]},", "s\"")]
    [InlineData("https://a.org/b?c=d&e#", "s:")]
    [InlineData("| 12 | --- ", "2 ")]
    [InlineData("-9fff", "9f")]
    [InlineData("it's_²x²", "s_")]
    public void WhereNoWordEndsAPieceEndsWithARowOfLettersOrDigits(string row, string end)
    {
        string text = string.Concat(Enumerable.Repeat(row, 500));
        int length = PlainTextChunks.FirstLength(text);
        Assert.InRange(length, PlainTextChunks.MaxLength - row.Length, PlainTextChunks.MaxLength);
        Assert.Equal(end, text.Substring(length - 1, 2));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("--")]
    public void DigitsWithoutEndAreCutIntoGroupsOfThree(string sign) =>
        Assert.Equal(0, (PlainTextChunks.FirstLength(sign + new string('1', 10_000)) - sign.Length) % 3);

    [Fact]
    public void AWordWithoutEndIsCutAtTheGreatestLength() => Assert.Equal(PlainTextChunks.MaxLength, PlainTextChunks.FirstLength(new string('a', 10_000)));

    [Fact]
    public void ACharacterOfTwoUnitsIsNotCut()
    {
        string text = "a" + string.Concat(Enumerable.Repeat("😀", 1000));
        Assert.Equal(PlainTextChunks.MaxLength - 1, PlainTextChunks.FirstLength(text));
    }
}
