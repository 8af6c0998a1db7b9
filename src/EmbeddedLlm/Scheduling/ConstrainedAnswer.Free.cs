using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Scheduling;

/// <content>An answer that is free until something comes that the grammar begins after.</content>
internal sealed partial class ConstrainedAnswer
{
    private StopString _trigger;
    private StopString? _shortcut;

    // Whether the answer has had nothing yet but white space, and then perhaps the beginning of what opens the reasoning.
    private bool _hasBegun;
    private bool _mayReason = true;
    private int _textLength;

    private bool TryAfterReasoning(ReadOnlySpan<byte> bytes)
    {
        (StopString trigger, StopString? shortcut, bool hasBegun, bool mayReason, int textLength) = (_trigger, _shortcut, _hasBegun, _mayReason, _textLength);
        (_hasBegun, _mayReason, _textLength) = (false, false, 0);
        AwaitTrigger();
        if (!TryFree(bytes))
        {
            (_trigger, _shortcut, _hasBegun, _mayReason, _textLength) = (trigger, shortcut, hasBegun, mayReason, textLength);
            return false;
        }

        _closing = _close;
        if (_phase == Phase.Reasoning)
            _phase = Phase.Free;
        return true;
    }

    private void AwaitTrigger()
    {
        _trigger = new StopString(_constraint.Trigger!.Text);
        _shortcut = _constraint.Trigger.Shortcut is { } shortcut ? new StopString(shortcut.Text) : null;
    }

    /// <summary>Takes a token of free text: all may come, but for one that goes on after the trigger with what the grammar does not allow.</summary>
    private bool TryFree(int token, ReadOnlySpan<byte> bytes) => _constraint.Vocabulary.Vocabulary.IsEndOfGeneration(token) || IsHiddenAhead(token, bytes) || TryFree(bytes);

    /// <summary>
    /// Whether a token is a control token ahead of an answer whose beginning counts, such as Llama's <c>&lt;|python_tag|&gt;</c> before a call in JSON: it is no text, so the answer still begins with what comes
    /// after it.
    /// </summary>
    private bool IsHiddenAhead(int token, ReadOnlySpan<byte> bytes)
    {
        if (_hasBegun || !_constraint.Trigger!.IsAtStart || _constraint.Vocabulary.Vocabulary.KindOf(token) != TokenKind.Control || _constraint.Trigger.Text.AsSpan().StartsWith(bytes))
            return false;
        return !(_mayReason && _constraint.Reasoning is { IsOpen: false } reasoning && reasoning.Open.AsSpan().StartsWith(bytes));
    }

    private bool TryFree(ReadOnlySpan<byte> bytes)
    {
        StopString trigger = _trigger;
        StopString? shortcut = _shortcut;
        (bool hasBegun, bool mayReason, int opened, int textLength) = (_hasBegun, _mayReason, _opened, _textLength);
        byte[] open = _constraint.Reasoning is { IsOpen: false } reasoning ? reasoning.Open : [];
        for (int i = 0; i < bytes.Length; i++)
        {
            if (!hasBegun && IsWhiteSpace(bytes.Slice(i, 1)))
                continue;
            hasBegun = true;
            mayReason = mayReason && opened < open.Length && open[opened] == bytes[i];
            if (mayReason && ++opened == open.Length)
            {
                _phase = Phase.Reasoning;
                if (TryReason(bytes[(i + 1)..]))
                    return true;
                _phase = Phase.Free;
                return false;
            }

            textLength = Math.Min(textLength + 1, int.MaxValue - 1);
            bool isShortcut = Advance(ref shortcut, bytes[i]);
            bool isTrigger = trigger.Advance(bytes[i]) && !(_constraint.Trigger!.IsAtStart && textLength != trigger.Length);
            if (isTrigger || isShortcut)
                return TryBegin(isTrigger ? [] : _constraint.Trigger!.Shortcut!.Read, bytes[(i + 1)..]);
        }

        (_trigger, _shortcut, _hasBegun, _mayReason, _opened, _textLength) = (trigger, shortcut, hasBegun, mayReason, opened, textLength);
        return true;
    }

    /// <summary>Goes on under the grammar, after what it has read already.</summary>
    private bool TryBegin(ReadOnlySpan<byte> read, ReadOnlySpan<byte> next)
    {
        GrammarCheckpoint checkpoint = _matcher.Checkpoint();
        if (_matcher.TryAdvance(read) && _matcher.TryAdvance(next))
        {
            _phase = Phase.Answer;
            return true;
        }

        _matcher.Rollback(checkpoint);
        return false;
    }

    private static bool Advance(ref StopString? text, byte next)
    {
        if (text is not { } known)
            return false;
        bool isWhole = known.Advance(next);
        text = known;
        return isWhole;
    }
}
