using System.Text;
using System.Text.Json;
using EmbeddedLlm.Benchmarks.Report;
using EmbeddedLlm.Benchmarks.Subjects;

namespace EmbeddedLlm.Benchmarks.Tests;

public sealed class MeasuringTests
{
    [Theory]
    [InlineData(new double[] { 3 }, 3, 3, 3)]
    [InlineData(new double[] { 5, 1, 3 }, 3, 1, 5)]
    [InlineData(new double[] { 4, 1, 2, 9 }, 3, 1, 9)]
    public void ASpreadHasTheMedianAndTheExtremes(double[] samples, double median, double least, double greatest) =>
        Assert.Equal(new Spread(median, least, greatest, samples.Length), Spread.Of(samples));

    [Theory]
    // How many of the samples lie below, from tables of the sign test at 5 %, two-sided.
    [InlineData(5, 0)]
    [InlineData(6, 0)]
    [InlineData(8, 0)]
    [InlineData(9, 1)]
    [InlineData(12, 2)]
    [InlineData(15, 3)]
    [InlineData(20, 5)]
    [InlineData(50, 17)]
    [InlineData(100, 39)]
    public void TheMedianLiesBetweenTwoOfTheSamples(int samples, int below)
    {
        Spread spread = Spread.Of(Enumerable.Range(0, samples).Select(i => (double)i));

        Assert.Equal((below, samples - 1 - below), (spread.Low, spread.High));
    }

    [Fact]
    public void ThousandsOfSamplesHaveBoundsToo()
    {
        Spread spread = Spread.Of(Enumerable.Range(0, 100_000).Select(i => (double)i));

        // 1.96 times the standard deviation, which is half the root of their number.
        Assert.InRange(spread.Low, 50_000 - 312, 50_000 - 308);
        Assert.InRange(spread.High, 50_000 + 308, 50_000 + 312);
    }

    [Fact]
    public void ASpreadOfTimesIsOneOfRatesTheOtherWayRound()
    {
        Spread times = Spread.Of([2.0, 4, 5, 8, 10, 16, 20, 25, 40]);

        Assert.Equal(new Spread(10, 2.5, 50, 9) { Low = 4, High = 25 }, times.Divide(100));
        Assert.Equal(times, times.Divide(100).Divide(100));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(50, 10)]
    [InlineData(95, 19)]
    [InlineData(95.1, 20)]
    [InlineData(100, 20)]
    public void APercentileIsTheNearestRank(double percentile, double expected) =>
        Assert.Equal(expected, new Percentiles(Enumerable.Range(1, 20).Reverse().Select(milliseconds => TimeSpan.FromMilliseconds(milliseconds)))[percentile]);

    [Fact]
    public void NoTimesHaveNoPercentiles() => Assert.True(double.IsNaN(new Percentiles([])[50]));

    [Fact]
    public void NoSamplesHaveNoSpread() => Assert.Throws<ArgumentException>(() => Spread.Of([]));

    [Theory]
    [InlineData(1_000, 9)]
    [InlineData(100_000, 5)]
    [InlineData(1, 301)]
    [InlineData(1_200, 7)]
    [InlineData(100, 81)]
    public void AsManySamplesAreTakenAsFitWithinBounds(double milliseconds, int count) =>
        Assert.Equal(count, SampleBudget.Thorough.CountFor(TimeSpan.FromMilliseconds(milliseconds)));

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void ExactlyAsManySamplesAreTakenAsWereAskedFor(int count) => Assert.Equal(count, SampleBudget.Exactly(count).CountFor(TimeSpan.FromSeconds(9)));

    [Fact]
    public async Task PairsTakeTurnsAndTheFirstIsNotCounted()
    {
        Turns turns = new();

        PairedResult result = await turns.RunAsync(3);

        Assert.Equal("CB BC CB BC", turns.Order);
        Assert.Equal(3, result.Pairs);
        Assert.Equal((10, 20, 2), (result.BareRate, result.ClientRate, result.Ratio));
    }

    [Theory]
    [InlineData(KvCacheType.F16, null, null)]
    [InlineData(KvCacheType.Q8_0, null, "KV cache Q8_0")]
    [InlineData(KvCacheType.Q4_0, true, "KV cache Q4_0, flash attention on")]
    [InlineData(KvCacheType.F16, false, "flash attention off")]
    public void SettingsThatMakeAnotherFigureAreNamed(KvCacheType type, bool? flash, string? differences) =>
        Assert.Equal(differences, new RunSettings { KvType = type, FlashAttention = flash }.Differences);

    public static TheoryData<string> BuiltInSchemas => [.. GrammarSubject.BuiltIn()];

    [Theory]
    [MemberData(nameof(BuiltInSchemas))]
    public void EachBuiltInSchemaAcceptsItsInstances(string line)
    {
        JsonElement schema = JsonElement.Parse(line);
        Grammar grammar = Grammar.FromJsonSchema(schema.GetProperty("schema"), new JsonSchemaGrammarOptions { AnyPropertyOrder = true });

        Assert.All(schema.GetProperty("tests").EnumerateArray(), test => Assert.True(grammar.Accepts(Encoding.UTF8.GetBytes(GrammarSubject.TextOf(test.GetProperty("data")))), test.GetRawText()));
    }

    [Fact]
    public void InstancesAreSpelledAsAModelWritesThem() =>
        Assert.Equal("""{"a": [1, 2.5, []], "b": {"c": "x, \"y\":z"}, "d": null}""", GrammarSubject.TextOf(JsonElement.Parse("""{"a":[1,2.5,[]],"b":{"c":"x, \"y\":z"},"d":null}""")));

    [Fact]
    public async Task ADeviceThatIsNotThereIsAnErrorThatSaysWhatToDo()
    {
        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(
            () => FiguresCommand.RunAsync(new RunSettings { Device = "cuda" }, [], TextWriter.Null, CancellationToken.None));

        Assert.Contains("-p:EmbeddedLlmGpu=cuda", failure.Message, StringComparison.Ordinal);
    }

    private sealed class Turns() : PairedMeasurement("turns")
    {
        public string Order { get; private set; } = "";

        protected override int Tokens => 1;

        protected override void Prepare(int pair) => Order += Order.Length == 0 ? "" : " ";

        protected override Task<double> BareAsync()
        {
            Order += "B";
            return Task.FromResult(10.0);
        }

        protected override Task<double> ClientAsync()
        {
            Order += "C";
            return Task.FromResult(20.0);
        }
    }
}
