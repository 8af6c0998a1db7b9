using System.Diagnostics;

namespace EmbeddedLlm.Benchmarks.Peers;

/// <summary>
/// Measures the library and whatever else of its kind is on the machine, with the same model file, threads, prompts and numbers of tokens: in rounds in which each has a turn, and in another order each time, so
/// that what else the machine does falls on all alike.
/// </summary>
internal static class PeerComparison
{
    public const string FigureSubject = "peers";

    private const int MostCallers = 8;
    private const int FewestRounds = 3;
    private const int MostRounds = 15;

    /// <summary>Records without end, in a dialect that all understand.</summary>
    private const string Schema = """
        {"type":"array","minItems":200,"items":{"type":"object","additionalProperties":false,"required":["name","kind","isActive"],"properties":{
          "name":{"type":"string","minLength":1,"maxLength":20},"kind":{"enum":["person","company","other"]},"isActive":{"type":"boolean"}}}}
        """;

    private static readonly TimeSpan s_budget = TimeSpan.FromSeconds(30);

    /// <summary>The names that can be asked for.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [ClientPeer.PeerName, BarePeer.PeerName, NodePeer.PeerName, LlamaServerPeer.PeerName, LlamaBenchPeer.PeerName, OllamaPeer.PeerName];

    /// <summary>Measures a loaded model.</summary>
    /// <param name="subject">The model, loaded for at least eight sequences; nothing else may use it meanwhile.</param>
    /// <param name="model">The model's name in the figures.</param>
    /// <param name="device">Where it computes: <c>cpu</c>, <c>cuda</c>, <c>vulkan</c> or <c>metal</c>.</param>
    /// <param name="only">The peers to measure, of <see cref="Names"/>; all where it is empty. The library itself always is.</param>
    /// <param name="rounds">How many rounds; null for as many as fit into half a minute, from 3 to 15.</param>
    /// <param name="progress">Gets a line for each thing that is done.</param>
    /// <param name="cancellationToken">Stops it, and ends all programs that it started.</param>
    /// <param name="searchPath">Where programs are looked for; null for the PATH.</param>
    public static async Task<PeerResults> MeasureAsync(
        Subject subject,
        string model,
        string device,
        IReadOnlyCollection<string> only,
        int? rounds,
        Action<string> progress,
        CancellationToken cancellationToken,
        string? searchPath = null)
    {
        PeerSettings settings = new(subject.Model.Path, subject.Model.Threads, Room(subject), BatchSize: 512, MostCallers, device) { SearchPath = searchPath };
        Dictionary<string, Func<Task<Peer>>> starts = new()
        {
            [ClientPeer.PeerName] = () => Task.FromResult<Peer>(new ClientPeer(subject)),
            [BarePeer.PeerName] = () => Task.FromResult<Peer>(new BarePeer(subject)),
            [NodePeer.PeerName] = () => NodePeer.StartAsync(settings, cancellationToken),
            [LlamaServerPeer.PeerName] = () => LlamaServerPeer.StartAsync(settings, cancellationToken),
            [LlamaBenchPeer.PeerName] = () => LlamaBenchPeer.StartAsync(settings, cancellationToken),
            [OllamaPeer.PeerName] = () => OllamaPeer.StartAsync(subject, settings, cancellationToken),
        };
        PeerResults results = new(model, settings.Device, settings.Threads);
        List<Peer> peers = [];
        try
        {
            foreach (string name in Names.Where(name => only.Count == 0 || name == ClientPeer.PeerName || only.Contains(name)))
            {
                try
                {
                    Peer peer = await starts[name]();
                    peers.Add(peer);
                    results.AddPeer(peer);
                }
                catch (PeerException failure)
                {
                    results.AddRemark($"{name}: {failure.Message}.");
                    progress($"{name}: {failure.Message}");
                }
            }

            foreach (PeerTask task in TasksOf(subject))
                await MeasureAsync(subject, task, peers, rounds, results, progress, cancellationToken);
        }
        finally
        {
            foreach (Peer peer in peers)
                await peer.DisposeAsync();
        }

        return results;
    }

    /// <summary>The context that all get: no measurement needs more.</summary>
    private static int Room(Subject subject) => Math.Min(subject.Model.ContextLength, 1024);

    private static IEnumerable<PeerTask> TasksOf(Subject subject)
    {
        const int Short = 32;
        int room = Room(subject);
        int answer = subject.IsSmall ? Math.Min(128, room / 2) : 48;
        int prompt = Math.Min(128, room / 2), longPrompt = Math.Min(512, room - 8);
        yield return new PeerTask($"prefill {prompt}", 1, prompt, 1);
        yield return new PeerTask($"prefill {longPrompt}", 1, longPrompt, 1);
        yield return new PeerTask($"decode {answer}", 1, Short, answer);
        yield return new PeerTask($"{MostCallers} callers × {answer / 2}", MostCallers, Short, answer / 2);
        yield return new PeerTask($"JSON schema {answer}, whole requests", 1, Short, answer, Schema);
    }

    private static async Task MeasureAsync(
        Subject subject, PeerTask task, List<Peer> peers, int? rounds, PeerResults results, Action<string> progress, CancellationToken cancellationToken)
    {
        List<Peer> able = [.. peers.Where(peer => peer.WhyNot(task) is null)];
        foreach (Peer peer in peers.Except(able))
            results.AddRemark($"{peer.Name}, {task.Case}: not measured, {peer.WhyNot(task)}.");

        Dictionary<Peer, double>[] measured = new Dictionary<Peer, double>[rounds ?? MostRounds];
        int done = 0;
        long start = Stopwatch.GetTimestamp();
        // The first round is for warming up.
        for (int round = -1; round < measured.Length && (rounds is not null || round < FewestRounds || Stopwatch.GetElapsedTime(start) < s_budget); round++)
        {
            BenchmarkPrompt[] prompts = [.. Enumerable.Range(0, task.Callers).Select(caller => subject.CreatePrompt(task.PromptTokens, SeedOf(task, round, caller)))];
            Dictionary<Peer, double> rates = [];
            for (int turn = 0; turn < able.Count; turn++)
            {
                Peer peer = able[(turn + round + 1) % able.Count];
                try
                {
                    rates[peer] = (await peer.AnswerAsync(prompts, task.OutputTokens, task.Schema, cancellationToken)).Rate(task);
                }
                catch (PeerException failure) when (peer is not (ClientPeer or BarePeer))
                {
                    // What it measured so far is no whole measurement. A peer whose program has ended fails again, and says so there too.
                    results.AddRemark($"{peer.Name}, {task.Case}: {failure.Message}.");
                    progress($"  {peer.Name}: {failure.Message}");
                }
            }

            able.RemoveAll(peer => !rates.ContainsKey(peer));
            if (round >= 0)
                measured[done++] = rates;
        }

        results.Add(task, able, measured[..done]);
        progress($"  {task.Case}: {string.Join(", ", able.Select(peer => FormattableString.Invariant($"{peer.Name} {Spread.Of(measured[..done].Select(rates => rates[peer])).Median:N1}")))} tok/s, {done} rounds");
    }

    /// <summary>No two prompts of a run are the same.</summary>
    private static int SeedOf(PeerTask task, int round, int caller) =>
        ((((task.PromptTokens * 1_000) + task.OutputTokens) * 2 + (task.Schema is null ? 0 : 1)) * 64 + round + 1) * MostCallers + caller;
}
