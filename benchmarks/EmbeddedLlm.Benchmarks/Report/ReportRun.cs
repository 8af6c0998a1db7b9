using System.Diagnostics;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Report;

/// <summary>Measures subjects one after the other. One that fails costs its own figures only.</summary>
/// <param name="settings">The run's.</param>
/// <param name="output">Gets a line for each figure as it comes.</param>
internal sealed class ReportRun(RunSettings settings, TextWriter output)
{
    private readonly List<Figure> _figures = [];
    private readonly HashSet<string> _keys = [];
    private readonly List<string> _remarks = [];

    public IReadOnlyList<Figure> Figures => _figures;

    /// <summary>What went wrong, and what else a reader must know.</summary>
    public IReadOnlyList<string> Remarks => [.. _remarks, .. settings.Notes.Remarks];

    /// <summary>The versions of the programs that were measured beside the library.</summary>
    public IReadOnlyDictionary<string, string> Versions => settings.Notes.Versions;

    /// <summary>How many subjects failed.</summary>
    public int Failures { get; private set; }

    /// <param name="subjects">What to measure.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <param name="measured">Called after each subject of each model.</param>
    /// <exception cref="OperationCanceledException">It was stopped; what was measured until then is there.</exception>
    public async Task MeasureAsync(IEnumerable<ReportSubject> subjects, CancellationToken cancellationToken, Action? measured = null)
    {
        foreach (ReportSubject subject in subjects)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // One model after the other: where one cannot do something, such as chat, the others can.
            foreach (RunSettings one in subject.IsPerModel ? settings.Models.Select(model => settings with { Models = [model] }) : [settings])
            {
                await MeasureAsync(subject, one, cancellationToken);
                measured?.Invoke();
            }
        }
    }

    public void Remark(string remark) => _remarks.Add(remark);

    private async Task MeasureAsync(ReportSubject subject, RunSettings one, CancellationToken cancellationToken)
    {
        string what = subject.IsPerModel ? $"{subject.Name}, {one.Models[0]}" : subject.Name;
        output.WriteLine($"{what}:");
        long start = Stopwatch.GetTimestamp();
        try
        {
            await foreach (Figure figure in subject.Measure(one, cancellationToken).WithCancellation(cancellationToken))
                Add(figure);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            Failures++;
            _remarks.Add($"{what}: {exception.Message}");
            output.WriteLine($"  failed: {exception.Message}");
        }

        output.WriteLine(FormattableString.Invariant($"  in {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s"));
    }

    private void Add(Figure figure)
    {
        if (!double.IsFinite(figure.Value))
        {
            _remarks.Add($"{figure.Key} was {figure.Value}.");
            return;
        }

        // A file that has two of them would be refused, with all that was measured.
        if (!_keys.Add(figure.Key))
        {
            _remarks.Add($"{figure.Key} was measured twice; the first counts.");
            return;
        }

        _figures.Add(figure);
        output.WriteLine($"  {figure.Case}, {figure.Contender}: {figure.FormatValue()} {figure.Unit.Symbol()}{(figure.MissesTarget ? $" {FigureTable.MarkOfMissed(figure)} {figure.FormatTarget()}" : "")}");
    }
}
