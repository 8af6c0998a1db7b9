using System.CommandLine;
using System.Globalization;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Peers;

/// <summary><c>peers</c>: the library beside others of its kind, as far as they are on the machine.</summary>
internal static class PeersCommand
{
    public static Command Create(Option<string[]> models, Option<int?> threads)
    {
        Option<string[]> only = new("--only")
        {
            Description = $"Whom to measure beside the library: {string.Join(", ", PeerComparison.Names.Skip(1))}. May be repeated. Default: all that are there.",
            DefaultValueFactory = _ => [],
        };
        only.AcceptOnlyFromAmong([.. PeerComparison.Names]);
        Option<int?> rounds = new("--rounds") { Description = "How many rounds of each measurement. Default: as many as fit into half a minute, from 3 to 15." };
        Command peers = new("peers", "Measures the library beside node-llama-cpp, llama-server, llama-bench, Ollama and a bare loop in turns, with the same file, threads and prompts; those that are not there are named.")
        {
            models, threads, only, rounds,
        };
        peers.SetAction((arguments, cancellationToken) => RunAsync(arguments.GetValue(models)!, arguments.GetValue(threads), arguments.GetValue(only)!, arguments.GetValue(rounds), cancellationToken));
        return peers;
    }

    private static async Task<int> RunAsync(string[] models, int? threads, string[] only, int? rounds, CancellationToken cancellationToken)
    {
        List<PeerResults> all = [];
        foreach (string model in models)
        {
            await using Subject subject = await Subject.LoadAsync(model, threads);
            string name = File.Exists(model) ? Path.GetFileName(model) : model;
            Console.WriteLine($"{name}: {(subject.Model.Threads == 1 ? "1 thread" : $"{subject.Model.Threads} threads")}");
            all.Add(await PeerComparison.MeasureAsync(subject, name, DeviceInUse(), only, rounds, Console.WriteLine, cancellationToken));
        }

        Console.WriteLine();
        Console.WriteLine("| model | what | contender | tok/s: median (least–greatest) | beside |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach (PeerResults results in all)
        {
            foreach (Figure figure in results.Figures.Where(figure => figure.Unit == FigureUnit.TokensPerSecond))
                Console.WriteLine(RowOf(figure, results));
        }

        Console.WriteLine();
        foreach (string line in all.SelectMany(results => results.Versions.Select(version => $"- {version.Key} {version.Value}").Concat(results.Remarks.Select(remark => $"- {remark}"))).Distinct())
            Console.WriteLine(line);
        return 0;
    }

    /// <summary>The library and the bare loop put a model on the first GPU that there is.</summary>
    private static string DeviceInUse() =>
        EmbeddedRuntime.Describe().Devices.FirstOrDefault(device => device.Kind is DeviceKind.Gpu or DeviceKind.IntegratedGpu)?.Backend.ToLowerInvariant() ?? "cpu";

    private static string RowOf(Figure figure, PeerResults results)
    {
        Figure? ratio = results.Figures.FirstOrDefault(other => other.Unit == FigureUnit.Ratio && other.Contender == figure.Contender && other.Case.StartsWith($"{figure.Case} beside ", StringComparison.Ordinal));
        string beside = ratio is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{ratio.Value:F2} × {ratio.Case[(figure.Case.Length + " beside ".Length)..]}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {figure.Model} | {figure.Case} | {figure.Contender} | {figure.Value:N1} ({figure.Least:N1}–{figure.Greatest:N1}) | {beside} |");
    }
}
