using System.Runtime.CompilerServices;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Subjects;

/// <summary>
/// From the start of a process to the first byte of an answer on its standard output, just in time compiled and ahead of time. The application is published first, which needs the .NET SDK, and for the
/// second the platform's linker; without these the figures are missing.
/// </summary>
internal static class ColdStartSubject
{
    public static async IAsyncEnumerable<Figure> MeasureAsync(RunSettings settings, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (bool isAot in settings.IsQuick ? (bool[])[false] : [false, true])
        {
            using ColdStartApplication application = await ColdStartApplication.PublishAsync(isAot, settings.Device, cancellationToken);
            foreach (string name in settings.Models)
            {
                string model = BenchmarkFiles.Resolve(name, cancellationToken);
                List<double> times = [];
                for (int i = -1; i < (settings.IsQuick ? 3 : 11); i++)
                {
                    TimeSpan time = await application.StartAsync(model, settings.Device, cancellationToken);
                    if (i >= 0)
                        times.Add(time.TotalMilliseconds);
                }

                FigureMaker maker = new("cold-start", settings, name);
                yield return maker.Of("process start to first token", FigureUnit.Milliseconds, Spread.Of(times), contender: isAot ? "EmbeddedLlm, AOT" : FigureMaker.Client);
            }
        }
    }
}
