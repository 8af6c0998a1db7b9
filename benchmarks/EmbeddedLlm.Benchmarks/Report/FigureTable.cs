using System.Text;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Report;

/// <summary>Figures as Markdown tables: a row for each case, a column for what each contender was measured in.</summary>
internal static class FigureTable
{
    public const string Missed = "✗";
    public const string Met = "✓";

    /// <summary>Missed by less than the samples can tell.</summary>
    public const string Open = "?";

    /// <summary>One table for figures of one subject.</summary>
    public static string Of(IReadOnlyCollection<Figure> figures)
    {
        (string Contender, FigureUnit Unit)[] columns = [.. figures.Select(figure => (figure.Contender, figure.Unit)).Distinct()];
        var rows = figures.GroupBy(figure => (figure.Model, figure.Device, figure.Threads, figure.Settings, figure.Case)).ToArray();
        bool hasModels = figures.Any(figure => figure.Model is not null), hasThreads = figures.Any(figure => figure.Threads is not null);
        bool hasDevices = figures.Select(figure => figure.Device).Distinct().Count() > 1, hasSettings = figures.Any(figure => figure.Settings is not null);
        bool hasRemarks = figures.Any(figure => figure.Remark is not null);

        StringBuilder table = new();
        AppendRow(table, [.. Leading("model", "device", "threads", "settings"), "case", .. columns.Select(column => $"{column.Contender}, {column.Unit.Symbol()}"), .. Remarks("remarks")]);
        AppendRow(table, [.. Leading("---", "---", "--:", "---"), "---", .. columns.Select(_ => "--:"), .. Remarks("---")]);
        foreach (var row in rows)
        {
            AppendRow(
                table,
                [
                    .. Leading(row.Key.Model ?? "", row.Key.Device, row.Key.Threads?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "", row.Key.Settings ?? ""),
                    row.Key.Case,
                    .. columns.Select(column => string.Join("; ", row.Where(figure => (figure.Contender, figure.Unit) == column).Select(Cell))),
                    .. Remarks(string.Join("; ", row.Select(figure => figure.Remark).OfType<string>().Distinct())),
                ]);
        }

        return table.ToString();

        IEnumerable<string> Leading(string model, string device, string threads, string settings)
        {
            if (hasModels)
                yield return model;
            if (hasDevices)
                yield return device;
            if (hasThreads)
                yield return threads;
            if (hasSettings)
                yield return settings;
        }

        IEnumerable<string> Remarks(string text) => hasRemarks ? [text] : [];
    }

    /// <summary>Whether a target is missed for certain.</summary>
    public static string MarkOfMissed(Figure figure) => figure.MayMeetTarget ? Open : Missed;

    /// <summary>The figure with its range, and whether its target is met.</summary>
    public static string Cell(Figure figure) => figure switch
    {
        { Target: null } => figure.FormatValue(),
        { MissesTarget: true } => $"{figure.FormatValue()} {MarkOfMissed(figure)} {figure.FormatTarget()}",
        _ => $"{figure.FormatValue()} {Met}",
    };

    public static void AppendRow(StringBuilder table, IEnumerable<string> cells)
    {
        foreach (string cell in cells)
            table.Append("| ").Append(Escape(cell)).Append(' ');
        table.Append("|\n");
    }

    /// <summary>A file of results may say anything: on a page it stays on its line and in its cell, and is no mark-up.</summary>
    public static string Escape(string text)
    {
        StringBuilder escaped = new(text.Length);
        foreach (char character in text)
        {
            if (char.IsControl(character))
                escaped.Append(' ');
            else if (character is '|' or '<' or '>' or '[' or ']' or '`' or '*' or '_' or '\\')
                escaped.Append('\\').Append(character);
            else
                escaped.Append(character);
        }

        return escaped.ToString();
    }
}
