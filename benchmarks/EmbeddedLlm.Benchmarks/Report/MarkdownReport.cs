using System.Globalization;
using System.Text;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Report;

/// <summary>A file of results as a page to read.</summary>
internal static class MarkdownReport
{
    /// <summary>Renders the page.</summary>
    /// <param name="results">What was measured.</param>
    /// <param name="charts">The charts that lie beside the page, as SVG files of their names.</param>
    public static string Render(ResultFile results, IReadOnlyList<Chart> charts)
    {
        StringBuilder page = new();
        page.Append("# What EmbeddedLlm does on this machine\n\n");
        AppendMachine(page, results);
        AppendTargets(page, results.Figures);
        foreach (IGrouping<string, Figure> subject in results.Figures.GroupBy(figure => figure.Subject))
        {
            page.Append(CultureInfo.InvariantCulture, $"\n## {Title(subject.Key)}\n\n");
            foreach (Chart chart in charts.Where(chart => chart.Subject == subject.Key))
                page.Append(CultureInfo.InvariantCulture, $"![{FigureTable.Escape(chart.Title)}]({chart.FileName}.svg)\n\n");
            page.Append(FigureTable.Of([.. subject]));
        }

        page.Append(CultureInfo.InvariantCulture, $"\nValues are medians, with the least and the greatest sample where there are several. {FigureTable.Met} a target is met, {FigureTable.Missed} it is missed, {FigureTable.Open} the median misses it, but lies so near that as many samples more may well have met it. A ratio is the median of pairs of runs, one right after the other; 'bare loop' is llama\\_decode and argmax ")
            .Append("on the same file with the same libraries. results.json has the same figures for 'compare'.\n");
        return page.ToString();
    }

    private static void AppendMachine(StringBuilder page, ResultFile results)
    {
        FigureTable.AppendRow(page, ["", ""]);
        FigureTable.AppendRow(page, ["---", "---"]);
        FigureTable.AppendRow(page, ["date", results.Date.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)]);
        FigureTable.AppendRow(page, ["processor", string.Create(CultureInfo.InvariantCulture, $"{results.Machine.Processor}, {results.Machine.Cores} logical cores")]);
        FigureTable.AppendRow(page, ["memory", string.Create(CultureInfo.InvariantCulture, $"{results.Machine.MemoryBytes / (double)(1 << 30):N1} GiB")]);
        foreach (string gpu in results.Machine.Gpus)
            FigureTable.AppendRow(page, ["GPU", gpu]);
        FigureTable.AppendRow(page, ["system", results.Machine.OperatingSystem]);
        foreach ((string name, string version) in results.Versions)
            FigureTable.AppendRow(page, [name, version]);
        if (results.Command is not null)
            FigureTable.AppendRow(page, ["command", results.Command]);
        if (results.Remarks.Count > 0)
            page.Append('\n');
        foreach (string remark in results.Remarks)
            page.Append(CultureInfo.InvariantCulture, $"- {FigureTable.Escape(remark)}\n");
    }

    private static void AppendTargets(StringBuilder page, IReadOnlyList<Figure> figures)
    {
        Figure[] aimed = [.. figures.Where(figure => figure.Target is not null)];
        Figure[] missed = [.. aimed.Where(figure => figure.MissesTarget)];
        page.Append("\n## Targets\n\n");
        if (aimed.Length == 0)
        {
            page.Append("Nothing was measured that has a target.\n");
            return;
        }

        page.Append(CultureInfo.InvariantCulture, $"{aimed.Length - missed.Length} of {aimed.Length} targets are met.");
        if (missed.Length == 0)
        {
            page.Append('\n');
            return;
        }

        int open = missed.Count(figure => figure.MayMeetTarget);
        page.Append(CultureInfo.InvariantCulture, $" Those that are not are below; {FigureTable.Missed} marks {missed.Length - open} that are missed for certain, {FigureTable.Open} {open} by less than the samples can tell.\n\n");
        FigureTable.AppendRow(page, ["subject", "model", "case", "who", "measured", "target", "median between, 95 %"]);
        FigureTable.AppendRow(page, ["---", "---", "---", "---", "--:", "--:", "--:"]);
        foreach (Figure figure in missed)
            FigureTable.AppendRow(page, [figure.Subject, figure.Model ?? "", figure.Case, figure.Contender, $"{figure.FormatValue()} {figure.Unit.Symbol()} {FigureTable.MarkOfMissed(figure)}", figure.FormatTarget(), figure.FormatBounds()]);
    }

    private static string Title(string subject)
    {
        string words = FigureTable.Escape(subject).Replace('-', ' ');
        return words.Length == 0 ? words : char.ToUpperInvariant(words[0]) + words[1..];
    }
}
