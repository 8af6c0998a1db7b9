using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Tests.Results;

public sealed class ComparisonTests
{
    private const double Tolerance = 0.05;

    [Theory]
    [InlineData("tok/s", 100, 80, nameof(Verdict.Worse))]
    [InlineData("tok/s", 100, 120, nameof(Verdict.Better))]
    [InlineData("tok/s", 100, 96, nameof(Verdict.Same))]
    [InlineData("tok/s", 100, 95, nameof(Verdict.Same))]
    [InlineData("ms", 100, 120, nameof(Verdict.Worse))]
    [InlineData("ms", 100, 80, nameof(Verdict.Better))]
    [InlineData("ratio", 0.99, 0.90, nameof(Verdict.Worse))]
    [InlineData("B/token", 500, 600, nameof(Verdict.Worse))]
    [InlineData("MiB", 500, 400, nameof(Verdict.Better))]
    [InlineData("ms", 0, 1, nameof(Verdict.Worse))]
    public void AChangeBeyondTheToleranceIsBetterOrWorseAsTheUnitHasIt(string unit, double old, double now, string verdict)
    {
        FigureUnit of = Enum.GetValues<FigureUnit>().Single(one => one.Symbol() == unit);

        Assert.Equal(verdict, Judge(Alone(of, old), Alone(of, now)).ToString());
    }

    [Theory]
    // The new median is among the old samples, or the old among the new ones: noise.
    [InlineData(100, 60, 105, 80, 78, 82, nameof(Verdict.Same))]
    [InlineData(100, 98, 102, 80, 70, 101, nameof(Verdict.Same))]
    // Ranges that overlap, but neither holds the other's median.
    [InlineData(100, 85, 105, 80, 75, 90, nameof(Verdict.Worse))]
    [InlineData(100, 98, 102, 80, 78, 82, nameof(Verdict.Worse))]
    [InlineData(80, 78, 82, 100, 98, 102, nameof(Verdict.Better))]
    // Far apart for their spread, but within the tolerance.
    [InlineData(100, 99.9, 100.1, 97, 96.9, 97.1, nameof(Verdict.Same))]
    public void AChangeWithinTheSamplesIsNone(double old, double oldLeast, double oldGreatest, double now, double least, double greatest, string verdict)
    {
        Figure before = Sample.Figure with { Value = old, Least = oldLeast, Greatest = oldGreatest };
        Figure after = Sample.Figure with { Value = now, Least = least, Greatest = greatest };

        Assert.Equal(verdict, Judge(before, after).ToString());
    }

    [Fact]
    public void NewAndMissingFiguresAreNamed()
    {
        Figure stays = Sample.Figure, goes = Sample.Figure with { Case = "goes" }, comes = Sample.Figure with { Case = "comes" };

        IReadOnlyList<Change> changes = Comparison.Of([goes, stays], [comes, stays], Tolerance);

        Assert.Equal([(comes.Case, Verdict.New), (stays.Case, Verdict.Same), (goes.Case, Verdict.Missing)], changes.Select(change => (change.Figure.Case, change.Verdict)));
    }

    [Theory]
    [InlineData("subject")]
    [InlineData("case")]
    [InlineData("model")]
    [InlineData("device")]
    [InlineData("settings")]
    [InlineData("contender")]
    [InlineData("unit")]
    public void FiguresThatDifferInWhatWasMeasuredAreNotCompared(string member)
    {
        Figure other = member switch
        {
            "subject" => Sample.Figure with { Subject = "prefill" },
            "case" => Sample.Figure with { Case = "8 callers" },
            "model" => Sample.Figure with { Model = "another" },
            "device" => Sample.Figure with { Device = "cuda" },
            "settings" => Sample.Figure with { Settings = "KV cache Q8_0" },
            "contender" => Sample.Figure with { Contender = "bare loop" },
            _ => Sample.Figure with { Unit = FigureUnit.Ratio },
        };

        Assert.Equal([Verdict.New, Verdict.Missing], Comparison.Of([Sample.Figure], [other], Tolerance).Select(change => change.Verdict));
    }

    [Fact]
    public void AnotherNumberOfThreadsIsComparedWhereItIsTheOnlyDifference()
    {
        Change change = Assert.Single(Comparison.Of([Sample.Figure], [Sample.Figure with { Threads = 1, Value = 50, Least = 50, Greatest = 50 }], Tolerance));

        Assert.Equal(Verdict.Worse, change.Verdict);
        Assert.Equal(-0.5, change.Relative);
    }

    [Fact]
    public void ThreadsTellFiguresApartWhereThereAreSeveral()
    {
        Figure one = Sample.Figure with { Threads = 1 }, two = Sample.Figure, four = Sample.Figure with { Threads = 4 };

        IReadOnlyList<Change> changes = Comparison.Of([one, two], [one, four, Sample.Figure with { Threads = 8 }], Tolerance);

        Assert.Equal([Verdict.Same, Verdict.New, Verdict.New, Verdict.Missing], changes.Select(change => change.Verdict));
    }

    private static Figure Alone(FigureUnit unit, double value) => Sample.Figure with { Unit = unit, Value = value, Least = null, Greatest = null, Samples = 1 };

    private static Verdict Judge(Figure old, Figure now) => Assert.Single(Comparison.Of([old], [now], Tolerance)).Verdict;
}
