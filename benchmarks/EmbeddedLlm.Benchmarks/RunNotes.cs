namespace EmbeddedLlm.Benchmarks;

/// <summary>What measurements find out beside figures. Not thread-safe: one is measured after the other.</summary>
internal sealed class RunNotes
{
    private readonly List<string> _remarks = [];
    private readonly Dictionary<string, string> _versions = [];

    /// <summary>What a reader must know, each once.</summary>
    public IReadOnlyList<string> Remarks => _remarks;

    /// <summary>The versions of the programs that were measured beside the library.</summary>
    public IReadOnlyDictionary<string, string> Versions => _versions;

    public void Remark(string remark)
    {
        if (!_remarks.Contains(remark))
            _remarks.Add(remark);
    }

    public void Version(string program, string version) => _versions[program] = version;
}
