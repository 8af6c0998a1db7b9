namespace EmbeddedLlm.Scheduling;

/// <content>Prefixes that are computed ahead, or come from elsewhere, and stay until they are released. All of it on the engine thread.</content>
internal sealed partial class Scheduler
{
    /// <summary>Whether copies of sequences are kept on their way. Any thread.</summary>
    public bool KeepsCheckpoints => _decoder.NeedsCheckpoints && _limits.PrefixCells > 0;

    /// <summary>How many slots may be pinned, so that requests find as many as they may use.</summary>
    private int MaxPinned => Math.Max(0, _pool.SlotCount - Math.Max(1, Math.Min(_limits.MaxRunning, _pool.SlotCount - 1)));

    /// <summary>Lets a prefix go the way of all that is cached. It may be released before it is computed, and more than once.</summary>
    public void Release(PinnedPrefix prefix)
    {
        prefix.IsReleased = true;
        _cache.Unpin(prefix);
        _openings++;
    }

    /// <summary>The state of a prefix's cells in the decoder's own format.</summary>
    /// <exception cref="InvalidOperationException">The prefix is not there any more.</exception>
    /// <exception cref="EmbeddedLlmException">The state is larger than an array can be, or llama.cpp does not give it.</exception>
    public byte[] Save(PinnedPrefix prefix)
    {
        if (prefix.Slot < 0)
            throw new InvalidOperationException("The prefix is released, or was given up for a request that needed its cells.");
        long size = _decoder.GetStateSize(prefix.Slot);
        if (size > Array.MaxLength)
            throw new EmbeddedLlmException($"The state of {prefix.Tokens.Length} tokens has {size:N0} bytes, and at most {Array.MaxLength:N0} can be saved.");
        byte[] state = GC.AllocateUninitializedArray<byte>((int)size);
        return _decoder.TryGetState(prefix.Slot, state) ? state : throw new EmbeddedLlmException("llama.cpp did not give the state of the prefix.");
    }

    /// <summary>Puts a prefix in place whose state was saved by the same model with the same options.</summary>
    /// <exception cref="PrefixCacheFullException">There is no room for it.</exception>
    /// <exception cref="PrefixFileException">The decoder refuses the state.</exception>
    public void Restore(PinnedPrefix prefix, byte[] state)
    {
        int length = prefix.Tokens.Length;
        EnsurePinnable(length);
        int slot;
        while (!_pool.TryAcquire(out slot))
        {
            if (!_cache.TryEvict())
                throw new PrefixCacheFullException(length, "all slots are in use");
        }

        while (_pool.FreeCells < length)
        {
            if (_cache.TryEvict())
                continue;
            _pool.Release(slot);
            throw new PrefixCacheFullException(length, $"{_pool.FreeCells} of the KV cache's {_pool.CellCount} cells are free beside running requests");
        }

        _pool.Append(slot, length);
        if (!_decoder.TrySetState(slot, length, state))
        {
            _pool.Release(slot);
            throw new PrefixFileException("llama.cpp refuses the state: it comes from another model, other options or another build.");
        }

        if (!_cache.TryPin(slot, prefix))
            throw new PrefixCacheFullException(length, $"prefixes may have {_limits.PrefixCells} cells together");
    }

    /// <summary>Throws where a prefix can never be kept.</summary>
    private void EnsureFits(PinnedPrefix prefix, AdapterSet adapters)
    {
        if (!prefix.Adapters.Equals(adapters))
            throw new ArgumentException($"A prefix with the adapters {prefix.Adapters} is computed with {adapters}.", nameof(prefix));
        if (prefix.Tokens.Length > _limits.PrefixCells)
            throw Refused(new PrefixCacheFullException(prefix.Tokens.Length, $"prefixes may have {_limits.PrefixCells} cells together"));
    }

    private void EnsurePinnable(int length)
    {
        if (length > Math.Min(_limits.PrefixCells, _pool.CellCount))
            throw new PrefixCacheFullException(length, $"prefixes may have {_limits.PrefixCells} cells together");
        if (_cache.PinnedSlots >= MaxPinned)
            throw new PrefixCacheFullException(length, $"{_cache.PinnedSlots} prefixes are kept, and no more may be");
    }

    /// <summary>Keeps a prefix that is computed, unless its caller has gone meanwhile. Its logits are of no use but for what they say of its cells: those that are no numbers would reach all others.</summary>
    private void KeepPrefix(Sequence sequence, PinnedPrefix prefix)
    {
        if (IsInDoubt(sequence, sequence.LogitsIndex))
            return;
        if (!IsUsable(_decoder.GetLogits(sequence.LogitsIndex)))
        {
            _isSpoiled = true;
            Fail(sequence, NoLogits());
            Leave(sequence, isKept: false);
            return;
        }

        sequence.IsSuspect = false;
        if (prefix.IsReleased || sequence.Output.IsComplete)
        {
            Leave(sequence, isKept: true);
            return;
        }

        sequence.Interruption?.Release();
        _running.Remove(sequence);
        _openings++;
        _hasChanged = true;
        try
        {
            EnsurePinnable(prefix.Tokens.Length);
        }
        catch (PrefixCacheFullException exception)
        {
            _cache.Take(sequence.Slot, sequence.Adapters, sequence.Tokens, isKept: true);
            Fail(sequence, exception);
            return;
        }

        if (!_cache.TryPin(sequence.Slot, prefix))
            Fail(sequence, new PrefixCacheFullException(prefix.Tokens.Length, $"prefixes may have {_limits.PrefixCells} cells together"));
        else if (sequence.Output.TrySeal(sequence.Summarize(GenerationEnd.Stop)))
            _answered.Add(sequence.Output);
        else
            _cache.Unpin(prefix);
    }
}
