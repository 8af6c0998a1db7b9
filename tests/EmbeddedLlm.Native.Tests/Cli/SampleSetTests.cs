using EmbeddedLlm.Cli;

namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class SampleSetTests
{
    [Theory]
    [InlineData(2, new[] { 3.0, 1, 2 })]
    [InlineData(2.5, new[] { 4.0, 1, 3, 2 })]
    [InlineData(7, new[] { 7.0 })]
    public void TheMedianIsTheMiddle(double median, double[] values) => Assert.Equal(median, new SampleSet(values).Median);

    [Fact]
    public void TheExtremesAreTheLeastAndTheGreatest()
    {
        SampleSet samples = new([5, 1, 9]);
        Assert.Equal((1, 9, 3), (samples.Least, samples.Greatest, samples.Count));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(50, 10)]
    [InlineData(95, 19)]
    [InlineData(95.1, 20)]
    [InlineData(100, 20)]
    public void APercentileIsTheNearestRank(double percent, double expected) =>
        Assert.Equal(expected, new SampleSet(Enumerable.Range(1, 20).Select(value => (double)value)).Percentile(percent));

    [Fact]
    public void NoSamplesAreRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => new SampleSet([]));
}
