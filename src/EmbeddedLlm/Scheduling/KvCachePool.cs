namespace EmbeddedLlm.Scheduling;

/// <summary>
/// The one owner of the KV cache's slots and cells. A sequence gets a slot together with all the cells it may ever need, so a running sequence never
/// finds the cache full. Engine thread only.
/// </summary>
internal sealed class KvCachePool
{
    private readonly int[] _reserved;
    private readonly Stack<int> _freeSlots;

    public KvCachePool(int slotCount, int cellCount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(slotCount, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(cellCount, 1);
        CellCount = cellCount;
        FreeCells = cellCount;
        _reserved = new int[slotCount];
        _freeSlots = new Stack<int>(slotCount);
        for (int slot = slotCount - 1; slot >= 0; slot--)
            _freeSlots.Push(slot);
    }

    public int CellCount { get; }

    public int FreeCells { get; private set; }

    /// <summary>Takes a slot with so many cells, or nothing.</summary>
    public bool TryAcquire(int cells, out int slot)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cells, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cells, CellCount);
        if (cells > FreeCells || !_freeSlots.TryPop(out slot))
        {
            slot = -1;
            return false;
        }

        _reserved[slot] = cells;
        FreeCells -= cells;
        return true;
    }

    /// <summary>Gives a slot and its cells back.</summary>
    public void Release(int slot)
    {
        if (_reserved[slot] == 0)
            throw new InvalidOperationException($"Slot {slot} is free already.");
        FreeCells += _reserved[slot];
        _reserved[slot] = 0;
        _freeSlots.Push(slot);
    }

    /// <summary>Throws where the books do not balance.</summary>
    public void CheckIntegrity()
    {
        int used = 0, usedSlots = 0;
        foreach (int cells in _reserved)
        {
            used += cells;
            usedSlots += cells > 0 ? 1 : 0;
        }

        if (used + FreeCells != CellCount)
            throw new InvalidOperationException($"{used} cells used and {FreeCells} free of {CellCount}.");
        if (usedSlots + _freeSlots.Count != _reserved.Length)
            throw new InvalidOperationException($"{usedSlots} slots used and {_freeSlots.Count} free of {_reserved.Length}.");
    }
}
