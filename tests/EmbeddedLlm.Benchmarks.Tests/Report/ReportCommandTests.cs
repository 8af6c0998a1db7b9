using EmbeddedLlm.Benchmarks.Report;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Tests.Report;

public sealed class ReportCommandTests
{
    /// <summary>All but those that publish an application, or take as long as they take.</summary>
    private static readonly string[] Subjects =
        [.. ReportSubjects.All.Select(subject => subject.Name).Except([ReportSubjects.ColdStart, ReportSubjects.Neighbours, ReportSubjects.Latency, ReportSubjects.Grammar])];

    [Fact]
    public async Task OneCommandMeasuresTheStarterAndWritesAllOfIt()
    {
        using TemporaryFolder folder = new();
        StringWriter output = new();
        RunSettings settings = new() { Models = [BenchmarkFiles.Starter], IsQuick = true, Budget = SampleBudget.Exactly(1), Callers = [1, 2], Threads = 1 };

        int code = await ReportCommand.RunAsync(settings, ReportSubjects.Choose(Subjects, isQuick: true), folder.Path, "report", output, TestContext.Current.CancellationToken);

        Assert.True(code == 0, output.ToString());
        ResultFile results = ResultFile.Read(folder.File(ReportCommand.ResultsName));
        Assert.Equal(Subjects, results.Figures.Select(figure => figure.Subject).Distinct());
        Assert.All(results.Figures, figure => Assert.True(figure.Value > 0 || figure.Unit == FigureUnit.Mebibytes, figure.Key));
        Assert.Contains(results.Remarks, remark => remark.StartsWith("This was a quick run", StringComparison.Ordinal));
        string page = await File.ReadAllTextAsync(folder.File(ReportCommand.PageName), TestContext.Current.CancellationToken);
        string[] charts = [.. ReportCharts.Of(results.Figures).Select(chart => chart.FileName)];
        Assert.Contains("batching-cpu-starter", charts);
        Assert.All(charts, chart => Assert.True(page.Contains($"({chart}.svg)", StringComparison.Ordinal) && File.Exists(folder.File($"{chart}.svg")) && File.Exists(folder.File($"{chart}.png")), chart));
    }

    [Fact]
    public void FilesOfOneMachineBecomeOnePage()
    {
        using TemporaryFolder folder = new();
        Sample.File(Sample.Figure).Write(folder.File("cpu.json"));
        Sample.File(Sample.Figure with { Device = "cuda", Value = 1000, Greatest = 1001 }).Write(folder.File("cuda.json"));

        Assert.Equal(0, ReportCommand.Render([folder.File("cpu.json"), folder.File("cuda.json")], folder.File("both"), TextWriter.Null));

        Assert.Equal(2, ResultFile.Read(folder.File("both/results.json")).Figures.Count);
        Assert.True(File.Exists(folder.File("both/speed.png")));
    }

    [Fact]
    public async Task WhatWasMeasuredIsSavedBeforeTheEnd()
    {
        using TemporaryFolder folder = new();
        string results = folder.File(ReportCommand.ResultsName);
        ResultFile? meanwhile = null;
        ReportSubject first = new("first", "", _ => [Sample.Figure]) { IsPerModel = false };
        ReportSubject second = new("second", "", _ =>
        {
            meanwhile = ResultFile.Read(results);
            return [];
        }) { IsPerModel = false };

        await ReportCommand.RunAsync(new RunSettings(), [first, second], folder.Path, "report", TextWriter.Null, TestContext.Current.CancellationToken);

        Assert.Equal(Sample.Figure, Assert.Single(meanwhile!.Figures));
        Assert.Contains("The run did not come to its end.", meanwhile.Remarks);
        Assert.DoesNotContain("The run did not come to its end.", ResultFile.Read(results).Remarks);
    }

    [Fact]
    public void APageOfSeveralRunsKeepsWhatTheyDifferIn()
    {
        using TemporaryFolder folder = new();
        ResultFile cpu = Sample.File(Sample.Figure) with { Command = null };
        ResultFile cuda = Sample.File(Sample.Figure with { Device = "cuda" }) with { Command = null, Versions = new Dictionary<string, string> { ["EmbeddedLlm"] = "0.2.0", [".NET"] = "10.0.0" } };
        cpu.Write(folder.File("cpu.json"));
        (cuda with { Machine = cuda.Machine with { Gpus = ["A card (CUDA0), 24 GiB"] } }).Write(folder.File("cuda.json"));

        Assert.Equal(0, ReportCommand.Render([folder.File("cuda.json"), folder.File("cpu.json")], folder.File("both"), TextWriter.Null));

        ResultFile both = ResultFile.Read(folder.File("both/results.json"));
        Assert.Equal(["A card (CUDA0), 24 GiB"], both.Machine.Gpus);
        Assert.Equal("0.2.0; 0.1.0", both.Versions["EmbeddedLlm"]);
        Assert.Equal("10.0.0", both.Versions[".NET"]);
        Assert.Null(both.Command);
    }

    [Fact]
    public void FilesThatDoNotGoTogetherAreRefused()
    {
        using TemporaryFolder folder = new();
        ResultFile one = Sample.File(Sample.Figure);
        one.Write(folder.File("one.json"));
        (one with { Machine = one.Machine with { Cores = 64 }, Figures = [] }).Write(folder.File("other.json"));
        StringWriter error = new();

        Assert.Equal(2, ReportCommand.Render([folder.File("one.json"), folder.File("one.json")], folder.File("out"), error));
        Assert.Equal(2, ReportCommand.Render([folder.File("one.json"), folder.File("other.json")], folder.File("out"), error));
        Assert.Contains("twice", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("different machines", error.ToString(), StringComparison.Ordinal);
    }
}
