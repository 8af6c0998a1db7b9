namespace EmbeddedLlm.Scheduling;

/// <summary>
/// The tokens of one step, as parallel arrays [capacity] that are pinned for their whole life, so that native code reads them in place.
/// </summary>
internal sealed class DecodeBatch
{
    public DecodeBatch(int capacity)
    {
        Tokens = GC.AllocateArray<int>(capacity, pinned: true);
        Positions = GC.AllocateArray<int>(capacity, pinned: true);
        Slots = GC.AllocateArray<int>(capacity, pinned: true);
        WantsLogits = GC.AllocateArray<byte>(capacity, pinned: true);
    }

    public int[] Tokens { get; }

    /// <summary>Each token's position in its sequence, from 0.</summary>
    public int[] Positions { get; }

    public int[] Slots { get; }

    /// <summary>1 where logits are wanted after the token, else 0.</summary>
    public byte[] WantsLogits { get; }

    public int Capacity => Tokens.Length;

    public int Count { get; private set; }

    public int Remaining => Capacity - Count;

    public void Clear() => Count = 0;

    /// <summary>Appends a run of one sequence's tokens. Logits, where wanted, are those after the last.</summary>
    public void Add(int slot, ReadOnlySpan<int> tokens, int firstPosition, bool wantsLogits)
    {
        tokens.CopyTo(Tokens.AsSpan(Count));
        Slots.AsSpan(Count, tokens.Length).Fill(slot);
        WantsLogits.AsSpan(Count, tokens.Length).Clear();
        for (int i = 0; i < tokens.Length; i++)
            Positions[Count + i] = firstPosition + i;
        Count += tokens.Length;
        if (wantsLogits)
            WantsLogits[Count - 1] = 1;
    }

    /// <summary>Appends a run of one sequence's tokens, with the logits after each of them.</summary>
    public void AddWithAllLogits(int slot, ReadOnlySpan<int> tokens, int firstPosition)
    {
        int first = Count;
        Add(slot, tokens, firstPosition, wantsLogits: false);
        WantsLogits.AsSpan(first, tokens.Length).Fill(1);
    }
}
