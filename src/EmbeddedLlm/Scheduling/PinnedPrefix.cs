namespace EmbeddedLlm.Scheduling;

/// <summary>Tokens whose cells are kept until they are given back. Changed by the engine thread only.</summary>
/// <param name="tokens">The tokens; the array must not change.</param>
/// <param name="adapters">What they are computed with; null for the model as it is.</param>
internal sealed class PinnedPrefix(int[] tokens, AdapterSet? adapters = null)
{
    private volatile int _slot = -1;

    public int[] Tokens { get; } = tokens;

    public AdapterSet Adapters { get; } = adapters ?? AdapterSet.None;

    /// <summary>The slot that holds them; -1 before they are computed and after they are given up. Any thread may look.</summary>
    public int Slot
    {
        get => _slot;
        set => _slot = value;
    }

    /// <summary>Whether nobody needs it any more.</summary>
    public bool IsReleased { get; set; }
}
