using System.Globalization;

namespace EmbeddedLlm.Benchmarks.Results;

/// <summary>Figures for people: four digits at most before they are whole numbers, and the same point everywhere.</summary>
internal static class FigureFormat
{
    /// <summary>The unit as it is written.</summary>
    public static string Symbol(this FigureUnit unit) => unit switch
    {
        FigureUnit.TokensPerSecond => "tok/s",
        FigureUnit.Ratio => "ratio",
        FigureUnit.Share => "share",
        FigureUnit.Milliseconds => "ms",
        FigureUnit.Microseconds => "µs",
        FigureUnit.Tokens => "tokens",
        FigureUnit.BytesPerToken => "B/token",
        FigureUnit.Mebibytes => "MiB",
        FigureUnit.PricePerMillionTokens => "per million tokens",
        _ => throw new ArgumentOutOfRangeException(nameof(unit)),
    };

    /// <summary>A number of that unit.</summary>
    public static string Format(this FigureUnit unit, double value) => value.ToString(
        unit switch
        {
            FigureUnit.Ratio or FigureUnit.Share => "F3",
            _ when Math.Abs(value) >= 100 => "N0",
            _ when Math.Abs(value) >= 10 => "N1",
            _ => "N2",
        },
        CultureInfo.InvariantCulture);

    /// <summary>The value, with the least and the greatest sample where there are several.</summary>
    public static string FormatValue(this Figure figure) => figure is { Samples: > 1, Least: { } least, Greatest: { } greatest }
        ? $"{figure.Unit.Format(figure.Value)} ({figure.Unit.Format(least)}–{figure.Unit.Format(greatest)})"
        : figure.Unit.Format(figure.Value);

    /// <summary>Between what the median of ever more samples lies, such as <c>0.97–0.99</c>; empty where that is unknown.</summary>
    public static string FormatBounds(this Figure figure) => figure is { Samples: > 1, Low: { } low, High: { } high } ? $"{figure.Unit.Format(low)}–{figure.Unit.Format(high)}" : "";

    /// <summary>What the project aims at, such as <c>≥ 0.98</c>; empty where there is no target.</summary>
    public static string FormatTarget(this Figure figure) => figure.Target is { } target
        ? $"{(figure.IsMoreBetter ? "≥" : "≤")} {target.ToString("#,0.###", CultureInfo.InvariantCulture)}"
        : "";
}
