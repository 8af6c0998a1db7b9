using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Scheduling;

/// <content>Commit: what a step has computed becomes tokens and text.</content>
internal sealed partial class Scheduler
{
    private void Commit()
    {
        foreach (Sequence sequence in _planned)
        {
            bool wasDecoding = sequence.IsDecoding;
            sequence.ComputedCount += sequence.PlannedCount;
            // Others may share it from now on.
            if (!wasDecoding && sequence.IsDecoding)
                _openings++;
            if (sequence.IsAtCheckpoint)
                _cache.Keep(sequence.Slot, sequence.Adapters, sequence.Tokens, sequence.ComputedCount);
            if (sequence.Request.Prefix is { } prefix && sequence.PendingCount == 0)
                KeepPrefix(sequence, prefix);
            else if (sequence.LogitsIndex >= 0 && !sequence.Output.IsComplete)
                Extend(sequence, isSampled: true);
            else
                Settle(sequence);
        }

        if (_isSpoiled)
            Cleanse();
    }

    /// <summary>
    /// After logits without a number: takes the memory as it was in the beginning, so that no later request meets what made them so. Sequences that go on are computed again, and where it is not known whose
    /// numbers were none, each of them alone until it has logits.
    /// </summary>
    private void Cleanse()
    {
        foreach (Sequence sequence in _running)
            sequence.IsSuspect |= _isInDoubt && sequence.IsStarted;
        // What is cached may be of the same steps.
        ForgetAll();
        _decoder.Wipe();
        _isSpoiled = false;
        _isInDoubt = false;
        _suspect = null;
        _isAlone = true;
    }

    /// <summary>Gives up all cells; sequences that go on are computed again.</summary>
    private void ForgetAll()
    {
        foreach (Sequence sequence in _running)
        {
            sequence.Draft?.Drop();
            sequence.ComputedCount = _pool.Cut(sequence.Slot, 0);
            _cache.Withdraw(sequence.Slot);
            sequence.Restart();
        }

        while (_cache.TryEvict() || _cache.TryEvictPinned())
        {
        }
    }

    /// <summary>Whether a sequence's logits are no numbers, which another's may have made so, in the batch or before: then nothing comes of the step, and all are computed again.</summary>
    private bool IsInDoubt(Sequence sequence, int row)
    {
        if ((sequence == _suspect && _isAlone) || IsUsable(_decoder.GetLogits(row)))
            return false;
        _isSpoiled = _isInDoubt = true;
        return true;
    }

    /// <summary>Forgets the cells of wrong guesses; those of right ones are the sequence's own.</summary>
    private void Settle(Sequence sequence)
    {
        if (sequence.Draft is not { Count: > 0 } draft)
            return;
        sequence.ComputedCount += draft.Verified;
        if (draft.Verified < draft.Count)
            _pool.Cut(sequence.Slot, sequence.ComputedCount);
        draft.Settle();
    }

    /// <summary>Appends the tokens that are decided now: the one sampled from the logits, and those that a grammar leaves no choice about. Hands out their text.</summary>
    private void Extend(Sequence sequence, bool isSampled)
    {
        GenerationEnd? end = null;
        int before = sequence.OutputCount;
        _text.ResetWrittenCount();
        try
        {
            int row = sequence.LogitsIndex;
            do
            {
                if (isSampled)
                {
                    if (IsInDoubt(sequence, row))
                        break;
                    end = sequence.AcceptSampled(Sample(sequence, row), _vocabulary, _text);
                    sequence.IsSuspect = false;
                }

                if (end is null && sequence.Reasoning is { } reasoning)
                    end = AcceptForced(sequence, reasoning.ForcedTokens);
                if (end is null && sequence.Constraint is { } constraint)
                    end = AcceptForced(sequence, constraint.ForcedTokens());
            }
            while (isSampled && end is null && IsGuessed(sequence, out row));
            Settle(sequence);
        }
        catch (Exception exception)
        {
            // Sampler, grammar and text are the sequence's own: a defect in them is not to cost the others anything.
            bool isDefect = exception is not EmbeddedLlmException;
            Settle(sequence);
            Fail(sequence, isDefect ? new DecodeException("The answer cannot go on, since the library failed in choosing its next token.", exception) : exception);
            Leave(sequence, isKept: !isDefect && !_isSpoiled);
            return;
        }

        _meter.Generated(sequence, sequence.OutputCount - before, isComputed: isSampled || end is not null);
        _wakes.Append(sequence.Output, _text.WrittenSpan, sequence.Log?.Ready, isLast: end is not null);
        if (end is { } reason)
        {
            GenerationSummary summary = sequence.Summarize(reason);
            if (sequence.Output.TrySeal(summary))
            {
                _answered.Add(sequence.Output);
                _meter.Completed(summary);
            }

            Leave(sequence, isKept: true);
        }
    }

    /// <summary>Whether the tokens that were chosen in this step were all guessed before; then the step has computed the logits for one more.</summary>
    private static bool IsGuessed(Sequence sequence, out int row)
    {
        row = -1;
        if (sequence.Draft is not { Count: > 0 } draft || !draft.Verify(sequence.Tokens.AsSpan(sequence.ComputedCount..sequence.TokenCount)))
            return false;
        row = draft.BatchIndex + draft.Verified - 1;
        return true;
    }

    private int Sample(Sequence sequence, int row)
    {
        ReadOnlySpan<float> logits = _decoder.GetLogits(row);
        ConstrainedAnswer? constraint = sequence.Constraint;
        constraint?.WriteMask(_mask);
        while (true)
        {
            int token = sequence.Sampler!.Sample(logits, constraint is null ? [] : _mask, _scratch);
            if (token < 0)
            {
                bool isUsable = IsUsable(logits);
                _isSpoiled |= !isUsable;
                throw isUsable && constraint is not null ? new DecodeException("No token is left that the grammar and the sampling options both allow.") : NoLogits();
            }

            if (constraint is null || constraint.TryAccept(token))
            {
                sequence.Log?.Observe(token, logits, _vocabulary, _scratch);
                return token;
            }

            // Only a token that ends the reasoning and goes on with something else than the answer is refused here and not by the mask.
            TokenMask.Remove(_mask, token);
        }
    }

    private static bool IsUsable(ReadOnlySpan<float> logits)
    {
        foreach (float logit in logits)
        {
            if (logit > float.NegativeInfinity)
                return true;
        }

        return false;
    }

    private static DecodeException NoLogits() => new("The model gave no usable logits: each is NaN or minus infinity.");

    private GenerationEnd? AcceptForced(Sequence sequence, ReadOnlySpan<int> tokens)
    {
        foreach (int token in tokens)
        {
            if (sequence.Constraint?.TryAccept(token) == false)
                throw new InvalidOperationException($"Token {token} is forced and not allowed.");
            if (sequence.AcceptForced(token, _vocabulary, _text) is { } end)
                return end;
        }

        return null;
    }

    /// <summary>Makes good a step that did not finish: after an abort the step is planned again, without the sequence that went where one did; a failure ends the step's sequences.</summary>
    private void Undo(DecodeResult result)
    {
        foreach (Sequence sequence in _planned)
        {
            if (result == DecodeResult.Aborted)
            {
                sequence.Draft?.Drop();
                int computed = sequence.ComputedCount;
                sequence.ComputedCount = _pool.Cut(sequence.Slot, computed);
                // Where the memory could not be cut all is gone, but for what was kept on the way.
                if (sequence.ComputedCount < computed)
                {
                    _cache.Withdraw(sequence.Slot);
                    sequence.Restart();
                }
            }
            else
            {
                Fail(sequence, new DecodeException(result == DecodeResult.NoCells
                    ? $"llama.cpp found no place in the KV cache for a batch of {_decoder.Batch.Count} tokens."
                    : $"llama.cpp failed to compute a batch of {_decoder.Batch.Count} tokens; its log says more."));
                Leave(sequence, isKept: false);
            }
        }

        // States have to lie side by side for a step, so that llama.cpp moves those of sequences that rest out of its way: it says where they are to be at once, and moves them in the course of the step.
        if (!_decoder.HasCellPerToken && _planned.Count > 1)
            ForgetAll();
    }
}
