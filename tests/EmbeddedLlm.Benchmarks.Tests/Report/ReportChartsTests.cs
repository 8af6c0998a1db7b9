using System.Buffers.Binary;
using System.Xml.Linq;
using EmbeddedLlm.Benchmarks.Report;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Tests.Report;

public sealed class ReportChartsTests
{
    [Fact]
    public void ModelsHaveAPictureEachAndThisLibraryIsFirst()
    {
        Figure[] figures =
        [
            Sample.Figure with { Subject = "prefill", Contender = "bare loop" },
            Sample.Figure with { Subject = "prefill" },
            Sample.Figure with { Subject = "prefill", Model = "another" },
        ];

        BarChart[] charts = [.. ReportCharts.Of(figures).OfType<BarChart>()];

        Assert.Equal(["prefill-cpu-starter", "prefill-cpu-another"], charts.Select(chart => chart.FileName));
        Assert.Equal(["EmbeddedLlm", "bare loop"], charts[0].Series.Select(series => series.Name));
        Assert.Equal(new ChartPoint(100, 95, 105), charts[0].Series[0].Points[0]);
    }

    [Fact]
    public void CallersAreOnALineInTheirOrder()
    {
        Figure[] figures = [.. ((string[])["8 callers × 64 tokens", "1 caller × 64 tokens", "16 callers × 64 tokens"]).Select((name, index) => Sample.Figure with { Subject = "batching", Case = name, Value = 100 + index, Least = null, Greatest = null })];

        LineChart chart = Assert.Single(ReportCharts.Of(figures).OfType<LineChart>());

        Assert.Equal([1, 8, 16], chart.Xs);
        Assert.Equal([101, 100, 102], chart.Series.Single().Points.Select(point => point!.Value.Value));
    }

    [Fact]
    public void CasesThatDifferAfterTheLastCommaStandSideBySide()
    {
        Figure[] figures = [.. ((string[])["first token p50, alone", "first token p50, beside prompts of 512", "first token p95, alone"]).Select(name => Sample.Figure with { Subject = "latency", Case = name, Unit = FigureUnit.Milliseconds })];

        BarChart chart = Assert.Single(ReportCharts.Of(figures).OfType<BarChart>());

        Assert.Equal(["first token p50", "first token p95"], chart.Groups);
        Assert.Equal(["alone", "beside prompts of 512"], chart.Series.Select(series => series.Name));
        Assert.Null(chart.Series[1].Points[1]);
    }

    [Fact]
    public void SeveralDevicesHaveAPictureTogether()
    {
        Chart chart = ReportCharts.Of([Sample.Figure, Sample.Figure with { Device = "cuda" }]).Single(chart => chart.FileName == "speed");

        Assert.Equal(["cpu", "cuda"], Assert.IsType<BarChart>(chart).Series.Select(series => series.Name));
    }

    [Fact]
    public void AFileNameIsHarmlessWhateverTheModelIsCalled()
    {
        Chart chart = Assert.Single(ReportCharts.Of([Sample.Figure with { Model = "../../a b:c\0" }]));

        Assert.Equal("decode-cpu-..-..-a-b-c-", chart.FileName);
    }

    [Fact]
    public void NothingMeasuredGivesNoPictures() => Assert.Empty(ReportCharts.Of([]));

    public static TheoryData<string> Charts => ["bars", "bars, one value", "bars without ranges", "lines", "zeros"];

    [Theory]
    [MemberData(nameof(Charts))]
    public void AChartBecomesAnSvgAndAPngThatShowSomething(string kind)
    {
        ChartPoint?[] points = [new(1, 0.5, 2), null, new(3, 3, 3)];
        Chart chart = kind switch
        {
            "bars" => new BarChart("chart", "s", "A title, µs × ≥", "tok/s", ["a", "b", "a longer name with words"], [("one", points), ("two", points)], Line: 1),
            "bars, one value" => new BarChart("chart", "s", "A title", "tok/s", ["a"], [("", [new ChartPoint(5)])]),
            "bars without ranges" => new BarChart("chart", "s", "A title", "tok/s", ["a", "b"], [("one", [new ChartPoint(5), new ChartPoint(6)])]),
            "lines" => new LineChart("chart", "s", "A title", "tok/s", "callers", [1, 2, 4], [("one", points), ("two", points)]),
            _ => new BarChart("chart", "s", "A title", "tok/s", ["a"], [("one", [new ChartPoint(0, 0, 0)])]),
        };
        using TemporaryFolder folder = new();

        ChartRenderer.Save(chart, folder.Path);

        byte[] png = File.ReadAllBytes(folder.File("chart.png"));
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A], png[..8]);
        Assert.True(BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)) >= 1440 && BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20)) == 960);
        Assert.Equal("IEND"u8.ToArray(), png[^8..^4]);
        XElement svg = XDocument.Load(folder.File("chart.svg")).Root!;
        Assert.Equal("svg", svg.Name.LocalName);
        Assert.Contains(svg.Descendants(), element => element.Name.LocalName is "path" or "rect" && element.Attribute("fill")?.Value.Equals("#0072B2", StringComparison.OrdinalIgnoreCase) == true
            || element.Attribute("stroke")?.Value.Equals("#0072B2", StringComparison.OrdinalIgnoreCase) == true);
    }
}
