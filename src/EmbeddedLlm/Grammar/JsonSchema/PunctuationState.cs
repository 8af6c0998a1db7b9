namespace EmbeddedLlm.Grammars;

/// <summary>A state of a small automaton that is laid out by hand: punctuation with its white space, or one of a few words.</summary>
internal sealed class PunctuationState(bool isAccepting, int label = 0) : LexicalState
{
    private (byte Byte, PunctuationState Next)[] _transitions = [];
    private PunctuationState? _first;
    private int _remaining;

    public override bool IsAccepting => isAccepting;

    public override bool CanContinue => _transitions.Length > 0;

    public override int Label => label;

    /// <summary>Whether an array whose items are distinct has begun, and an item may begin or has ended.</summary>
    public bool IsAmongDistinctItems { get; init; }

    /// <summary>Lets a byte lead to a state; only while the automaton is laid out.</summary>
    public void Lead(byte from, PunctuationState to) => _transitions = [.. _transitions, (from, to)];

    /// <summary>The state a byte leads to so far.</summary>
    public PunctuationState? Find(byte next)
    {
        foreach ((byte known, PunctuationState state) in _transitions)
        {
            if (known == next)
                return state;
        }

        return null;
    }

    /// <summary>Says that this state differs from another one only in how many characters of white space it still takes.</summary>
    public void CountFrom(PunctuationState first, int remaining)
    {
        _first = first;
        _remaining = remaining;
    }

    /// <inheritdoc/>
    public override LexicalState Within(int characters) => _first is not null && _remaining >= characters ? _first : this;

    protected override LexicalState? Compute(byte next) => Find(next);
}
