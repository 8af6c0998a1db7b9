using System.Globalization;
using System.Text;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Report;

/// <summary>Two files of results side by side: a gate against regressions.</summary>
internal static class CompareCommand
{
    public const int Worse = 1;
    public const int NotComparable = 2;

    /// <summary>Compares, and writes what changed as a table.</summary>
    /// <param name="oldPath">The file of before.</param>
    /// <param name="newPath">The file of now.</param>
    /// <param name="tolerance">See <see cref="Comparison.Of"/>.</param>
    /// <param name="acrossMachines">Whether to compare what two machines have measured.</param>
    /// <param name="output">Gets the table.</param>
    /// <param name="error">Gets what keeps the files from being compared.</param>
    /// <returns>0, or <see cref="Worse"/>, or <see cref="NotComparable"/>.</returns>
    public static int Run(string oldPath, string newPath, double tolerance, bool acrossMachines, TextWriter output, TextWriter error)
    {
        ResultFile old, now;
        try
        {
            old = ResultFile.Read(oldPath);
            now = ResultFile.Read(newPath);
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine(exception.Message);
            return NotComparable;
        }

        string[] differences = [.. Differences(old.Machine, now.Machine)];
        if (differences.Length > 0 && !acrossMachines)
        {
            error.WriteLine($"The machines differ: {string.Join("; ", differences)}. Their figures say nothing about the software; --across-machines compares them all the same.");
            return NotComparable;
        }

        foreach (string difference in differences)
            output.WriteLine($"The machines differ: {difference}.");
        foreach (string name in old.Versions.Keys.Union(now.Versions.Keys).Order(StringComparer.Ordinal))
        {
            string before = old.Versions.GetValueOrDefault(name, "-"), after = now.Versions.GetValueOrDefault(name, "-");
            if (before != after)
                output.WriteLine($"{name}: {before} → {after}");
        }

        IReadOnlyList<Change> changes = Comparison.Of(old.Figures, now.Figures, tolerance);
        if (changes.All(change => change.Verdict is Verdict.New or Verdict.Missing))
        {
            // A gate that lets through a run in which everything failed is none.
            error.WriteLine($"No figure is in both: of {old.Figures.Count} in the old file and {now.Figures.Count} in the new one, no two are of the same case, model, device and settings.");
            return NotComparable;
        }

        output.WriteLine();
        output.Write(Table(changes));
        output.WriteLine();
        output.WriteLine(Summary(changes, tolerance));
        return changes.Any(change => change.Verdict == Verdict.Worse) ? Worse : 0;
    }

    private static IEnumerable<string> Differences(Machine old, Machine now)
    {
        if (old.Processor != now.Processor)
            yield return $"processor {old.Processor} → {now.Processor}";
        if (old.Cores != now.Cores)
            yield return $"{old.Cores} cores → {now.Cores}";
        // Names without what was free at that moment.
        string[] before = [.. old.Gpus.Select(NameOf)], after = [.. now.Gpus.Select(NameOf)];
        if (!before.SequenceEqual(after))
            yield return $"GPUs {List(before)} → {List(after)}";

        static string NameOf(string gpu) => gpu.Split(',')[0];
        static string List(string[] names) => names.Length == 0 ? "none" : string.Join(" + ", names);
    }

    /// <summary>What changed, the worst first, then what is new or missing; what is the same is counted only.</summary>
    private static string Table(IReadOnlyList<Change> changes)
    {
        Change[] shown = [.. changes.Where(change => change.Verdict != Verdict.Same).OrderBy(change => change.Verdict switch
        {
            Verdict.Worse => 0,
            Verdict.Better => 1,
            Verdict.Missing => 2,
            _ => 3,
        })];
        if (shown.Length == 0)
            return "";
        StringBuilder table = new();
        FigureTable.AppendRow(table, ["", "subject", "model", "case", "who", "unit", "old", "new", "change"]);
        FigureTable.AppendRow(table, ["---", "---", "---", "---", "---", "---", "--:", "--:", "--:"]);
        foreach (Change change in shown)
        {
            Figure figure = change.Figure;
            FigureTable.AppendRow(
                table,
                [
                    change.Verdict.ToString().ToLowerInvariant(),
                    figure.Subject,
                    string.Join(", ", new[] { figure.Model, figure.Device, figure.Settings }.Where(part => part is not null)),
                    figure.Case,
                    figure.Contender,
                    figure.Unit.Symbol(),
                    change.Old?.FormatValue() ?? "-",
                    change.New?.FormatValue() ?? "-",
                    change.Relative is { } relative ? relative.ToString("+0.0 %;-0.0 %;0.0 %", CultureInfo.InvariantCulture) : "",
                ]);
        }

        return table.ToString();
    }

    private static string Summary(IReadOnlyList<Change> changes, double tolerance)
    {
        int Count(Verdict verdict) => changes.Count(change => change.Verdict == verdict);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Count(Verdict.Worse)} worse, {Count(Verdict.Better)} better, {Count(Verdict.Same)} the same within {tolerance:0.#%} or their spread, {Count(Verdict.New)} new, {Count(Verdict.Missing)} missing");
    }
}
