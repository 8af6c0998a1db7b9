using System.Runtime.CompilerServices;
using EmbeddedLlm.Benchmarks.Report;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Tests.Report;

public sealed class ReportRunTests
{
    private static readonly RunSettings TwoModels = new() { Models = ["one", "two"] };

    [Fact]
    public async Task AFailureCostsTheFiguresOfOneModelOnly()
    {
        ReportRun run = new(TwoModels, TextWriter.Null);

        await run.MeasureAsync([new ReportSubject("broken", "", MeasureAsync)], CancellationToken.None);

        Assert.Equal([("one", "before"), ("two", "before"), ("two", "after")], run.Figures.Select(figure => (figure.Model, figure.Case)));
        Assert.Equal(1, run.Failures);
        Assert.Equal(["broken, one: No such thing."], run.Remarks);

        static async IAsyncEnumerable<Figure> MeasureAsync(RunSettings settings, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Yield();
            string model = Assert.Single(settings.Models);
            yield return Sample.Figure with { Model = model, Case = "before" };
            if (model == "one")
                throw new NotSupportedException("No such thing.");
            yield return Sample.Figure with { Model = model, Case = "after" };
        }
    }

    [Fact]
    public async Task WhatIsNoNumberBecomesARemark()
    {
        ReportRun run = new(TwoModels, TextWriter.Null);

        await run.MeasureAsync([new ReportSubject("s", "", _ => [Sample.Figure with { Value = double.NaN }]) { IsPerModel = false }], CancellationToken.None);

        Assert.Empty(run.Figures);
        Assert.Contains("NaN", Assert.Single(run.Remarks), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatIsMeasuredTwiceCountsOnce()
    {
        ReportRun run = new(TwoModels, TextWriter.Null);

        await run.MeasureAsync([new ReportSubject("s", "", _ => [Sample.Figure, Sample.Figure with { Value = 99 }]) { IsPerModel = false }], CancellationToken.None);

        Assert.Equal(Sample.Figure, Assert.Single(run.Figures));
        Assert.Contains("twice", Assert.Single(run.Remarks), StringComparison.Ordinal);
    }

    [Fact]
    public async Task EachSubjectOfEachModelIsToldOf()
    {
        ReportRun run = new(TwoModels, TextWriter.Null);
        List<int> figures = [];

        await run.MeasureAsync([new ReportSubject("s", "", settings => [Sample.Figure with { Model = settings.Models[0] }])], CancellationToken.None, () => figures.Add(run.Figures.Count));

        Assert.Equal([1, 2], figures);
    }

    [Fact]
    public async Task AStoppedRunKeepsWhatItHas()
    {
        using CancellationTokenSource stop = new();
        ReportRun run = new(TwoModels, TextWriter.Null);

        await Assert.ThrowsAsync<OperationCanceledException>(() => run.MeasureAsync([new ReportSubject("s", "", MeasureAsync)], stop.Token));

        Assert.Single(run.Figures);
        Assert.Equal(0, run.Failures);

        async IAsyncEnumerable<Figure> MeasureAsync(RunSettings settings, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            yield return Sample.Figure;
            await stop.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    [Fact]
    public void AQuickRunLeavesOutWhatTakesLongUnlessItIsNamed()
    {
        Assert.DoesNotContain(ReportSubjects.Choose([], isQuick: true), subject => subject.Name == ReportSubjects.Neighbours);
        Assert.Contains(ReportSubjects.Choose([], isQuick: false), subject => subject.Name == ReportSubjects.Neighbours);
        Assert.Equal([ReportSubjects.Decode, ReportSubjects.Neighbours], ReportSubjects.Choose([ReportSubjects.Neighbours, ReportSubjects.Decode], isQuick: true).Select(subject => subject.Name));
    }
}
