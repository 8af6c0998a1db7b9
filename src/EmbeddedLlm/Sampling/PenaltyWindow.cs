using System.Numerics;

namespace EmbeddedLlm.Sampling;

/// <summary>
/// The latest N tokens and how often each of them occurs among them. Adding a token is O(1) and allocates nothing; the distinct
/// tokens lie side by side, so that walking them costs what they are, whatever the vocabulary's size.
/// </summary>
internal sealed class PenaltyWindow
{
    private readonly int[] _ring;
    private readonly int[] _tokens;
    private readonly int[] _counts;

    // Open addressing with linear probing: a slot holds an index into _tokens plus one, or 0. At most half the slots are taken.
    private readonly int[] _slots;
    private readonly int _shift;
    private int _next;
    private int _length;
    private int _distinct;

    public PenaltyWindow(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        _ring = new int[capacity];
        _tokens = new int[capacity + 1];
        _counts = new int[capacity + 1];
        int slots = (int)BitOperations.RoundUpToPowerOf2((uint)(capacity + 1) * 2);
        _slots = new int[slots];
        _shift = 32 - BitOperations.Log2((uint)slots);
    }

    public int Capacity => _ring.Length;

    /// <summary>The distinct tokens in the window, in no particular order. Valid until the window changes.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, _distinct);

    /// <summary>How often each of <see cref="Tokens"/> occurs.</summary>
    public ReadOnlySpan<int> Counts => _counts.AsSpan(0, _distinct);

    public void Add(int token)
    {
        Increment(token);
        if (_length == _ring.Length)
            Decrement(_ring[_next]);
        else
            _length++;
        _ring[_next] = token;
        _next = _next + 1 == _ring.Length ? 0 : _next + 1;
    }

    public void Clear()
    {
        _slots.AsSpan().Clear();
        _next = _length = _distinct = 0;
    }

    public void CopyFrom(PenaltyWindow source)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(source.Capacity, Capacity);
        source._ring.AsSpan().CopyTo(_ring);
        source.Tokens.CopyTo(_tokens);
        source.Counts.CopyTo(_counts);
        source._slots.AsSpan().CopyTo(_slots);
        (_next, _length, _distinct) = (source._next, source._length, source._distinct);
    }

    private void Increment(int token)
    {
        int slot = Find(token);
        if (_slots[slot] != 0)
        {
            _counts[_slots[slot] - 1]++;
            return;
        }

        _tokens[_distinct] = token;
        _counts[_distinct] = 1;
        _slots[slot] = ++_distinct;
    }

    private void Decrement(int token)
    {
        int slot = Find(token);
        int index = _slots[slot] - 1;
        if (--_counts[index] > 0)
            return;

        // The last of the distinct tokens fills the gap.
        RemoveSlot(slot);
        int last = --_distinct;
        if (index == last)
            return;
        _slots[Find(_tokens[last])] = index + 1;
        (_tokens[index], _counts[index]) = (_tokens[last], _counts[last]);
    }

    /// <summary>The slot that holds the token, or the free slot where it would go.</summary>
    private int Find(int token)
    {
        int slot = Home(token);
        while (_slots[slot] != 0 && _tokens[_slots[slot] - 1] != token)
            slot = (slot + 1) & (_slots.Length - 1);
        return slot;
    }

    /// <summary>Frees a slot and moves later ones of its run back, so that no search ends early; there are no tombstones to clean up.</summary>
    private void RemoveSlot(int free)
    {
        int mask = _slots.Length - 1;
        for (int slot = (free + 1) & mask; _slots[slot] != 0; slot = (slot + 1) & mask)
        {
            int home = Home(_tokens[_slots[slot] - 1]);
            if (((slot - home) & mask) < ((slot - free) & mask))
                continue;
            _slots[free] = _slots[slot];
            free = slot;
        }

        _slots[free] = 0;
    }

    private int Home(int token) => (int)((uint)token * 0x9E3779B1 >> _shift);
}
