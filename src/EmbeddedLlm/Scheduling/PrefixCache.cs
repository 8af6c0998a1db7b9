namespace EmbeddedLlm.Scheduling;

/// <summary>
/// What has been computed and may be of use again: the slots of running sequences, and those of finished ones, which it keeps within a budget and gives up, least recently
/// used first, when cells or slots are needed. Engine thread only.
/// </summary>
/// <remarks>
/// Cached cells are not free of charge even where memory is plenty: attention walks over all cells in use, whosever they are. While nothing runs they cost nothing; what may
/// stay while others run is another, smaller budget, see <see cref="SchedulerLimits.BystanderCells"/>.
/// </remarks>
internal sealed partial class PrefixCache
{
    /// <summary>Fewer tokens are computed as quickly as they are shared; nearly all prompts of a model have the first few, its template's, in common.</summary>
    private const int FewestShared = 16;

    private readonly IDecoder _decoder;
    private readonly KvCachePool _pool;
    private readonly PrefixIndex _index;
    private readonly int _budget;

    // When each cached slot was last of use; 0 where the slot is not a cached one.
    private readonly long[] _lastUse;

    // At which counts of tokens each running slot will leave a copy.
    private readonly int[][] _promised;
    private long _clock;

    /// <param name="decoder">The model.</param>
    /// <param name="pool">Owns the slots.</param>
    /// <param name="budget">How many cells finished sequences may keep; with 0 nothing is shared at all.</param>
    public PrefixCache(IDecoder decoder, KvCachePool pool, int budget)
    {
        _decoder = decoder;
        _pool = pool;
        _budget = budget;
        _index = new PrefixIndex(pool.SlotCount);
        _lastUse = new long[pool.SlotCount];
        _promised = new int[pool.SlotCount][];
        Array.Fill(_promised, []);
        _pins = new PinnedPrefix?[pool.SlotCount];
    }

    /// <summary>How many slots are kept for finished sequences.</summary>
    public int CachedSlots { get; private set; }

    public bool IsCached(int slot) => _lastUse[slot] != 0;

    /// <summary>Finds the slot that has most of a sequence's first tokens computed.</summary>
    /// <param name="adapters">What the sequence is computed with; nothing else is found.</param>
    /// <param name="tokens">The sequence's tokens.</param>
    /// <param name="count">How many of them; the last is never shared, since its logits are needed.</param>
    /// <param name="soon">The slot of a running sequence that will have more of them computed soon, and how many; else what was found.</param>
    public PrefixMatch Find(AdapterSet adapters, int[] tokens, int count, out PrefixMatch soon)
    {
        PrefixMatch best = default;
        soon = default;
        if (_budget == 0)
            return best;
        foreach ((int slot, int common) in _index.Match(adapters, tokens, count - 1))
        {
            if (best.Common == 0)
                best = best with { Common = common };
            if (common <= best.Count || common < FewestShared)
                break;
            int usable = Math.Min(common, _pool.LengthOf(slot));
            int later = Math.Max(usable < common && _decoder.HasCellPerToken ? common : 0, NextCopy(slot, common));
            if (later > soon.Count)
                soon = new PrefixMatch(slot, later);
            if (usable > best.Count && usable >= FewestShared && _decoder.CanShare(slot, usable))
                best = best with { Slot = slot, Count = usable };
        }

        if (soon.Count <= best.Count)
            soon = best;
        return best;
    }

    /// <summary>Marks what was found as used just now.</summary>
    public void Touch(PrefixMatch match)
    {
        if (match.Count > 0 && IsCached(match.Slot))
            _lastUse[match.Slot] = ++_clock;
    }

    /// <summary>Offers what a running sequence computes of its tokens to others.</summary>
    /// <param name="slot">Its slot.</param>
    /// <param name="adapters">What it is computed with.</param>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="count">How many of them.</param>
    /// <param name="checkpoints">At which counts of tokens it is going to be kept, ascending.</param>
    public void Offer(int slot, AdapterSet adapters, int[] tokens, int count, int[] checkpoints)
    {
        if (_budget == 0)
            return;
        _index.Add(slot, adapters, tokens, count);
        _promised[slot] = checkpoints;
    }

    /// <summary>Offers no more what a slot's sequence computes.</summary>
    public void Withdraw(int slot)
    {
        _index.Remove(slot);
        _promised[slot] = [];
    }

    /// <summary>Keeps a copy of what a running sequence has computed so far, whatever becomes of it. Nothing happens where there is no room, or such a copy already.</summary>
    /// <param name="slot">The sequence's slot.</param>
    /// <param name="adapters">What it is computed with.</param>
    /// <param name="tokens">Its tokens; what is there must not change any more.</param>
    /// <param name="count">How many of them are computed.</param>
    public void Keep(int slot, AdapterSet adapters, int[] tokens, int count)
    {
        if (count > _budget || !_decoder.CanShare(slot, count) || IsCovered(slot, adapters, tokens, count))
            return;
        int copy;
        while (!_pool.TryAcquire(out copy))
        {
            if (!TryEvict())
                return;
        }

        _pool.Share(slot, copy, count);
        Add(copy, adapters, tokens, count);
    }

    /// <summary>Takes over a slot whose sequence ends: keeps it where that is of use, else gives it back to the pool.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="adapters">What the sequence was computed with.</param>
    /// <param name="tokens">The sequence's tokens; the array must not change any more.</param>
    /// <param name="isKept">Whether its cells can be relied on.</param>
    public void Take(int slot, AdapterSet adapters, int[] tokens, bool isKept)
    {
        Withdraw(slot);
        int length = _pool.LengthOf(slot);
        if (!isKept || length == 0 || length > _budget || IsCovered(slot, adapters, tokens, length))
        {
            _pool.Release(slot);
            return;
        }

        DropBeginnings(adapters, tokens, length);
        Add(slot, adapters, tokens, length);
    }

    /// <summary>Gives up the slot that was of no use for the longest time, pinned ones aside.</summary>
    /// <param name="except">A slot to keep, or -1.</param>
    public bool TryEvict(int except = -1)
    {
        int oldest = Oldest(isPinned: false, except);
        if (oldest < 0)
            return false;
        Drop(oldest);
        return true;
    }

    /// <summary>Throws where the cache and the pool disagree.</summary>
    public void CheckIntegrity()
    {
        _index.CheckIntegrity();
        CheckPins();
        int cached = 0;
        for (int slot = 0; slot < _lastUse.Length; slot++)
        {
            if (!IsCached(slot))
                continue;
            cached++;
            if (_pool.LengthOf(slot) != _index.LengthOf(slot))
                throw new InvalidOperationException($"Slot {slot} has {_pool.LengthOf(slot)} cells and is known with {_index.LengthOf(slot)}.");
        }

        if (cached != CachedSlots || CountCells() > _budget)
            throw new InvalidOperationException($"{cached} slots are cached and {CachedSlots} counted, with {CountCells()} cells of {_budget}.");
    }

    /// <summary>How many cells cached slots hold, pinned ones aside, that have not been counted since <see cref="KvCachePool.BeginCount"/>.</summary>
    public int CountMoreCells()
    {
        int count = 0;
        for (int slot = 0; slot < _lastUse.Length; slot++)
        {
            if (IsCached(slot) && _pins[slot] is null)
                count += _pool.Count(slot, _pool.LengthOf(slot));
        }

        return count;
    }

    private void Add(int slot, AdapterSet adapters, int[] tokens, int length)
    {
        _index.Add(slot, adapters, tokens, length);
        _lastUse[slot] = ++_clock;
        CachedSlots++;
        while (CountCells() > _budget)
        {
            // Beside pinned slots there may be no room for it.
            if (!TryEvict(except: slot))
            {
                Drop(slot);
                return;
            }
        }
    }

    /// <summary>How many of so many tokens that a slot has in common with others it is going to leave a copy of; 0 for none.</summary>
    private int NextCopy(int slot, int common)
    {
        int next = 0;
        foreach (int count in _promised[slot])
        {
            if (count > _pool.LengthOf(slot) && count <= common && count >= FewestShared)
                next = count;
        }

        return next;
    }

    /// <summary>How many cells cached slots hold, each counted once.</summary>
    public int CountCells()
    {
        _pool.BeginCount();
        return CountPinnedCells() + CountMoreCells();
    }

    /// <summary>Whether another cached slot has the same tokens and perhaps more, so that this one is of no further use.</summary>
    private bool IsCovered(int slot, AdapterSet adapters, int[] tokens, int length)
    {
        foreach ((int other, int common) in _index.Match(adapters, tokens, length))
        {
            if (common < length)
                return false;
            if (other == slot || !IsCached(other) || !_decoder.CanShare(other, length))
                continue;
            Touch(new PrefixMatch(other, length));
            return true;
        }

        return false;
    }

    /// <summary>Gives up what the tokens begin with, as far as it can be had from them from now on.</summary>
    private void DropBeginnings(AdapterSet adapters, int[] tokens, int length)
    {
        // Where a slot that goes on forgets, its beginnings are there for a reason.
        if (_decoder.NeedsCheckpoints || !_decoder.HasCellPerToken)
            return;
        while (FindBeginning(adapters, tokens, length) is { } slot)
            Drop(slot);
    }

    private int? FindBeginning(AdapterSet adapters, int[] tokens, int length)
    {
        foreach ((int slot, int common) in _index.Match(adapters, tokens, length))
        {
            if (IsCached(slot) && _pins[slot] is null && common == _index.LengthOf(slot))
                return slot;
        }

        return null;
    }

    private void Drop(int slot)
    {
        if (_pins[slot] is { } pin)
            Unpin(pin);
        _index.Remove(slot);
        _lastUse[slot] = 0;
        CachedSlots--;
        _pool.Release(slot);
    }
}

/// <summary>What a slot has computed of a sequence's tokens.</summary>
/// <param name="Slot">The slot; meaningless where nothing was found.</param>
/// <param name="Count">How many tokens, 0 where none was found.</param>
/// <param name="Common">How many of its first tokens any slot has, usable or not.</param>
internal readonly record struct PrefixMatch(int Slot, int Count, int Common = 0);
