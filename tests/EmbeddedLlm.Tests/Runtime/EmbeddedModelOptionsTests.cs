namespace EmbeddedLlm.Tests.Runtime;

public sealed class EmbeddedModelOptionsTests
{
    [Theory]
    [InlineData(int.MaxValue, null, nameof(EmbeddedModelOptions.ContextLength))]
    [InlineData(EmbeddedModelOptions.MostCells + 1, null, nameof(EmbeddedModelOptions.ContextLength))]
    [InlineData(null, int.MaxValue, nameof(EmbeddedModelOptions.CacheLength))]
    [InlineData(1, null, nameof(EmbeddedModelOptions.ContextLength))]
    [InlineData(100, 99, nameof(EmbeddedModelOptions.CacheLength))]
    public void ALengthThatLlamaCppCannotCountIsRefusedByItsName(int? context, int? cache, string expected) =>
        Assert.Equal(expected, Assert.Throws<ArgumentOutOfRangeException>(() => new EmbeddedModelOptions { ContextLength = context, CacheLength = cache }.Validate()).ParamName);

    [Fact]
    public void TheLongestLengthIsOneThatLlamaCppDoesNotRoundUp()
    {
        Assert.Equal(0, EmbeddedModelOptions.MostCells % 256);
        new EmbeddedModelOptions { ContextLength = EmbeddedModelOptions.MostCells, CacheLength = EmbeddedModelOptions.MostCells }.Validate();
    }
}
