using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Peers;

/// <summary>What was measured side by side.</summary>
/// <param name="model">The model's name.</param>
/// <param name="device">Where it was computed.</param>
/// <param name="threads">The CPU threads that computed.</param>
internal sealed class PeerResults(string model, string device, int threads)
{
    private readonly List<Figure> _figures = [];
    private readonly List<string> _remarks = [];
    private readonly Dictionary<string, string> _versions = [];
    private readonly Dictionary<string, string> _peerRemarks = [];

    /// <summary>The tokens a second of each, and how many times as fast as the bare loop or, in what that cannot do, as the library it is.</summary>
    public IReadOnlyList<Figure> Figures => _figures;

    /// <summary>What was not measured, and why.</summary>
    public IReadOnlyList<string> Remarks => _remarks;

    /// <summary>The versions of what was measured.</summary>
    public IReadOnlyDictionary<string, string> Versions => _versions;

    public void AddRemark(string remark)
    {
        if (!_remarks.Contains(remark))
            _remarks.Add(remark);
    }

    public void AddPeer(Peer peer)
    {
        if (peer.Version is { } version)
            _versions[peer.Name] = version;
        if (peer.Remark is { } remark)
            _peerRemarks[peer.Name] = remark;
    }

    /// <param name="task">What was measured.</param>
    /// <param name="peers">Those that have a rate in each round.</param>
    /// <param name="rounds">The tokens a second of each round.</param>
    public void Add(PeerTask task, IReadOnlyList<Peer> peers, IReadOnlyList<IReadOnlyDictionary<Peer, double>> rounds)
    {
        Peer? yardstick = peers.FirstOrDefault(peer => peer is BarePeer) ?? peers.FirstOrDefault(peer => peer is ClientPeer);
        foreach (Peer peer in peers)
        {
            _figures.Add(FigureOf(task.Case, peer, FigureUnit.TokensPerSecond, rounds.Select(round => round[peer])));
            if (yardstick is not null && peer != yardstick)
                _figures.Add(FigureOf($"{task.Case} beside {yardstick.Name}", peer, FigureUnit.Ratio, rounds.Select(round => round[peer] / round[yardstick])));
        }
    }

    private Figure FigureOf(string what, Peer peer, FigureUnit unit, IEnumerable<double> values) => new Figure
    {
        Subject = PeerComparison.FigureSubject,
        Case = what,
        Model = model,
        Device = device,
        Threads = threads,
        Contender = peer.Name,
        Unit = unit,
        Value = double.NaN,
        Remark = _peerRemarks.GetValueOrDefault(peer.Name),
    }.With(Spread.Of(values));
}
