namespace EmbeddedLlm.Scheduling;

/// <content>In what order prompts are computed.</content>
/// <remarks>
/// Of equal priority, the prompt goes first that has fewest tokens left, which makes the time to the first token as short as can be on average (shortest remaining processing time; L. Schrage, 1968):
/// prompts of one length are computed in the order of their requests, and a short one does not wait for a long one. So that a long one is not overtaken for ever, it waits for no more tokens of later
/// requests than it has itself, and from then on has a chunk for each of theirs. One that another waits for, since both begin alike, goes when that other would.
/// </remarks>
internal sealed partial class Scheduler
{
    /// <param name="forcedCount">The tokens of forced text in the step.</param>
    /// <param name="decoding">How many wait for a next token.</param>
    private void PlanPrefill(int forcedCount, int decoding)
    {
        int before = _decoder.Batch.Count;
        int left = _decoder.Batch.Remaining;
        Sequence? next = NextToPrefill();
        int leftForLong = left;
        if (next is not null)
        {
            if (decoding > 0)
                left = Math.Min(left, _pace.Choose(next.TokenCount, decoding) - forcedCount);
            // Who cannot come before somebody leaves does not wait for the step.
            leftForLong = decoding > 0 || _running.Count == _mostRunning ? left : _pace.ChooseAlone(left);
        }

        int longest = leftForLong;
        while (left > 0 && next is { } sequence)
        {
            int most = sequence.PendingCount <= longest ? left : leftForLong;
            if (most <= 0)
                break;
            sequence.LastPrefill = _plans;
            int wanted = Math.Min(sequence.PendingCount, most);
            while (_pool.FreeCells < wanted && _cache.TryEvict())
            {
            }

            bool isDue = sequence.IsOvertakenEnough;
            int count = Plan(sequence, _limits.Tile.Divide(sequence.PendingCount, most));
            CountOvertaken(sequence, count, isDue);
            left -= count;
            leftForLong -= count;
            next = NextToPrefill();
        }

        _promptTokens = forcedCount + _decoder.Batch.Count - before;
        _nextTokens = before - forcedCount;
    }

    /// <summary>Takes note of how long the step took. Only where it has logits, which a GPU is waited for with.</summary>
    private void Observe(long startedAt)
    {
        if (!_limits.PacesPrefill)
            return;
        foreach (Sequence sequence in _planned)
        {
            if (sequence.LogitsIndex < 0)
                continue;
            _decoder.GetLogits(sequence.LogitsIndex);
            _pace.Observe(_promptTokens, _nextTokens, _time.GetElapsedTime(startedAt));
            return;
        }
    }

    /// <summary>The sequence that has the next chunk; null where all had theirs in this step.</summary>
    private Sequence? NextToPrefill()
    {
        Sequence? next = null;
        foreach (Sequence sequence in _running)
        {
            if (IsPrefilling(sequence) && sequence.LastPrefill != _plans && (next is null || PrefillsBefore(sequence, next)))
                next = sequence;
        }

        return next;
    }

    private bool IsPrefilling(Sequence sequence) => sequence.IsStarted && !sequence.IsDecoding && HasTurn(sequence);

    private static bool PrefillsBefore(Sequence sequence, Sequence other)
    {
        if (sequence.Urgency != other.Urgency)
            return sequence.Urgency > other.Urgency;
        if (sequence.IsOvertakenEnough != other.IsOvertakenEnough)
            return sequence.IsOvertakenEnough;
        if (!sequence.IsOvertakenEnough && sequence.TokensToFirst != other.TokensToFirst)
            return sequence.TokensToFirst < other.TokensToFirst;
        return sequence.Admission < other.Admission;
    }

    /// <summary>
    /// Charges a chunk to the earlier requests that wait for it, unless it was due to who has it, for else those that wait longest would leave nothing to others; who has it has that much less to claim.
    /// </summary>
    private void CountOvertaken(Sequence planned, int count, bool isDue)
    {
        planned.OvertakenCount = Math.Max(0, planned.OvertakenCount - count);
        if (isDue)
            return;
        foreach (Sequence sequence in _running)
        {
            if (sequence.Admission < planned.Admission && sequence.Request.Priority == planned.Request.Priority && sequence.LastPrefill != _plans && IsPrefilling(sequence))
                sequence.OvertakenCount += count;
        }
    }
}
