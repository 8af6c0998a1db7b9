namespace EmbeddedLlm.Scheduling;

/// <summary>
/// The one owner of the KV cache's slots and cells: it hands them out, counts each cell once however many slots share it, and tells the decoder. Engine thread only.
/// </summary>
internal sealed class KvCachePool
{
    private readonly IDecoder _decoder;
    private readonly CellRun?[] _ends;
    private readonly bool[] _isTaken;
    private readonly Stack<int> _freeSlots;
    private int _usedCells;
    private int _stamp;

    public KvCachePool(IDecoder decoder)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(decoder.MaxSequences, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(decoder.CellCount, 1);
        _decoder = decoder;
        _ends = new CellRun?[decoder.MaxSequences];
        _isTaken = new bool[decoder.MaxSequences];
        _freeSlots = new Stack<int>(decoder.MaxSequences);
        for (int slot = decoder.MaxSequences - 1; slot >= 0; slot--)
            _freeSlots.Push(slot);
    }

    public int SlotCount => _ends.Length;

    public int FreeSlots => _freeSlots.Count;

    public int CellCount => _decoder.CellCount;

    public int UsedCells => _usedCells;

    public int FreeCells => CellCount - _usedCells;

    /// <summary>How many cells a slot has, shared ones included.</summary>
    public int LengthOf(int slot) => _ends[slot]?.End ?? 0;

    /// <summary>Takes a slot, which has no cells yet.</summary>
    public bool TryAcquire(out int slot)
    {
        if (!_freeSlots.TryPop(out slot))
        {
            slot = -1;
            return false;
        }

        _isTaken[slot] = true;
        return true;
    }

    /// <summary>Takes cells for the next positions of a slot; the next decode fills them.</summary>
    public void Append(int slot, int count)
    {
        ThrowIfFree(slot);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, FreeCells);
        CellRun? end = _ends[slot];
        // A run that another slot holds as well must not grow with this one; the reference to it passes from the slot to the new run.
        if (end is { References: 1 })
            end.Count += count;
        else
            _ends[slot] = new CellRun(end, end?.End ?? 0, count);
        _usedCells += count;
    }

    /// <summary>Lets a slot without cells use the first cells of another.</summary>
    /// <remarks>Only for counts that <see cref="IDecoder.CanShare"/> allows.</remarks>
    public void Share(int from, int to, int count)
    {
        ThrowIfFree(from);
        ThrowIfFree(to);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, LengthOf(from));
        if (_ends[to] is not null)
            throw new InvalidOperationException($"Slot {to} has cells already.");
        CellRun end = RunAt(from, count - 1)!;
        if (end.End > count)
            end = end.SplitAt(count);
        end.References++;
        _ends[to] = end;
        _decoder.CopyCells(from, to, count);
    }

    /// <summary>Forgets a slot's cells from a position to the end.</summary>
    /// <returns>How many cells the slot has now: so many as asked for, or none where the model's memory cannot be cut there.</returns>
    public int Cut(int slot, int count)
    {
        ThrowIfFree(slot);
        if (!_decoder.RemoveCells(slot, count))
        {
            _decoder.RemoveCells(slot, 0);
            count = 0;
        }

        Forget(slot, count);
        return count;
    }

    /// <summary>Gives a slot and what only it holds back.</summary>
    public void Release(int slot)
    {
        ThrowIfFree(slot);
        _decoder.RemoveCells(slot, 0);
        Forget(slot, 0);
        _isTaken[slot] = false;
        _freeSlots.Push(slot);
    }

    /// <summary>Begins to count the cells of some slots, each cell once.</summary>
    public void BeginCount() => _stamp++;

    /// <summary>How many of a slot's first cells were not counted since <see cref="BeginCount"/>. A slot that is counted in part comes last.</summary>
    public int Count(int slot, int length)
    {
        int count = 0;
        CellRun? run = length == 0 ? null : RunAt(slot, length - 1);
        int end = length;
        for (; run is not null && run.Stamp != _stamp; run = run.Before)
        {
            run.Stamp = _stamp;
            count += end - run.Start;
            end = run.Start;
        }

        return count;
    }

    /// <summary>Throws where the books do not balance.</summary>
    public void CheckIntegrity()
    {
        Dictionary<CellRun, int> references = [];
        for (int slot = 0; slot < _ends.Length; slot++)
        {
            if (_isTaken[slot] == _freeSlots.Contains(slot))
                throw new InvalidOperationException($"Slot {slot} is free and taken at once, or neither.");
            if (!_isTaken[slot] && _ends[slot] is not null)
                throw new InvalidOperationException($"Slot {slot} is free and has cells.");
            for (CellRun? run = _ends[slot]; run is not null; run = run.Before)
            {
                if (run.Count < 1 || run.Start != (run.Before?.End ?? 0))
                    throw new InvalidOperationException($"A run of {run.Count} cells begins at {run.Start} after {run.Before?.End ?? 0}.");
                if (references.TryGetValue(run, out int count))
                {
                    references[run] = count + 1;
                    break;
                }

                references.Add(run, 1);
            }
        }

        foreach ((CellRun run, int count) in references)
        {
            if (run.References != count)
                throw new InvalidOperationException($"A run has {count} references and counts {run.References}.");
        }

        if (references.Keys.Sum(run => run.Count) != _usedCells || (uint)_usedCells > (uint)CellCount)
            throw new InvalidOperationException($"{references.Keys.Sum(run => run.Count)} cells are used and {_usedCells} counted, of {CellCount}.");
    }

    private CellRun? RunAt(int slot, int position)
    {
        CellRun? run = _ends[slot];
        while (run is not null && run.Start > position)
            run = run.Before;
        return run;
    }

    private void Forget(int slot, int count)
    {
        CellRun? end = _ends[slot];
        if (end is null || end.End <= count)
            return;
        CellRun? kept = count == 0 ? null : RunAt(slot, count - 1);
        if (kept == end && kept.References == 1)
        {
            _usedCells -= end.End - count;
            end.Count = count - end.Start;
            return;
        }

        if (kept is not null && kept.End > count)
            kept = kept.SplitAt(count);
        if (kept is not null)
            kept.References++;
        _ends[slot] = kept;
        for (CellRun? run = end; run is not null && --run.References == 0; run = run.Before)
            _usedCells -= run.Count;
    }

    private void ThrowIfFree(int slot)
    {
        if (!_isTaken[slot])
            throw new InvalidOperationException($"Slot {slot} is free.");
    }
}
