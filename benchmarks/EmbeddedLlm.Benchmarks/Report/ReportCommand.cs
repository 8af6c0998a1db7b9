using System.Diagnostics;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Report;

/// <summary>Measures a machine, and writes a page, charts, and a file to compare with the next.</summary>
internal static class ReportCommand
{
    public const string PageName = "report.md";
    public const string ResultsName = "results.json";

    private const int Failed = 1;

    /// <summary>Measures the subjects, and writes all into a folder.</summary>
    /// <param name="settings">How to measure.</param>
    /// <param name="subjects">What to measure.</param>
    /// <param name="folder">Where to write; it is made where it is missing.</param>
    /// <param name="command">The command as it was typed, for the reader.</param>
    /// <param name="output">Gets what is going on.</param>
    /// <param name="cancellationToken">Stops it; what was measured until then is written.</param>
    /// <returns>0, or 1 where a subject failed.</returns>
    public static async Task<int> RunAsync(
        RunSettings settings, IReadOnlyList<ReportSubject> subjects, string folder, string? command, TextWriter output, CancellationToken cancellationToken)
    {
        settings.FindDevices();
        Directory.CreateDirectory(folder);
        ReportRun run = new(settings, output);
        if (settings.IsQuick)
            run.Remark("This was a quick run: few cases and few samples, so differences of some percent mean nothing. Run it without --quick for figures to quote.");
        if (Debugger.IsAttached || IsDebugBuild)
            run.Remark("This was a build without optimisations: the client's figures are worth nothing.");
        long start = Stopwatch.GetTimestamp();
        bool isStopped = false;
        try
        {
            if (await MachineProbe.FindNoiseAsync(cancellationToken) is { } noise)
                run.Remark(noise);
            await run.MeasureAsync(subjects, cancellationToken, () => WriteMeanwhile(folder, run, command));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            isStopped = true;
            run.Remark("The run was stopped before its end.");
        }

        run.Remark(FormattableString.Invariant($"It took {Stopwatch.GetElapsedTime(start).TotalMinutes:F1} minutes."));
        Write(folder, run, command);
        output.WriteLine();
        output.WriteLine($"{run.Figures.Count(figure => figure.MissesTarget)} of {run.Figures.Count(figure => figure.Target is not null)} targets are missed, {run.Figures.Count(figure => figure.MayMeetTarget)} of them by less than the samples can tell ({FigureTable.Open}).");
        output.WriteLine($"The report is {Path.Combine(folder, PageName)}; {ResultsName} beside it is for 'compare'.");
        return run.Failures > 0 || isStopped ? Failed : 0;
    }

#if DEBUG
    private static bool IsDebugBuild => true;
#else
    private static bool IsDebugBuild => false;
#endif

    private static void Write(string folder, ReportRun run, string? command)
    {
        ResultFile results = ResultsOf(run, command);
        // First what cannot be had again.
        results.Write(Path.Combine(folder, ResultsName));
        Write(folder, results);
    }

    /// <summary>Saves what there is so far: native code that fails takes the process with it, and a machine that is lent is taken back.</summary>
    private static void WriteMeanwhile(string folder, ReportRun run, string? command)
    {
        ResultFile results = ResultsOf(run, command);
        try
        {
            (results with { Remarks = [.. results.Remarks, "The run did not come to its end."] }).Write(Path.Combine(folder, ResultsName));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // At the end it is written again, and said where that fails too.
        }
    }

    private static ResultFile ResultsOf(ReportRun run, string? command) => new()
    {
        Date = DateTimeOffset.UtcNow,
        Machine = MachineProbe.Read(),
        Versions = MachineProbe.Versions().Concat(run.Versions).DistinctBy(version => version.Key).ToDictionary(),
        Command = command,
        Remarks = run.Remarks,
        Figures = run.Figures,
    };

    /// <summary>Makes the page and the charts of files of results, say those of one machine's CPU and GPU.</summary>
    /// <returns>0, or 2 where the files cannot be put together.</returns>
    public static int Render(IReadOnlyList<string> files, string folder, TextWriter error)
    {
        try
        {
            ResultFile[] all = [.. files.Select(ResultFile.Read)];
            string[] commands = [.. all.Select(file => file.Command).OfType<string>().Distinct()];
            ResultFile whole = all[^1] with
            {
                // One run may have had a backend that another had not.
                Machine = all[^1].Machine with { Gpus = [.. all.SelectMany(file => file.Machine.Gpus).Distinct()] },
                Versions = all.SelectMany(file => file.Versions).GroupBy(version => version.Key, version => version.Value)
                    .ToDictionary(version => version.Key, version => string.Join("; ", version.Distinct())),
                Command = commands.Length == 0 ? null : string.Join("; ", commands),
                Remarks = [.. all.SelectMany(file => file.Remarks).Distinct()],
                Figures = [.. all.SelectMany(file => file.Figures)],
            };
            if (all.Select(file => (file.Machine.Processor, file.Machine.Cores)).Distinct().Count() > 1)
                throw new InvalidDataException("The files are of different machines.");
            Directory.CreateDirectory(folder);
            whole.Write(Path.Combine(folder, ResultsName));
            Write(folder, whole);
            return 0;
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            error.WriteLine(exception.Message);
            return 2;
        }
    }

    /// <summary>Writes the page and the charts of results.</summary>
    public static void Write(string folder, ResultFile results)
    {
        IReadOnlyList<Chart> charts = ReportCharts.Of(results.Figures);
        foreach (Chart chart in charts)
            ChartRenderer.Save(chart, folder);
        File.WriteAllText(Path.Combine(folder, PageName), MarkdownReport.Render(results, charts));
    }
}
