using EmbeddedLlm.Benchmarks.Peers;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Subjects;

/// <summary>The library beside others of its kind, as far as they are on the machine; those that are not are named.</summary>
internal static class PeersSubject
{
    private const int QuickRounds = 1;

    public static Task<IReadOnlyList<Figure>> MeasureAsync(RunSettings settings, CancellationToken cancellationToken) => MeasureAsync(settings, [], cancellationToken);

    /// <param name="settings">The run's.</param>
    /// <param name="only">Whom to measure beside the library, of <see cref="PeerComparison.Names"/>; all where it is empty.</param>
    /// <param name="cancellationToken">Stops it, and ends all programs that it started.</param>
    public static async Task<IReadOnlyList<Figure>> MeasureAsync(RunSettings settings, IReadOnlyCollection<string> only, CancellationToken cancellationToken)
    {
        List<Figure> figures = [];
        foreach (string name in settings.Models)
        {
            await using Subject subject = await Subject.LoadAsync(name, settings);
            int? rounds = settings.IsQuick ? QuickRounds : settings.Rounds;
            PeerResults results = await PeerComparison.MeasureAsync(subject, BenchmarkFiles.NameOf(name), settings.Device, only, rounds, Console.WriteLine, cancellationToken);
            figures.AddRange(results.Figures);
            foreach (string remark in results.Remarks)
                settings.Notes.Remark(remark);
            foreach ((string program, string version) in results.Versions)
                settings.Notes.Version(program, version);
        }

        return figures;
    }
}
