using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Tests.Gguf;

public sealed class GgmlTypesTests
{
    // Bits per element as ggml's documentation and file type names give them, an independent check on the table of block sizes.
    [Theory]
    [InlineData(GgmlType.F32, 32)]
    [InlineData(GgmlType.F16, 16)]
    [InlineData(GgmlType.BF16, 16)]
    [InlineData(GgmlType.Q4_0, 4.5)]
    [InlineData(GgmlType.Q4_1, 5)]
    [InlineData(GgmlType.Q5_0, 5.5)]
    [InlineData(GgmlType.Q5_1, 6)]
    [InlineData(GgmlType.Q8_0, 8.5)]
    [InlineData(GgmlType.Q2_K, 2.625)]
    [InlineData(GgmlType.Q3_K, 3.4375)]
    [InlineData(GgmlType.Q4_K, 4.5)]
    [InlineData(GgmlType.Q5_K, 5.5)]
    [InlineData(GgmlType.Q6_K, 6.5625)]
    [InlineData(GgmlType.IQ2_XXS, 2.0625)]
    [InlineData(GgmlType.IQ2_XS, 2.3125)]
    [InlineData(GgmlType.IQ3_XXS, 3.0625)]
    [InlineData(GgmlType.IQ1_S, 1.5625)]
    [InlineData(GgmlType.IQ1_M, 1.75)]
    [InlineData(GgmlType.IQ4_NL, 4.5)]
    [InlineData(GgmlType.IQ4_XS, 4.25)]
    [InlineData(GgmlType.IQ3_S, 3.4375)]
    [InlineData(GgmlType.TQ1_0, 1.6875)]
    [InlineData(GgmlType.TQ2_0, 2.0625)]
    [InlineData(GgmlType.MXFP4, 4.25)]
    [InlineData(GgmlType.NVFP4, 4.5)]
    public void BitsPerElementAreAsDocumented(GgmlType type, double bits) =>
        Assert.Equal(bits, GgmlTypes.BlockBytes(type) * 8.0 / GgmlTypes.BlockElements(type));

    [Fact]
    public void EveryNamedTypeIsDefinedAndNoOther()
    {
        HashSet<GgmlType> named = [.. Enum.GetValues<GgmlType>()];
        for (int number = -1; number < 100; number++)
            Assert.Equal(named.Contains((GgmlType)number), GgmlTypes.IsDefined((GgmlType)number));
    }

    [Fact]
    public void RowBytesCountsWholeBlocks()
    {
        Assert.Equal(2 * 34, GgmlTypes.RowBytes(GgmlType.Q8_0, 64));
        Assert.Throws<ArgumentOutOfRangeException>(() => GgmlTypes.RowBytes(GgmlType.Q8_0, 65));
        Assert.Throws<ArgumentOutOfRangeException>(() => GgmlTypes.RowBytes((GgmlType)5, 32));
    }
}
