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

    [Fact]
    public void AWordWithoutEndIsCutAtTheGreatestLength() => Assert.Equal(PlainTextChunks.MaxLength, PlainTextChunks.FirstLength(new string('a', 10_000)));

    [Fact]
    public void ACharacterOfTwoUnitsIsNotCut()
    {
        string text = "a" + string.Concat(Enumerable.Repeat("😀", 1000));
        Assert.Equal(PlainTextChunks.MaxLength - 1, PlainTextChunks.FirstLength(text));
    }
}
