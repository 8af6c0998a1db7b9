using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Report;

/// <summary>Measures some subjects and prints their tables: a report without files.</summary>
internal static class FiguresCommand
{
    /// <returns>0, or 1 where a subject failed.</returns>
    public static async Task<int> RunAsync(RunSettings settings, IReadOnlyList<ReportSubject> subjects, TextWriter output, CancellationToken cancellationToken)
    {
        settings.FindDevices();
        ReportRun run = new(settings, output);
        await run.MeasureAsync(subjects, cancellationToken);
        foreach (IGrouping<string, Figure> subject in run.Figures.GroupBy(figure => figure.Subject))
        {
            output.WriteLine();
            output.WriteLine(subject.Key);
            output.WriteLine();
            output.Write(FigureTable.Of([.. subject]));
        }

        if (run.Remarks.Count + run.Versions.Count > 0)
            output.WriteLine();
        foreach (string line in run.Versions.Select(version => $"{version.Key} {version.Value}").Concat(run.Remarks))
            output.WriteLine($"- {line}");
        return run.Failures > 0 ? 1 : 0;
    }
}
