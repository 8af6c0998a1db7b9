using EmbeddedLlm.Benchmarks.Report;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Tests.Report;

public sealed class MarkdownReportTests
{
    [Fact]
    public void ARowHasTheFiguresOfAllContenders()
    {
        string table = FigureTable.Of(
        [
            Sample.Figure with { Contender = "bare loop" },
            Sample.Figure with { Value = 98 },
            Sample.Figure with { Unit = FigureUnit.Ratio, Value = 0.985, Least = 0.97, Greatest = 0.99, Target = 0.98, Remark = "0.99 by CPU time" },
        ]);

        Assert.Equal(
            """
            | model | threads | case | bare loop, tok/s | EmbeddedLlm, tok/s | EmbeddedLlm, ratio | remarks |
            | --- | --: | --- | --: | --: | --: | --- |
            | starter | 2 | 1 caller × 64 tokens | 100 (95.0–105) | 98.0 (95.0–105) | 0.985 (0.970–0.990) ✓ | 0.99 by CPU time |

            """.ReplaceLineEndings("\n"),
            table);
    }

    [Theory]
    [InlineData(0.985, 0.98, "ratio", "0.985 ✓")]
    [InlineData(0.97, 0.98, "ratio", "0.970 ✗ ≥ 0.98")]
    [InlineData(20, 20.0, "µs", "20.0 ✓")]
    [InlineData(600, 500.0, "µs", "600 ✗ ≤ 500")]
    [InlineData(1500, 1024.0, "B/token", "1,500 ✗ ≤ 1,024")]
    [InlineData(1500, null, "B/token", "1,500")]
    public void ATargetIsMarked(double value, double? target, string unit, string cell)
    {
        Figure figure = Sample.Figure with { Unit = Enum.GetValues<FigureUnit>().Single(one => one.Symbol() == unit), Value = value, Samples = 1, Target = target };

        Assert.Equal(cell, FigureTable.Cell(figure));
    }

    [Theory]
    [InlineData(0.9, 0.98, "ratio", "0.900 ✗ ≥ 0.98")]
    [InlineData(0.95, 0.98, "ratio", "0.950 ? ≥ 0.98")]
    [InlineData(0.97, 0.96, "ratio", "0.970 ✓")]
    [InlineData(21, 20.5, "µs", "21.0 ? ≤ 20.5")]
    [InlineData(31, 20.5, "µs", "31.0 ✗ ≤ 20.5")]
    public void ATargetThatIsMissedByLessThanTheSamplesCanTellIsMarkedSo(double value, double target, string unit, string cell)
    {
        double margin = unit == "ratio" ? 0.04 : 4;
        Figure figure = Sample.Figure with
        {
            Unit = Enum.GetValues<FigureUnit>().Single(one => one.Symbol() == unit),
            Value = value,
            Low = value - margin,
            High = value + margin,
            Least = null,
            Target = target,
        };

        Assert.Equal(cell, FigureTable.Cell(figure));
    }

    [Fact]
    public void MissedTargetsAreSummedUp()
    {
        Figure missed = Sample.Figure with { Unit = FigureUnit.Ratio, Value = 0.9, Least = 0.8, Greatest = 1, Low = 0.85, High = 0.95, Target = 0.98 };
        string page = MarkdownReport.Render(
            Sample.File(missed, missed with { Contender = "another", High = 0.99 }, Sample.Figure with { Unit = FigureUnit.BytesPerToken, Value = 500, Least = 1, Greatest = 600, Target = 1024 }), []);

        Assert.Contains("1 of 3 targets are met. Those that are not are below; ✗ marks 1 that are missed for certain, ? 1 by less", page, StringComparison.Ordinal);
        Assert.Contains("| decode | starter | 1 caller × 64 tokens | EmbeddedLlm | 0.900 (0.800–1.000) ratio ✗ | ≥ 0.98 | 0.850–0.950 |", page, StringComparison.Ordinal);
        Assert.Contains("| another | 0.900 (0.800–1.000) ratio ? | ≥ 0.98 | 0.850–0.990 |", page, StringComparison.Ordinal);
    }

    [Fact]
    public void APageNamesMachineVersionsRemarksAndCharts()
    {
        ResultFile results = Sample.File(Sample.Figure) with { Machine = new Machine("A processor", 2, 8L << 30, "A system", ["A card (CUDA0), 24 GiB"]) };

        string page = MarkdownReport.Render(results, ReportCharts.Of(results.Figures));

        foreach (string part in (string[])["2026-01-02 03:04 UTC", "A processor, 2 logical cores", "8.0 GiB", "A card (CUDA0), 24 GiB", "| EmbeddedLlm | 0.1.0 |", "- It was quiet.", "## Decode", "(decode-cpu-starter.svg)"])
            Assert.Contains(part, page, StringComparison.Ordinal);
    }

    [Fact]
    public void TextOfAFileStaysInItsCell()
    {
        string table = FigureTable.Of([Sample.Figure with { Model = "a | b\n| c <script>", Case = "`x`" }]);

        Assert.Equal(3, table.Count(character => character == '\n'));
        Assert.Contains(@"| a \| b \| c \<script\> | 2 | \`x\` |", table, StringComparison.Ordinal);
    }

    [Fact]
    public void TextOfAFileIsNoMarkUpOnThePage()
    {
        ResultFile results = Sample.File(Sample.Figure with { Subject = "prefill", Model = "a](https://example.org)" }, Sample.Figure with { Subject = "x <i>\n# y" }) with
        {
            Remarks = ["The client answers '<|im_end|>'.\n## Not a heading"],
        };

        string page = MarkdownReport.Render(results, ReportCharts.Of(results.Figures));

        Assert.Contains(@"- The client answers '\<\|im\_end\|\>'. ## Not a heading" + "\n", page, StringComparison.Ordinal);
        Assert.Contains(@"## X \<i\> # y" + "\n", page, StringComparison.Ordinal);
        Assert.Contains(@"(a\](https://example.org), cpu)](prefill-cpu-a--https---example.org-.svg)", page, StringComparison.Ordinal);
    }

    [Fact]
    public void TheDateIsUniversalTime()
    {
        ResultFile results = Sample.File(Sample.Figure) with { Date = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(5)) };

        Assert.Contains("| 2026-01-01 22:04 UTC |", MarkdownReport.Render(results, []), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ratio", 0.98765, "0.988")]
    [InlineData("tok/s", 12345.6, "12,346")]
    [InlineData("tok/s", 99.94, "99.9")]
    [InlineData("ms", 1.234, "1.23")]
    [InlineData("µs", 0.1, "0.10")]
    public void NumbersHaveAsManyDigitsAsTheyAreWorth(string unit, double value, string text) =>
        Assert.Equal(text, Enum.GetValues<FigureUnit>().Single(one => one.Symbol() == unit).Format(value));
}
