using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Report;

/// <summary>Something that a report can measure. It gives figures as they come, so that those before a failure are not lost.</summary>
/// <param name="Name">What <c>--subject</c> takes.</param>
/// <param name="Description">In a few words, for the help.</param>
/// <param name="Measure">Measures.</param>
internal sealed record ReportSubject(string Name, string Description, Func<RunSettings, CancellationToken, IAsyncEnumerable<Figure>> Measure)
{
    /// <summary>For one that gives all its figures at the end.</summary>
    public ReportSubject(string name, string description, Func<RunSettings, CancellationToken, Task<IReadOnlyList<Figure>>> measure)
        : this(name, description, (settings, cancellationToken) => AwaitAsync(measure(settings, cancellationToken)))
    {
    }

    /// <summary>For one that waits for nothing.</summary>
    public ReportSubject(string name, string description, Func<RunSettings, IEnumerable<Figure>> measure)
        : this(name, description, (settings, _) => measure(settings).ToAsyncEnumerable())
    {
    }

    /// <summary>Whether a quick run and one that names no subjects leave it out.</summary>
    public bool IsOnlyThorough { get; init; }

    /// <summary>Whether it measures each model by itself; otherwise models do not matter to it.</summary>
    public bool IsPerModel { get; init; } = true;

    private static async IAsyncEnumerable<Figure> AwaitAsync(Task<IReadOnlyList<Figure>> figures)
    {
        foreach (Figure figure in await figures)
            yield return figure;
    }
}
