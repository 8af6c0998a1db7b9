using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Tests.Runtime;

public sealed class InputTokenizerTests
{
    [Theory]
    [InlineData("a {query} b {document} c", "<a >[Q]< b >[D]< c>", 3)]
    [InlineData("{document}{query}", "<>[D]<>[Q]<>", 1)]
    [InlineData("{document} {document}", "<>[D]< >[D]<>", -1)]
    [InlineData("{query}", "<>[Q]<>", -1)]
    [InlineData("{{query}", "<{>[Q]<>", -1)]
    public void ATemplateIsFilledOnceAndWhatIsFilledInIsNoTemplate(string template, string expected, int documentPart)
    {
        List<TextPart> parts = InputTokenizer.Fill(template, "Q", "D", out int part);
        Assert.Equal(expected, string.Concat(parts.Select(piece => piece.IsTemplate ? $"<{piece.Text}>" : $"[{piece.Text}]")));
        Assert.Equal(documentPart, part);
    }

    [Theory]
    [InlineData(5, 3, 8, false, 5)]
    [InlineData(6, 3, 8, true, 5)]
    [InlineData(100, 7, 8, true, 1)]
    public void WhatFitsStays(int count, int around, int most, bool isCut, int kept) => Assert.Equal(kept, new InputLimit(0, most, isCut).Keep(count, around));

    [Theory]
    [InlineData(6, 3, 8, false)]
    [InlineData(1, 8, 8, true)]
    public void WhatDoesNotFitIsNamedWithBothCounts(int count, int around, int most, bool isCut)
    {
        EmbeddingInputTooLongException exception = Assert.Throws<EmbeddingInputTooLongException>(() => { new InputLimit(4, most, isCut).Keep(count, around); });
        Assert.Equal((4, count + around, most), (exception.Index, exception.Tokens, exception.MaxTokens));
    }
}
