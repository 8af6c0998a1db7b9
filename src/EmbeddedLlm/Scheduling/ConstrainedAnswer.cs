using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Scheduling;

/// <summary>
/// One answer that is held to a grammar: which tokens may come next, and which must. Belongs to the engine thread; only the mask of the next token may be computed
/// beside it, on a worker thread, while the model computes the logits.
/// </summary>
internal sealed partial class ConstrainedAnswer : IThreadPoolWorkItem
{
    /// <summary>How many tokens of white space a model may put between its reasoning and its answer.</summary>
    private const int GapLimit = 4;

    private const int Idle = 0;
    private const int Queued = 1;
    private const int Running = 2;

    private readonly AnswerConstraint _constraint;
    private readonly GrammarMatcher _matcher;
    private readonly StopString _close;
    private StopString _closing;
    private Phase _phase;
    private int _opened;
    private int _gap;
    private int _preparation;

    public ConstrainedAnswer(AnswerConstraint constraint)
    {
        _constraint = constraint;
        _matcher = constraint.Vocabulary.CreateMatcher(constraint.Grammar);
        if (!_matcher.TryAdvance(constraint.Begun))
            throw new ArgumentException("What is to be continued does not begin any text of the grammar.", nameof(constraint));
        if (constraint.Trigger is not null)
            AwaitTrigger();
        if (constraint.Reasoning is not { } reasoning)
        {
            _phase = _constraint.Trigger is null ? Phase.Answer : Phase.Free;
            return;
        }

        _close = _closing = new StopString(reasoning.Close);
        _phase = reasoning.IsOpen ? Phase.Reasoning : _constraint.Trigger is not null ? Phase.Free : reasoning.Open.Length > 0 ? Phase.Opening : Phase.Answer;
    }

    private enum Phase
    {
        /// <summary>Nothing has come yet: the model may begin to reason, or answer at once.</summary>
        Opening,

        /// <summary>The model reasons: everything may come but the end.</summary>
        Reasoning,

        /// <summary>It has ended its reasoning: white space, or the answer's beginning.</summary>
        Gap,

        /// <summary>The answer is free text, as long as nothing comes that the grammar begins after.</summary>
        Free,

        /// <summary>The answer.</summary>
        Answer,
    }

    /// <summary>Whether the answer is whole and nothing can be added to it.</summary>
    public bool IsFinished => _phase == Phase.Answer && _matcher.IsFinished;

    /// <summary>Whether the answer is whole as it is.</summary>
    public bool IsComplete => _phase == Phase.Answer && _matcher.IsComplete;

    /// <summary>Has a worker thread compute the mask of the next token, unless it is known from before.</summary>
    public void BeginMask()
    {
        if (_phase is Phase.Reasoning or Phase.Free || _matcher.IsMaskKnown || Interlocked.CompareExchange(ref _preparation, Queued, Idle) != Idle)
            return;
        WorkerThreads.Shared.Post(this);
    }

    /// <summary>Writes which tokens may come next.</summary>
    /// <param name="mask">One bit per token of the vocabulary.</param>
    /// <exception cref="GrammarException">The grammar is too ambiguous to be followed here.</exception>
    public void WriteMask(Span<ulong> mask)
    {
        EndMask();
        if (_phase == Phase.Free)
        {
            mask.Fill(ulong.MaxValue);
            return;
        }

        if (_phase == Phase.Reasoning)
        {
            mask.Fill(ulong.MaxValue);
            foreach (int end in _constraint.Vocabulary.EndTokens)
                TokenMask.Remove(mask, end);
            return;
        }

        _matcher.WriteMask(mask);
        if (_phase == Phase.Gap && _gap < GapLimit)
            AddWhiteSpace(mask);
        if (_phase == Phase.Opening)
            AddOpening(mask);
    }

    /// <summary>Takes a token.</summary>
    /// <returns>Whether it may come here; if not, nothing has changed.</returns>
    /// <exception cref="GrammarException">The grammar is too ambiguous to be followed here.</exception>
    public bool TryAccept(int token)
    {
        EndMask();
        ReadOnlySpan<byte> bytes = _constraint.Vocabulary.Vocabulary.BytesOf(token);
        switch (_phase)
        {
            case Phase.Opening when bytes.Length > 0 && _constraint.Reasoning!.Open.AsSpan(_opened).StartsWith(bytes):
                _opened += bytes.Length;
                if (_opened == _constraint.Reasoning.Open.Length)
                    _phase = Phase.Reasoning;
                return true;

            case Phase.Opening when _opened > 0:
                return false;

            case Phase.Reasoning:
                return TryReason(token, bytes);

            case Phase.Free:
                return TryFree(token, bytes);

            case Phase.Gap when IsWhiteSpace(bytes) && _gap < GapLimit:
                _gap++;
                return true;

            default:
                return TryAnswer(token);
        }
    }

    /// <summary>The tokens that must come next: appended without being sampled. Empty where there is a choice.</summary>
    /// <exception cref="GrammarException">The grammar is too ambiguous to be followed here.</exception>
    public ReadOnlySpan<int> ForcedTokens() =>
        _phase == Phase.Answer && _constraint.Tokenize is { } tokenize ? _matcher.ForcedTokens(tokenize) : [];

    /// <summary>How many of some guessed tokens may come next, one after the other. Nothing changes.</summary>
    /// <remarks>Tells only where it is cheap to know: all may come as long as the answer is free, or where the grammar is too ambiguous to be followed.</remarks>
    public int CountPossible(ReadOnlySpan<int> tokens)
    {
        if (_phase != Phase.Answer)
            return tokens.Length;
        EndMask();
        GrammarCheckpoint checkpoint = _matcher.Checkpoint();
        int count = 0;
        try
        {
            while (count < tokens.Length && _matcher.TryAdvance(tokens[count]))
                count++;
            return count;
        }
        catch (GrammarException)
        {
            return tokens.Length;
        }
        finally
        {
            _matcher.Rollback(checkpoint);
        }
    }

    /// <summary>Computes the mask on a thread of the pool. What goes wrong there goes wrong again, and is told, where the mask is asked for.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        if (Interlocked.CompareExchange(ref _preparation, Running, Queued) != Queued)
            return;
        try
        {
            _matcher.PrepareMask();
        }
        catch (Exception)
        {
        }
        finally
        {
            Volatile.Write(ref _preparation, Idle);
        }
    }

    /// <summary>Waits for the pool where it has begun, and takes the work back where it has not.</summary>
    private void EndMask()
    {
        if (Interlocked.CompareExchange(ref _preparation, Idle, Queued) is Idle or Queued)
            return;
        SpinWait wait = default;
        while (Volatile.Read(ref _preparation) != Idle)
            wait.SpinOnce();
    }

    private bool TryAnswer(int token)
    {
        if (!_matcher.TryAdvance(token))
            return false;
        _phase = Phase.Answer;
        return true;
    }

    private bool TryReason(int token, ReadOnlySpan<byte> bytes) => !_constraint.Vocabulary.Vocabulary.IsEndOfGeneration(token) && TryReason(bytes);

    private bool TryReason(ReadOnlySpan<byte> bytes)
    {
        StopString closing = _closing;
        for (int i = 0; i < bytes.Length; i++)
        {
            if (!closing.Advance(bytes[i]))
                continue;
            if (_constraint.Trigger is not null)
                return TryAfterReasoning(bytes[(i + 1)..]);
            // What follows the end within the same token belongs to the answer, or is white space.
            ReadOnlySpan<byte> after = bytes[(i + 1)..];
            if (!IsWhiteSpace(after) && !_matcher.TryAdvance(after.TrimStart(" \t\r\n"u8)))
                return false;
            _phase = IsWhiteSpace(after) ? Phase.Gap : Phase.Answer;
            _closing = _close;
            return true;
        }

        _closing = closing;
        return true;
    }

    private void AddWhiteSpace(Span<ulong> mask)
    {
        ReadOnlySpan<byte> gaps = "\n\n\n"u8;
        AddToken(mask, " "u8);
        for (int length = 1; length <= gaps.Length; length++)
            AddToken(mask, gaps[..length]);
    }

    private void AddOpening(Span<ulong> mask)
    {
        ReadOnlySpan<byte> rest = _constraint.Reasoning!.Open.AsSpan(_opened);
        if (_opened > 0)
            mask.Clear();
        for (int length = 1; length <= rest.Length; length++)
            AddToken(mask, rest[..length]);
        if (_constraint.Vocabulary.FindControl(rest) is >= 0 and int control)
            TokenMask.Add(mask, control);
    }

    private void AddToken(Span<ulong> mask, ReadOnlySpan<byte> text)
    {
        if (_constraint.Vocabulary.Trie.Find(text) is >= 0 and int node)
            TokenMask.Add(mask, _constraint.Vocabulary.Trie.TokensOf(node));
    }

    private static bool IsWhiteSpace(ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyExcept(" \t\r\n"u8) < 0;
}
