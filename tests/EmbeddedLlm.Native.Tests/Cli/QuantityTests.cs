using EmbeddedLlm.Cli;

namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class QuantityTests
{
    [Theory]
    [InlineData(99_999, "99,999")]
    [InlineData(918_656, "0.92 M")]
    [InlineData(999_499_999, "999 M")]
    [InlineData(999_885_952, "1 B")]
    [InlineData(7_615_616_512, "7.62 B")]
    public void ACountHasThreeDigitsAtMost(long count, string text) => Assert.Equal(text, Quantity.Of(count));

    [Theory]
    [InlineData(0, "0 KiB")]
    [InlineData((1 << 20) - 513, "1023 KiB")]
    [InlineData((1 << 20) - 1, "1 MiB")]
    [InlineData((1 << 30) - 1, "1 GiB")]
    [InlineData(3L << 30, "3 GiB")]
    public void ASizeIsOfTheUnitThatItIsRoundedTo(long bytes, string text) => Assert.Equal(text, Quantity.OfBytes(bytes));
}
