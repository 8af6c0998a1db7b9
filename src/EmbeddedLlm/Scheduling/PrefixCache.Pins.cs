namespace EmbeddedLlm.Scheduling;

/// <content>Prefixes that stay until they are released.</content>
internal sealed partial class PrefixCache
{
    private readonly PinnedPrefix?[] _pins;

    /// <summary>How many of the cached slots are pinned.</summary>
    public int PinnedSlots => _pins.Count(pin => pin is not null);

    /// <summary>Takes over a slot that holds a prefix's tokens and nothing else, to be kept until it is released.</summary>
    /// <returns>False where it does not fit beside the others that are pinned; then the slot is given back to the pool.</returns>
    public bool TryPin(int slot, PinnedPrefix prefix)
    {
        Withdraw(slot);
        _pool.BeginCount();
        if (_pool.Count(slot, prefix.Tokens.Length) + CountPinnedCells() > _budget)
        {
            _pool.Release(slot);
            return false;
        }

        _pins[slot] = prefix;
        prefix.Slot = slot;
        DropBeginnings(prefix.Adapters, prefix.Tokens, prefix.Tokens.Length);
        Add(slot, prefix.Adapters, prefix.Tokens, prefix.Tokens.Length);
        return true;
    }

    /// <summary>Lets a prefix go the way of all others when its turn comes.</summary>
    public void Unpin(PinnedPrefix prefix)
    {
        if (prefix.Slot < 0)
            return;
        _pins[prefix.Slot] = null;
        prefix.Slot = -1;
    }

    /// <summary>Gives up the pinned slot that was of no use for the longest time: a request that is alone must get all the cells it may need.</summary>
    public bool TryEvictPinned()
    {
        int oldest = Oldest(isPinned: true, except: -1);
        if (oldest < 0)
            return false;
        Drop(oldest);
        return true;
    }

    /// <summary>How many cells pinned slots hold that have not been counted since <see cref="KvCachePool.BeginCount"/>.</summary>
    public int CountPinnedCells()
    {
        int count = 0;
        for (int slot = 0; slot < _pins.Length; slot++)
        {
            if (_pins[slot] is not null)
                count += _pool.Count(slot, _pool.LengthOf(slot));
        }

        return count;
    }

    private int Oldest(bool isPinned, int except)
    {
        int oldest = -1;
        for (int slot = 0; slot < _lastUse.Length; slot++)
        {
            if (IsCached(slot) && slot != except && (_pins[slot] is not null) == isPinned && (oldest < 0 || _lastUse[slot] < _lastUse[oldest]))
                oldest = slot;
        }

        return oldest;
    }

    private void CheckPins()
    {
        for (int slot = 0; slot < _pins.Length; slot++)
        {
            if (_pins[slot] is { } pin && (pin.Slot != slot || !IsCached(slot) || _pool.LengthOf(slot) != pin.Tokens.Length))
                throw new InvalidOperationException($"Slot {slot} is pinned for {pin.Tokens.Length} tokens in slot {pin.Slot}, and has {_pool.LengthOf(slot)} cells.");
        }
    }
}
