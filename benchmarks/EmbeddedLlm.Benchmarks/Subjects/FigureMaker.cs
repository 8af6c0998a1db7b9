using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Subjects;

/// <summary>Makes figures of what all of one measurement's have in common.</summary>
/// <param name="Subject">The figures' subject.</param>
/// <param name="Settings">The run's.</param>
/// <param name="Model">The model, by the name that was given on the command line; null where none is used.</param>
/// <param name="Threads">The CPU threads that compute; null where that does not matter.</param>
internal sealed record FigureMaker(string Subject, RunSettings Settings, string? Model = null, int? Threads = null)
{
    public const string Client = "EmbeddedLlm";
    public const string Bare = "bare loop";

    /// <summary>The most bytes of managed memory that a token may cost, whoever asks.</summary>
    public const double MostBytesPerToken = 1024;

    public Figure Of(string what, FigureUnit unit, double value, string contender = Client) => new()
    {
        Subject = Subject,
        Case = what,
        Model = Model is null ? null : BenchmarkFiles.NameOf(Model),
        Device = Settings.Device,
        Threads = Threads,
        Settings = Settings.Differences,
        Contender = contender,
        Unit = unit,
        Value = value,
    };

    public Figure Of(string what, FigureUnit unit, Spread spread, string contender = Client) => Of(what, unit, spread.Median, contender).With(spread);

    /// <summary>Four figures of one paired measurement: both rates, their ratio, and what the client allocated for a token.</summary>
    public IEnumerable<Figure> Of(string what, PairedResult result, double? target, bool aimsAtAllocation = false, string yardstick = Bare, string contender = Client)
    {
        yield return Of(what, FigureUnit.TokensPerSecond, result.BareRates, yardstick);
        yield return Of(what, FigureUnit.TokensPerSecond, result.ClientRates, contender);
        yield return Of(what, FigureUnit.Ratio, result.Ratios, contender) with { Target = target, Remark = FormattableString.Invariant($"{result.ProcessorRatio:F3} by CPU time, {result.BestRatio:F3} by the best runs") };
        yield return Of(what, FigureUnit.BytesPerToken, result.AllocatedPerToken, contender) with { Target = aimsAtAllocation ? MostBytesPerToken : null };
    }
}
