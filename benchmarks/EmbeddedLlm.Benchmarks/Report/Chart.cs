namespace EmbeddedLlm.Benchmarks.Report;

/// <summary>A value with the range of its samples.</summary>
internal readonly record struct ChartPoint(double Value, double? Least = null, double? Greatest = null);

/// <summary>A picture of figures; see <see cref="ChartRenderer"/>.</summary>
/// <param name="FileName">The name of its files, without the extension.</param>
/// <param name="Subject">The section of the report that it belongs to.</param>
/// <param name="Title">What it shows.</param>
/// <param name="Unit">What the vertical axis counts.</param>
internal abstract record Chart(string FileName, string Subject, string Title, string Unit);

/// <summary>Groups of bars side by side.</summary>
/// <param name="Groups">The names below the groups.</param>
/// <param name="Series">The name of each bar in a group, and its points, one a group; null where there is none.</param>
/// <param name="Line">A value to compare with, as a dashed line.</param>
internal sealed record BarChart(
    string FileName, string Subject, string Title, string Unit, IReadOnlyList<string> Groups, IReadOnlyList<(string Name, IReadOnlyList<ChartPoint?> Points)> Series, double? Line = null)
    : Chart(FileName, Subject, Title, Unit);

/// <summary>Lines over numbers.</summary>
/// <param name="XTitle">What the horizontal axis counts.</param>
/// <param name="Xs">The numbers, each at the same distance from the next.</param>
/// <param name="Series">The name of each line, and its points, one a number.</param>
internal sealed record LineChart(
    string FileName, string Subject, string Title, string Unit, string XTitle, IReadOnlyList<int> Xs, IReadOnlyList<(string Name, IReadOnlyList<ChartPoint?> Points)> Series)
    : Chart(FileName, Subject, Title, Unit);
