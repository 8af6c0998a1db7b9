using System.Globalization;
using System.Text;
using EmbeddedLlm.Benchmarks.Results;
using EmbeddedLlm.Benchmarks.Subjects;

namespace EmbeddedLlm.Benchmarks.Report;

/// <summary>Which pictures a report has: those for which there are figures.</summary>
internal static class ReportCharts
{
    public static IReadOnlyList<Chart> Of(IReadOnlyCollection<Figure> figures) =>
    [
        .. Overview(figures),
        .. Bars(figures, ReportSubjects.Prefill, FigureUnit.TokensPerSecond, "Prefill: tokens of a prompt per second"),
        .. Bars(figures, ReportSubjects.Decode, FigureUnit.TokensPerSecond, "Decode: tokens of answers per second"),
        .. Callers(figures),
        .. Bars(figures.Where(figure => !figure.Case.Contains("long prompts", StringComparison.Ordinal)), ReportSubjects.Latency, FigureUnit.Milliseconds, "Latency of 4 callers with short prompts"),
        .. Ratios(figures, ReportSubjects.StructuredOutput, "Structured output beside free text"),
        .. Bars(figures, ReportSubjects.PrefixReuse, FigureUnit.Milliseconds, "Time to the first token of a chat's turns"),
        .. Bars(figures, ReportSubjects.Memory, FigureUnit.Mebibytes, "Memory, planned and taken"),
        .. Bars(figures, Peers, FigureUnit.TokensPerSecond, "Peers on the same model and machine"),
    ];

    /// <summary>The subject of figures that put other libraries beside this one.</summary>
    public const string Peers = "peers";

    /// <summary>One picture a model: models differ by more than one axis can show.</summary>
    private static IEnumerable<Chart> Bars(IEnumerable<Figure> figures, string subject, FigureUnit unit, string title)
    {
        foreach (var model in figures.Where(figure => figure.Subject == subject && figure.Unit == unit).GroupBy(figure => (figure.Model, figure.Device)))
        {
            Func<Figure, (string Group, string Series)> place = model.Select(figure => figure.Contender).Distinct().Count() == 1 ? SplitCase : figure => (figure.Case, figure.Contender);
            // A bar beside each of the others, or none beside any: gaps would only take room.
            if (model.GroupBy(figure => figure.Case).All(one => one.Count() == 1) && model.Select(place).GroupBy(where => where.Group).All(one => one.Count() == 1))
                place = figure => (figure.Case, "");
            yield return BarsOf(model, place, FileName(subject, model.Key.Model, model.Key.Device), subject, Title(title, model.Key.Model, model.Key.Device), unit.Symbol());
        }
    }

    /// <summary>What one caller gets from each model on each device, where there are several.</summary>
    private static IEnumerable<Chart> Overview(IEnumerable<Figure> figures)
    {
        Figure[] speeds =
        [
            .. figures.Where(figure => figure is { Subject: ReportSubjects.Decode, Unit: FigureUnit.TokensPerSecond, Contender: FigureMaker.Client })
                .GroupBy(figure => (figure.Model, figure.Device, figure.Settings))
                .Select(one => one.First()),
        ];
        if (speeds.Length > 1)
            yield return BarsOf(speeds, figure => (figure.Model ?? "", Device(figure)), "speed", ReportSubjects.Decode, "Decode of one caller, by model and device", FigureUnit.TokensPerSecond.Symbol());

        static string Device(Figure figure) => figure.Settings is null ? figure.Device : $"{figure.Device}, {figure.Settings}";
    }

    /// <summary>The part of a case after its last comma tells the bars of a group apart, as in <c>history of 512, second turn</c>.</summary>
    private static (string Group, string Series) SplitCase(Figure figure) =>
        figure.Case.LastIndexOf(", ", StringComparison.Ordinal) is > 0 and int comma ? (figure.Case[..comma], figure.Case[(comma + 2)..]) : (figure.Case, "");

    private static BarChart BarsOf(IEnumerable<Figure> figures, Func<Figure, (string Group, string Series)> place, string fileName, string subject, string title, string unit, double? line = null)
    {
        var placed = figures.Select(figure => (Figure: figure, Place: place(figure))).ToArray();
        string[] groups = [.. placed.Select(one => one.Place.Group).Distinct()];
        // This library first, so that it has the same colour everywhere.
        string[] series = [.. placed.Select(one => one.Place.Series).Distinct().OrderBy(name => name == FigureMaker.Client ? 0 : 1)];
        return new BarChart(
            fileName, subject, title, unit, groups,
            [.. series.Select(name => (name, (IReadOnlyList<ChartPoint?>)[.. groups.Select(group => PointOf(placed.FirstOrDefault(one => one.Place == (group, name)).Figure))]))],
            line);
    }

    /// <summary>All models in one picture: ratios can be compared.</summary>
    private static IEnumerable<Chart> Ratios(IEnumerable<Figure> figures, string subject, string title)
    {
        foreach (var device in figures.Where(figure => figure.Subject == subject && figure.Unit == FigureUnit.Ratio).GroupBy(figure => figure.Device))
        {
            // The number of tokens differs between models.
            yield return BarsOf(device, figure => (figure.Case.Split(" × ")[0], figure.Model ?? ""), FileName(subject, null, device.Key), subject, Title(title, null, device.Key), "ratio (1 is as fast)", line: 1);
        }
    }

    /// <summary>Throughput over callers.</summary>
    private static IEnumerable<Chart> Callers(IEnumerable<Figure> figures)
    {
        foreach (var model in figures.Where(figure => figure is { Subject: ReportSubjects.Batching, Unit: FigureUnit.TokensPerSecond }).GroupBy(figure => (figure.Model, figure.Device)))
        {
            int[] callers = [.. model.Select(CallersOf).OfType<int>().Distinct().Order()];
            if (callers.Length > 0)
            {
                yield return new LineChart(
                    FileName(ReportSubjects.Batching, model.Key.Model, model.Key.Device),
                    ReportSubjects.Batching,
                    Title("Throughput of all callers together", model.Key.Model, model.Key.Device),
                    FigureUnit.TokensPerSecond.Symbol(),
                    "callers at once",
                    callers,
                    [.. model.GroupBy(figure => figure.Contender).OrderBy(contender => contender.Key == FigureMaker.Client ? 0 : 1).Select(contender => (contender.Key, (IReadOnlyList<ChartPoint?>)[.. callers.Select(count => PointOf(contender.FirstOrDefault(figure => CallersOf(figure) == count)))]))]);
            }
        }

        static int? CallersOf(Figure figure) => int.TryParse(figure.Case.Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out int count) ? count : null;
    }

    private static ChartPoint? PointOf(Figure? figure) => figure is null ? null : new ChartPoint(figure.Value, figure.Least, figure.Greatest);

    private static string Title(string what, string? model, string device) => model is null ? $"{what} ({device})" : $"{what} ({model}, {device})";

    /// <summary>Whatever the model's name is, the file's is harmless.</summary>
    private static string FileName(string subject, string? model, string device)
    {
        StringBuilder name = new();
        foreach (char character in model is null ? $"{subject}-{device}" : $"{subject}-{device}-{model}")
            name.Append(char.IsAsciiLetterOrDigit(character) || character is '.' or '-' ? char.ToLowerInvariant(character) : '-');
        return name.ToString();
    }
}
