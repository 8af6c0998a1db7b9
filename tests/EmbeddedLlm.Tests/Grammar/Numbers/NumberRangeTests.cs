using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars.Numbers;

public sealed class NumberRangeTests
{
    private static DecimalBound Bound(string text, bool isExclusive = false) => new(ExactDecimal.Parse(text), isExclusive);

    [Theory]
    [InlineData("17", false, "19", false, "5", true)]
    [InlineData("17", false, "20", false, "5", false)]
    [InlineData("17", false, "20", true, "5", true)]
    [InlineData("-20", true, "-16", false, "5", true)]
    [InlineData("0.1", false, "0.2", false, "0.3", true)]
    [InlineData("0.1", false, "0.3", false, "0.3", false)]
    [InlineData("-0.1", false, "0.1", false, "7", false)]
    [InlineData("1", false, "1", false, null, false)]
    [InlineData("1", false, "1", true, null, true)]
    [InlineData("1", true, "1.0000000000000000000000000000000001", true, null, false)]
    [InlineData("2", false, "1", false, null, true)]
    public void EmptinessIsExact(string minimum, bool excludesMinimum, string maximum, bool excludesMaximum, string? step, bool expected)
    {
        NumberRange range = new()
        {
            Minimum = Bound(minimum, excludesMinimum),
            Maximum = Bound(maximum, excludesMaximum),
            MultipleOf = step is null ? [] : [ExactDecimal.Parse(step)],
        };
        Assert.Equal(expected, range.IsEmpty);
        Assert.Equal(expected, JsonNumbers.Create(range, anySpelling: false) is null);
        Assert.Equal(expected, JsonNumbers.Create(range, anySpelling: true) is null);
    }

    [Fact]
    public void StepsCombineToTheirLeastCommonMultiple()
    {
        NumberRange range = new() { IsInteger = true, MultipleOf = [ExactDecimal.Parse("0.4"), ExactDecimal.Parse("1.5")] };
        Assert.Equal(ExactDecimal.Parse("6"), range.Step);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-2")]
    public void StepsThatAreNotPositiveAreRefused(string step) =>
        Assert.Throws<GrammarException>(() => JsonNumbers.Create(new NumberRange { MultipleOf = [ExactDecimal.Parse(step)] }, anySpelling: false));

    [Fact]
    public void BothSetsConditionsHoldInTheIntersection()
    {
        Random random = new(2);
        for (int i = 0; i < 500; i++)
        {
            RangeText left = RangeText.Random(random);
            RangeText right = RangeText.Random(random);
            NumberRange both = left.ToRange().And(right.ToRange());
            for (int j = 0; j < 40; j++)
            {
                string text = $"{random.Next(-30, 130)}.{random.Next(4) * 25}";
                Assert.True(both.Contains(ExactDecimal.Parse(text)) == (left.Contains(text) && right.Contains(text)), $"{left} and {right}: {text}");
            }
        }
    }

    [Fact]
    public void AllNumbersOfASmallSetAreListed()
    {
        NumberRange range = new() { Minimum = Bound("-0.5", true), Maximum = Bound("1"), MultipleOf = [ExactDecimal.Parse("0.25")] };
        Assert.Equal(["-0.25", "0", "0.25", "0.5", "0.75", "1"], range.Enumerate(6)!.Select(number => number.ToString()));
        Assert.Null(range.Enumerate(5));
        Assert.Null((range with { Maximum = null }).Enumerate(1000));
        Assert.Null(new NumberRange { Minimum = Bound("0"), Maximum = Bound("1") }.Enumerate(1000));
        Assert.Equal(["7"], new NumberRange { Minimum = Bound("7"), Maximum = Bound("7.0") }.Enumerate(1)!.Select(number => number.ToString()));
        Assert.Empty(new NumberRange { Minimum = Bound("7"), Maximum = Bound("6") }.Enumerate(1)!);
    }

    [Fact]
    public void EqualRangesAreEqual()
    {
        NumberRange one = new() { Minimum = Bound("1.0"), MultipleOf = [ExactDecimal.Parse("2.50")] };
        NumberRange other = new() { Minimum = Bound("1"), MultipleOf = [ExactDecimal.Parse("2.5")] };
        Assert.Equal(one, other);
        Assert.Equal(one.GetHashCode(), other.GetHashCode());
        Assert.NotEqual(one, other with { IsInteger = true });
    }
}
