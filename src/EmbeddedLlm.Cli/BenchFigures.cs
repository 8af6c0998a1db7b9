using EmbeddedLlm.Benchmarks;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Cli;

/// <summary>The names of what <c>bench</c> measures, as its figures have them.</summary>
internal static class BenchFigures
{
    public const string Load = "load";
    public const string Prefill = "prefill";
    public const string FirstToken = "first-token";
    public const string Decode = "decode";
    public const string StructuredOutput = "structured-output";
    public const string Memory = "memory";
    public const string Price = "price";

    public const string Contender = "EmbeddedLlm";

    /// <summary>How many callers a busy machine has.</summary>
    public const int ManyCallers = 8;
}

/// <summary>What all figures of one run have in common.</summary>
/// <param name="Model">The model, as the command line names it; a file by its name alone.</param>
/// <param name="Device">Where it was computed.</param>
/// <param name="Threads">The CPU threads that computed.</param>
internal sealed record FigureTemplate(string Model, string Device, int Threads)
{
    public Figure Of(string subject, string what, FigureUnit unit, double value) => new()
    {
        Subject = subject,
        Case = what,
        Model = Model,
        Device = Device,
        Threads = Threads,
        Contender = BenchFigures.Contender,
        Unit = unit,
        Value = value,
    };

    public Figure Of(string subject, string what, FigureUnit unit, in Spread samples) => Of(subject, what, unit, samples.Median).With(samples);
}
