namespace EmbeddedLlm.Scheduling;

/// <content>Plan: which sequences run, and what of them the next step computes.</content>
internal sealed partial class Scheduler
{
    /// <summary>The cells that a sequence is to find free beside those it needs at once, so that it does not lose its place soon after it got it.</summary>
    private const int CellsToGrow = 16;

    /// <summary>How often a step waits at most for one more caller.</summary>
    private const int MostPatiences = 8;

    /// <summary>Takes out the sequences whose callers have gone.</summary>
    private void Retire()
    {
        for (int i = _running.Count - 1; i >= 0; i--)
        {
            if (_running[i].Output.IsComplete)
                Leave(_running[i], isKept: true);
        }
    }

    private void Admit()
    {
        while (_running.Count < _mostRunning && _queue.TryPeek(out Sequence? sequence) && TryTakeSlot(sequence, out int slot))
        {
            _queue.Remove(sequence);
            bool isNew = sequence.Sampler is null;
            _running.Add(sequence);
            sequence.Admit(slot, ++_admissions);
            // What a grammar or a spent budget leaves no choice about at the beginning is computed together with the prompt.
            if (isNew && (sequence.Constraint is not null || sequence.Reasoning is not null))
                Extend(sequence, isSampled: false);
        }
    }

    private bool TryTakeSlot(Sequence sequence, out int slot)
    {
        slot = -1;
        if (_blocked == (sequence, _openings))
            return false;
        PrefixMatch match = _cache.Find(sequence.Adapters, sequence.Tokens, sequence.TokenCount, out _);
        _cache.Touch(match);
        // What has to go anyway goes before the slot is taken: with the same slot as before, llama.cpp can use the same graph as before.
        if (match.Count == 0)
            EvictBystanders();
        if (HasCellsFor(sequence, match) && (_pool.TryAcquire(out slot) || (_cache.TryEvict() && _pool.TryAcquire(out slot))))
            return true;
        _blocked = (sequence, _openings);
        return false;
    }

    /// <summary>Whether the cells suffice for what the running sequences hold and are about to compute, and for this one's beginning. Cached prefixes do not count: they go when they must.</summary>
    private bool HasCellsFor(Sequence sequence, PrefixMatch match)
    {
        if (_running.Count == 0)
            return true;
        _pool.BeginCount();
        int cells = 0;
        foreach (Sequence other in _running)
            cells += _pool.Count(other.Slot, other.ComputedCount) + other.PendingCount + CellsToGrow;
        cells += sequence.TokenCount - match.Count + Math.Min(CellsToGrow, sequence.MaxOutputTokens - sequence.OutputCount);
        cells += _cache.CountPinnedCells();
        if (match.Count > 0)
            cells += _pool.Count(match.Slot, match.Count);
        return cells <= _pool.CellCount;
    }

    /// <summary>Gives new sequences what has been computed of their tokens, or lets them wait for one that is about to compute the same.</summary>
    private void Start()
    {
        foreach (Sequence sequence in _running)
            sequence.ClearWaiting();
        foreach (Sequence sequence in _running)
        {
            if (sequence.IsStarted)
                continue;
            PrefixMatch match = _cache.Find(sequence.Adapters, sequence.Tokens, sequence.TokenCount, out PrefixMatch soon);
            if (soon.Count > match.Count)
            {
                AddWaiting(sequence, soon.Slot);
                continue;
            }

            if (match.Count > 0)
            {
                _cache.Touch(match);
                match = match with { Count = sequence.TokenCount - Fill(sequence, sequence.TokenCount - match.Count) };
                _pool.Share(match.Slot, sequence.Slot, match.Count);
            }

            if (!sequence.HasStartedBefore)
                _meter.Started(sequence.Request.Prompt.Length, Math.Min(match.Count, sequence.Request.Prompt.Length));
            sequence.Start(match.Count, PlanCheckpoints(sequence, match));
            _cache.Offer(sequence.Slot, sequence.Adapters, sequence.Tokens, sequence.TokenCount, sequence.Checkpoints);
            _turns.Join(sequence);
            _openings++;
            _hasChanged = true;
        }
    }

    /// <summary>Where nobody is on the way, lets those in who come at the same time, see <see cref="PrefillPace.Patience"/>.</summary>
    private void Gather()
    {
        if (_awaitWake is null)
            return;
        long begin = _time.GetTimestamp();
        while (_running.Count < _mostRunning && CountNew() is > 0 and int tokens && tokens < _decoder.Batch.Capacity)
        {
            TimeSpan patience = _pace.Patience(tokens);
            if (_time.GetElapsedTime(begin) >= patience * MostPatiences || !_awaitWake(patience))
                return;
            Retire();
            Admit();
            Start();
        }
    }

    /// <summary>The tokens that the running sequences have to compute; 0 where one of them has begun to.</summary>
    private int CountNew()
    {
        int count = 0;
        foreach (Sequence sequence in _running)
        {
            if (!sequence.IsStarted)
                continue;
            if (sequence.IsDecoding || sequence.LastPrefill > 0)
                return 0;
            count += sequence.PendingCount;
        }

        return count;
    }

    /// <summary>Whoever is less urgent, or has more to compute, must not be overtaken by those whom the one that waits would go before.</summary>
    private void AddWaiting(Sequence waiting, int slot)
    {
        foreach (Sequence sequence in _running)
        {
            if (sequence.Slot == slot)
                sequence.AddWaiting(waiting);
        }
    }

    /// <summary>
    /// How many of a sequence's tokens to compute where so many are not there: more where that is faster, the memory can be cut there, cells are free for it, and the step does not have enough tokens of others.
    /// </summary>
    private int Fill(Sequence sequence, int fresh)
    {
        if (!_decoder.HasCellPerToken || _decoder.NeedsCheckpoints)
            return fresh;
        int filled = _limits.Tile.Fill(fresh, sequence.TokenCount);
        int others = 0;
        foreach (Sequence other in _running)
            others += other == sequence ? 0 : other.IsStarted ? other.PendingCount : other.TokenCount;
        return fresh + others < filled && filled <= _decoder.Batch.Capacity && filled + CellsToGrow <= _pool.FreeCells ? filled : fresh;
    }

    private int[] PlanCheckpoints(Sequence sequence, PrefixMatch match) =>
        KeepsCheckpoints && sequence.Request.Prefix is null
            ? CheckpointPlan.Create(match.Count, match.Common, sequence.Request.Prompt.Length, sequence.Request.Checkpoints, _limits)
            : [];

    /// <summary>Keeps what is cached and not shared within its budget while sequences run; nobody is slowed down by it while none does.</summary>
    private void EvictBystanders()
    {
        while (CountBystanders() > _limits.BystanderCells && _cache.TryEvict())
        {
        }
    }

    /// <summary>The cells that are cached and not shared by any running sequence.</summary>
    private int CountBystanders()
    {
        _pool.BeginCount();
        foreach (Sequence sequence in _running)
            _pool.Count(sequence.Slot, sequence.ComputedCount);
        return _cache.CountMoreCells();
    }

    /// <summary>Fills the batch with what the sequences whose turn it is need: first the next tokens of those that decode, then chunks of prompts.</summary>
    private bool Plan()
    {
        do
        {
            // Counted anew after cells were freed, so that who found none before has another turn.
            _plans++;
            _decoder.Batch.Clear();
            _planned.Clear();
            MakeRoomToDecode();
            PlanPrefill(PlanDecode(out int decoding), decoding);
            PlanDrafts();
        }
        while (_decoder.Batch.Count == 0 && _running.Count > 0 && (TryPreempt() || _cache.TryEvictPinned()));
        return _decoder.Batch.Count > 0;
    }

    /// <summary>
    /// Takes one token of each sequence that decodes, and more where a grammar has forced several: of these, where others decode as well, no more in a step than of prompts.
    /// </summary>
    /// <param name="decoding">The sequences that decode, be it their turn or not.</param>
    /// <returns>How many more than one each.</returns>
    private int PlanDecode(out int decoding)
    {
        int turns = 0;
        decoding = 0;
        foreach (Sequence sequence in _running)
        {
            if (!sequence.IsStarted || !sequence.IsDecoding)
                continue;
            decoding++;
            if (HasTurn(sequence))
                turns++;
        }

        int capacity = _decoder.Batch.Capacity;
        int most = Math.Min(decoding > 1 ? _pace.Choose(total: 0, decoding) : capacity, capacity - turns);
        int left = most;
        foreach (Sequence sequence in _running)
        {
            if (HasTurnToDecode(sequence))
                left -= Math.Max(0, Plan(sequence, 1 + left) - 1);
        }

        return most - left;
    }

    private int Plan(Sequence sequence, int most)
    {
        DecodeBatch batch = _decoder.Batch;
        int count = Math.Min(Math.Min(sequence.PendingCount, most), _pool.FreeCells);
        count = Math.Min(count, sequence.NextCheckpoint - sequence.ComputedCount);
        if (count == 0)
            return 0;
        bool isWhole = count == sequence.PendingCount;
        _pool.Append(sequence.Slot, count);
        batch.Add(sequence.Slot, sequence.Pending(count), sequence.ComputedCount, wantsLogits: isWhole);
        sequence.PlannedCount = count;
        sequence.LogitsIndex = isWhole ? batch.Count - 1 : -1;
        _planned.Add(sequence);
        return count;
    }

    /// <summary>Fills what is left of the batch with guesses. No cached prefix has to go for them.</summary>
    private void PlanDrafts()
    {
        DecodeBatch batch = _decoder.Batch;
        foreach (Sequence sequence in _planned)
        {
            if (sequence.Draft is not { } draft || sequence.LogitsIndex < 0)
                continue;
            // The token that is sampled in any case needs no guess, and a wrong one may be what spoils the logits.
            int wanted = sequence == _suspect ? 0 : sequence.MaxOutputTokens - sequence.OutputCount - 1;
            draft.Begin(Math.Min(Math.Min(wanted, batch.Remaining), _pool.FreeCells));
            if (_limits.UsesPromptLookup)
                draft.LookUp(sequence.Tokens.AsSpan(0, sequence.TokenCount));
        }

        _draftModel?.Guess(_planned);
        foreach (Sequence sequence in _planned)
        {
            if (sequence.Draft is not { } draft || sequence.LogitsIndex < 0)
                continue;
            // What was free for each was free for all together.
            draft.Cut(Math.Min(batch.Remaining, _pool.FreeCells));
            if (sequence.Constraint is { } constraint)
                draft.Cut(constraint.CountPossible(draft.Tokens));
            if (draft.Count == 0)
                continue;
            _pool.Append(sequence.Slot, draft.Count);
            draft.BatchIndex = batch.Count;
            batch.AddWithAllLogits(sequence.Slot, draft.Tokens, sequence.TokenCount);
        }
    }

    private bool HasTurn(Sequence sequence) => _turns.Has(sequence) && (_suspect is null || _suspect == sequence);

    private bool HasTurnToDecode(Sequence sequence) => sequence.IsStarted && sequence.IsDecoding && HasTurn(sequence);

    /// <summary>Settles which of those is computed alone that may spoil what others compute: the same one until it has logits.</summary>
    private void ChooseSuspect()
    {
        Sequence? next = null;
        foreach (Sequence sequence in _running)
        {
            if (!sequence.IsSuspect || !sequence.IsStarted)
                continue;
            next = sequence;
            break;
        }

        // One that has ended or lost its place before it had logits may have left what spoils the next one's.
        _isAlone &= _suspect is not { IsSuspect: true } || _suspect == next;
        _suspect = next;
    }

    /// <summary>Settles whose turn it is, and frees the cells for their next tokens: cached prefixes go first, then the youngest sequences.</summary>
    private void MakeRoomToDecode()
    {
        while (true)
        {
            // Again where a sequence has lost its place: it may have been the last whose turn it was.
            ChooseSuspect();
            if (_suspect is null)
                _turns.Choose(_running);
            else
                _turns.GiveTo(_suspect, _running);
            int needed = 0;
            foreach (Sequence sequence in _running)
                needed += HasTurnToDecode(sequence) ? sequence.PendingCount : 0;
            if (Math.Min(needed, _decoder.Batch.Capacity) <= _pool.FreeCells || (!_cache.TryEvict() && !TryPreempt()))
                return;
        }
    }

    /// <summary>
    /// Sends the youngest sequence of the lowest priority back to the queue, where it comes first. The last one stays: alone it has all the cells it may need. Those that wait to be started have no cells, and
    /// may wait for just the one that would go.
    /// </summary>
    private bool TryPreempt()
    {
        Sequence? victim = null;
        int started = 0;
        foreach (Sequence sequence in _running)
        {
            if (!sequence.IsStarted)
                continue;
            started++;
            if (victim is null || sequence.Urgency < victim.Urgency || (sequence.Urgency == victim.Urgency && sequence.Admission > victim.Admission))
                victim = sequence;
        }

        if (victim is null || started < 2)
            return false;
        _cache.Take(victim.Slot, victim.Adapters, victim.Tokens, isKept: false);
        _running.Remove(victim);
        _openings++;
        victim.Preempt();
        _queue.Return(victim);
        _meter.Preempted();
        return true;
    }
}
