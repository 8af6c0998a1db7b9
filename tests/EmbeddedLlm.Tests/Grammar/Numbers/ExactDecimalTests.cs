using System.Globalization;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars.Numbers;

public sealed class ExactDecimalTests
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("-0", "0")]
    [InlineData("0.000", "0")]
    [InlineData("0e99999999999999", "0")]
    [InlineData("1.0", "1")]
    [InlineData("1200", "1200")]
    [InlineData("12e2", "1200")]
    [InlineData("1.20e+2", "120")]
    [InlineData("-0.0010", "-0.001")]
    [InlineData("0.00120e1", "0.012")]
    [InlineData("1e-3", "0.001")]
    [InlineData("100e-2", "1")]
    [InlineData("123456789012345678901234567890.123456789012345678901234567890", "123456789012345678901234567890.12345678901234567890123456789")]
    public void IsWrittenInOneWayForEachValue(string text, string expected)
    {
        Assert.Equal(expected, ExactDecimal.Parse(text).ToString());
        Assert.Equal(ExactDecimal.Parse(expected), ExactDecimal.Parse(text));
        Assert.Equal(ExactDecimal.Parse(expected).GetHashCode(), ExactDecimal.Parse(text).GetHashCode());
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("01")]
    [InlineData("+1")]
    [InlineData(".5")]
    [InlineData("1.")]
    [InlineData("1e")]
    [InlineData("1e+")]
    [InlineData("1 ")]
    [InlineData("NaN")]
    [InlineData("1e1001")]
    [InlineData("1e-1001")]
    [InlineData("1e99999999999999999999")]
    public void WhatIsNoNumberOrTooLongIsRefused(string text) => Assert.Throws<GrammarException>(() => ExactDecimal.Parse(text));

    [Fact]
    public void OrderIsTheNumbersOrder()
    {
        Random random = new(1);
        for (int i = 0; i < 5000; i++)
        {
            string left = RandomText(random);
            string right = RandomText(random);
            int expected = ReferenceNumber.Parse(left).CompareTo(ReferenceNumber.Parse(right));
            Assert.Equal(Math.Sign(expected), Math.Sign(ExactDecimal.Parse(left).CompareTo(ExactDecimal.Parse(right))));
            Assert.Equal(expected == 0, ExactDecimal.Parse(left) == ExactDecimal.Parse(right));
        }
    }

    [Fact]
    public void DigitsAreCountedExactly()
    {
        System.Numerics.BigInteger power = 1;
        for (int digits = 1; digits < 700; digits++, power *= 10)
        {
            Assert.Equal(digits, ExactDecimal.CountDigits(power));
            Assert.Equal(digits, ExactDecimal.CountDigits(power * 10 - 1));
        }
    }

    private static string RandomText(Random random) =>
        (random.Next(2) == 0 ? "-" : "") + random.Next(random.Next(1, 2000)).ToString(CultureInfo.InvariantCulture)
        + (random.Next(2) == 0 ? "." + random.Next(random.Next(1, 1000)).ToString("D" + random.Next(1, 4), CultureInfo.InvariantCulture) : "")
        + (random.Next(3) == 0 ? "e" + random.Next(-4, 5).ToString(CultureInfo.InvariantCulture) : "");
}
