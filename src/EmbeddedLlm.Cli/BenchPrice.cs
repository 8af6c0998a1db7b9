using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Cli;

/// <summary>What tokens cost on a machine that is paid by the hour, beside an API that is paid by the token.</summary>
/// <param name="HourlyCost">The machine's, in any currency.</param>
/// <param name="Api">The API's price per million tokens, in the same currency; null where none is given.</param>
internal sealed record BenchPrice(double HourlyCost, ApiPrice? Api)
{
    private const double Million = 1e6;
    private const double SecondsPerHour = 3600;

    /// <summary>The price of a million tokens on a machine that does nothing else, and is never idle.</summary>
    /// <param name="rate">Its tokens a second.</param>
    public double PerMillion(double rate) => HourlyCost / (rate * SecondsPerHour) * Million;

    /// <summary>The tokens an hour from which on the machine costs less than the API.</summary>
    public double BreakEvenTokensPerHour(double apiPrice) => HourlyCost / apiPrice * Million;

    /// <summary>How much of what the machine can do in an hour the break-even is; above 1 the API is always cheaper.</summary>
    public double BreakEvenUtilisation(double apiPrice, double rate) => BreakEvenTokensPerHour(apiPrice) / (rate * SecondsPerHour);

    /// <summary>The prices of what was measured.</summary>
    public IEnumerable<PriceRow> RowsOf(IReadOnlyList<Figure> figures)
    {
        foreach ((string kind, string subject) in ((string, string)[])[("input", BenchFigures.Prefill), ("output", BenchFigures.Decode)])
        {
            foreach (int callers in (int[])[1, BenchFigures.ManyCallers])
            {
                if (figures.FirstOrDefault(figure => figure.Subject == subject && CallersOf(figure) == callers) is { Value: > 0 } figure)
                    yield return new PriceRow(kind, callers, figure, PerMillion(figure.Value), kind == "input" ? Api?.Input : Api?.Output);
            }
        }
    }

    private static int CallersOf(Figure figure)
    {
        int end = figure.Case.IndexOf(" callers", StringComparison.Ordinal);
        return end < 0 ? 1 : int.Parse(figure.Case.AsSpan(0, end), System.Globalization.CultureInfo.InvariantCulture);
    }
}

/// <summary>An API's price per million tokens.</summary>
internal sealed record ApiPrice(double Input, double Output);

/// <summary>What a million tokens cost.</summary>
/// <param name="Kind"><c>input</c> or <c>output</c>.</param>
/// <param name="Callers">How many callers come at once.</param>
/// <param name="Speed">How fast the machine is at that.</param>
/// <param name="PerMillion">What a million tokens cost on it.</param>
/// <param name="ApiPerMillion">What a million tokens of that kind cost at the API; null where that is not known.</param>
internal sealed record PriceRow(string Kind, int Callers, Figure Speed, double PerMillion, double? ApiPerMillion)
{
    public string Case => $"{Kind}, {CallerText(Callers)}";

    public static string CallerText(int callers) => callers == 1 ? "1 caller" : $"{callers} callers";
}
