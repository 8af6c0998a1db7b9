using ScottPlot;
using SkiaSharp;

namespace EmbeddedLlm.Benchmarks.Report;

/// <summary>Draws charts into files.</summary>
internal static class ChartRenderer
{
    private const int Height = 480;
    private const int LeastWidth = 720;
    private const int GroupWidth = 130;

    /// <summary>Of a bar and the gap beside it, in groups of several: a label of five digits has room.</summary>
    private const int BarWidth = 56;

    // A sans-serif one that is there; text of the first chart would else have the drawing library's own choice.
    private static readonly string FontName = FindFont();

    /// <summary>Okabe and Ito's colours, which most colour-blind people can tell apart.</summary>
    private static readonly Color[] Palette = [.. ((string[])["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999"]).Select(Color.FromHex)];

    private static readonly Color Ink = Color.FromHex("#333333");

    /// <summary>Writes <c>NAME.svg</c> and <c>NAME.png</c> into a folder.</summary>
    public static void Save(Chart chart, string folder)
    {
        using Plot plot = Draw(chart);
        int width = chart is BarChart bars ? Math.Max(LeastWidth, Math.Max(GroupWidth, BarWidth * bars.Series.Count) * bars.Groups.Count) : LeastWidth;
        plot.SaveSvg(Path.Combine(folder, $"{chart.FileName}.svg"), width, Height);
        plot.ScaleFactor = 2;
        plot.SavePng(Path.Combine(folder, $"{chart.FileName}.png"), 2 * width, 2 * Height);
    }

    private static Plot Draw(Chart chart)
    {
        Plot plot = new();
        plot.Title(chart.Title);
        plot.YLabel(chart.Unit);
        switch (chart)
        {
            case BarChart bars:
                DrawBars(plot, bars);
                break;
            case LineChart lines:
                DrawLines(plot, lines);
                break;
        }

        plot.Grid.MajorLineColor = Color.FromHex("#E4E4E4");
        plot.Grid.XAxisStyle.IsVisible = false;
        plot.Axes.Left.MinorTickStyle.Length = 0;
        // Without lines, but with a margin.
        plot.Axes.Right.FrameLineStyle.Width = 0;
        plot.Axes.Right.MinimumSize = 24;
        plot.Axes.Top.FrameLineStyle.Width = 0;
        plot.Font.Set(FontName);
        plot.Axes.Title.Label.FontSize = 16;
        plot.Axes.Left.Label.FontSize = 14;
        plot.Axes.Bottom.Label.FontSize = 14;
        return plot;
    }

    private static void DrawBars(Plot plot, BarChart chart)
    {
        double width = 0.8 / chart.Series.Count;
        double top = chart.Line ?? 0;
        for (int series = 0; series < chart.Series.Count; series++)
        {
            (string name, IReadOnlyList<ChartPoint?> points) = chart.Series[series];
            List<Bar> bars = [];
            for (int group = 0; group < points.Count; group++)
            {
                if (points[group] is not { } point)
                    continue;
                double x = group - 0.4 + (width * (series + 0.5));
                bars.Add(new Bar { Position = x, Value = point.Value, Size = width * 0.92, FillColor = Palette[series % Palette.Length], LineWidth = 0 });
                top = Math.Max(top, point.Greatest ?? point.Value);
            }

            plot.Add.Bars(bars).LegendText = name;
        }

        // On top of all bars: ranges, and labels above them, since within a bar these would need a contrast of their own.
        foreach ((IReadOnlyList<ChartPoint?> points, int series) in chart.Series.Select((series, index) => (series.Points, index)))
        {
            for (int group = 0; group < points.Count; group++)
            {
                if (points[group] is not { } point)
                    continue;
                double x = group - 0.4 + (width * (series + 0.5));
                DrawRange(plot, x, point, width / 5);
                Label(plot, x, point);
            }
        }

        if (chart.Line is { } line)
        {
            var drawn = plot.Add.HorizontalLine(line, 1.5f, Ink, LinePattern.Dashed);
            drawn.ExcludeFromLegend = true;
        }

        plot.Axes.Bottom.SetTicks([.. Enumerable.Range(0, chart.Groups.Count).Select(group => (double)group)], [.. chart.Groups.Select(Wrap)]);
        plot.Axes.Bottom.MajorTickStyle.Length = 0;
        Finish(plot, -0.6, chart.Groups.Count - 0.4, top, chart.Series.Count > 1 || chart.Series[0].Name.Length > 0);
    }

    private static void DrawLines(Plot plot, LineChart chart)
    {
        double top = 0;
        for (int series = 0; series < chart.Series.Count; series++)
        {
            (string name, IReadOnlyList<ChartPoint?> points) = chart.Series[series];
            Color color = Palette[series % Palette.Length];
            int[] there = [.. Enumerable.Range(0, points.Count).Where(index => points[index] is not null)];
            // Side by side, so that one range does not hide the other.
            double shift = (series - ((chart.Series.Count - 1) / 2.0)) * 0.08;
            var line = plot.Add.Scatter(there.Select(index => index + shift).ToArray(), there.Select(index => points[index]!.Value.Value).ToArray(), color);
            line.LegendText = name;
            line.LineWidth = 2.5f;
            line.MarkerSize = 8;
            line.MarkerShape = series % 2 == 0 ? MarkerShape.FilledCircle : MarkerShape.FilledSquare;
            foreach (int index in there)
            {
                DrawRange(plot, index + shift, points[index]!.Value, 0.03, color);
                top = Math.Max(top, points[index]!.Value.Greatest ?? points[index]!.Value.Value);
            }
        }

        plot.XLabel(chart.XTitle);
        plot.Axes.Bottom.SetTicks([.. chart.Xs.Select((_, index) => (double)index)], [.. chart.Xs.Select(x => x.ToString(System.Globalization.CultureInfo.InvariantCulture))]);
        Finish(plot, -0.4, chart.Xs.Count - 0.6, top, hasLegend: true);
    }

    /// <summary>A line from the least sample to the greatest.</summary>
    private static void DrawRange(Plot plot, double x, ChartPoint point, double cap, Color? color = null)
    {
        if (point is not { Least: { } least, Greatest: { } greatest } || !(greatest > least))
            return;
        foreach ((double x1, double y1, double x2, double y2) in ((double, double, double, double)[])[(x, least, x, greatest), (x - cap, least, x + cap, least), (x - cap, greatest, x + cap, greatest)])
        {
            var line = plot.Add.Line(x1, y1, x2, y2);
            line.Color = color ?? Ink;
            line.LineWidth = 1.5f;
            line.MarkerSize = 0;
        }
    }

    private static void Label(Plot plot, double x, ChartPoint point)
    {
        var label = plot.Add.Text(Short(point.Value), x, Math.Max(point.Greatest ?? point.Value, point.Value));
        label.LabelFontName = FontName;
        label.LabelFontSize = 11;
        label.LabelFontColor = Ink;
        label.LabelAlignment = Alignment.LowerCenter;
        label.OffsetY = -3;
    }

    private static void Finish(Plot plot, double left, double right, double top, bool hasLegend)
    {
        // Room for labels, and for the legend above them.
        plot.Axes.SetLimits(left, right, 0, top > 0 ? top * (hasLegend ? 1.3 : 1.12) : 1);
        if (hasLegend)
        {
            plot.ShowLegend(Alignment.UpperRight, Orientation.Horizontal);
            plot.Legend.OutlineWidth = 0;
            plot.Legend.ShadowColor = Colors.Transparent;
            plot.Legend.FontSize = 13;
        }
        else
        {
            plot.HideLegend();
        }
    }

    private static string Short(double value) => value.ToString(
        Math.Abs(value) switch
        {
            >= 100 => "#,0",
            >= 10 => "0.0",
            _ => "0.00",
        },
        System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Lines of at most some characters, broken between words.</summary>
    private static string Wrap(string text)
    {
        const int Width = 16;
        System.Text.StringBuilder wrapped = new();
        int line = 0;
        foreach (string word in text.Split(' '))
        {
            if (line > 0 && line + 1 + word.Length > Width)
            {
                wrapped.Append('\n');
                line = 0;
            }
            else if (line > 0)
            {
                wrapped.Append(' ');
                line++;
            }

            wrapped.Append(word);
            line += word.Length;
        }

        return wrapped.ToString();
    }

    private static string FindFont()
    {
        HashSet<string> families = [.. SKFontManager.Default.FontFamilies];
        return ((string[])["Segoe UI", "Helvetica Neue", "Arial", "Noto Sans", "DejaVu Sans", "Liberation Sans"]).FirstOrDefault(families.Contains) ?? Fonts.Default;
    }
}
