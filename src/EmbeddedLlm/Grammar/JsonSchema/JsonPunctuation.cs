using System.Text;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// The lexical automata of what stands between JSON values, white space included, one set for all grammars. A value's own text begins and ends without white
/// space: what stands before it belongs to the punctuation before it, what stands after it to that after it.
/// </summary>
internal sealed class JsonPunctuation
{
    /// <summary>The label where another key or item has to follow.</summary>
    public const int More = 1;

    /// <summary>The label where the object or array is complete.</summary>
    public const int Closed = 2;

    /// <summary>How many characters of white space may stand in one place when text is generated: a line break and 15 levels of 4 columns, or 31 of 2.</summary>
    public const int WhiteSpaceLimit = 64;

    private static readonly JsonPunctuation[] s_all = [new(WhiteSpace.None), new(WhiteSpace.Spaced), new(WhiteSpace.Bounded), new(WhiteSpace.Unbounded)];

    private readonly WhiteSpace _whiteSpace;
    private readonly LexicalState[] _objectOpen;
    private readonly LexicalState[] _objectNext;
    private readonly LexicalState[] _arrayOpen;
    private readonly LexicalState[] _distinctOpen;
    private readonly LexicalState[] _arrayNext;
    private readonly LexicalState[] _distinctNext;

    private JsonPunctuation(WhiteSpace whiteSpace)
    {
        _whiteSpace = whiteSpace;
        _objectOpen = Variants((more, close) => Open('{', '}', more, close));
        _objectNext = Variants((more, close) => Next('}', more, close));
        _arrayOpen = Variants((more, close) => Open('[', ']', more, close));
        _distinctOpen = Variants((more, close) => Open('[', ']', more, close, areItemsDistinct: true));
        _arrayNext = Variants((more, close) => Next(']', more, close));
        _distinctNext = Variants((more, close) => Next(']', more, close, areItemsDistinct: true));
        PunctuationState afterColon = new(isAccepting: true);
        Spread(afterColon);
        PunctuationState colon = new(isAccepting: false);
        colon.Lead((byte)':', Separated(afterColon));
        Spread(colon);
        Colon = colon;
        PunctuationState around = new(isAccepting: true);
        Spread(around);
        Around = around;
    }

    /// <summary>What stands between a key and its value.</summary>
    public LexicalState Colon { get; }

    /// <summary>White space before and after the whole text; the empty text where there is none.</summary>
    public LexicalState Around { get; }

    public static JsonPunctuation For(WhiteSpace whiteSpace) => s_all[(int)whiteSpace];

    /// <summary>The automaton of one of a few words.</summary>
    public static LexicalState Words(params ReadOnlySpan<string> words)
    {
        PunctuationState start = new(isAccepting: false);
        foreach (string word in words)
        {
            PunctuationState state = start;
            byte[] utf8 = Encoding.UTF8.GetBytes(word);
            for (int i = 0; i < utf8.Length; i++)
            {
                PunctuationState? next = state.Find(utf8[i]);
                if (next is null)
                    state.Lead(utf8[i], next = new PunctuationState(isAccepting: i == utf8.Length - 1));
                state = next;
            }
        }

        return start;
    }

    /// <summary>The beginning of an object: what follows is a key (<see cref="More"/>) or nothing (<see cref="Closed"/>). At least one of them must be possible.</summary>
    public LexicalState ObjectOpen(bool more, bool close) => _objectOpen[Variant(more, close)];

    /// <summary>What follows a value of an object.</summary>
    public LexicalState ObjectNext(bool more, bool close) => _objectNext[Variant(more, close)];

    /// <summary>The beginning of an array.</summary>
    /// <param name="more">Whether an item may follow.</param>
    /// <param name="close">Whether the array may be empty.</param>
    /// <param name="areItemsDistinct">Whether a <see cref="JsonTrail"/> is to keep the items from being repeated.</param>
    public LexicalState ArrayOpen(bool more, bool close, bool areItemsDistinct = false) => (areItemsDistinct ? _distinctOpen : _arrayOpen)[Variant(more, close)];

    /// <summary>What follows an item of an array.</summary>
    /// <inheritdoc cref="ArrayOpen"/>
    public LexicalState ArrayNext(bool more, bool close, bool areItemsDistinct = false) => (areItemsDistinct ? _distinctNext : _arrayNext)[Variant(more, close)];

    private static int Variant(bool more, bool close)
    {
        if (!more && !close)
            throw new InvalidOperationException("Neither another part nor the end is possible.");
        return (more ? 1 : 0) + (close ? 2 : 0) - 1;
    }

    private static LexicalState[] Variants(Func<bool, bool, LexicalState> create) => [create(true, false), create(false, true), create(true, true)];

    private PunctuationState Open(char open, char close, bool more, bool canClose, bool areItemsDistinct = false)
    {
        PunctuationState inside = new(more, more ? More : 0) { IsAmongDistinctItems = areItemsDistinct };
        if (canClose)
            inside.Lead((byte)close, new PunctuationState(isAccepting: true, Closed));
        Spread(inside);
        PunctuationState start = new(isAccepting: false);
        start.Lead((byte)open, inside);
        return start;
    }

    private PunctuationState Next(char close, bool more, bool canClose, bool areItemsDistinct = false)
    {
        PunctuationState start = new(isAccepting: false) { IsAmongDistinctItems = areItemsDistinct };
        if (more)
        {
            PunctuationState comma = new(isAccepting: true, More);
            Spread(comma);
            start.Lead((byte)',', Separated(comma));
        }

        if (canClose)
            start.Lead((byte)close, new PunctuationState(isAccepting: true, Closed));
        Spread(start);
        return start;
    }

    /// <summary>What stands between a colon or comma and what it leads to.</summary>
    private PunctuationState Separated(PunctuationState next)
    {
        if (_whiteSpace != WhiteSpace.Spaced)
            return next;
        PunctuationState space = new(isAccepting: false);
        space.Lead((byte)' ', next);
        return space;
    }

    /// <summary>Lets white space stand before whatever a state leads to. To be called when all of that is known.</summary>
    private void Spread(PunctuationState state)
    {
        ReadOnlySpan<byte> spaces = " \t\r\n"u8;
        if (_whiteSpace == WhiteSpace.Unbounded)
        {
            foreach (byte space in spaces)
                state.Lead(space, state);
        }
        else if (_whiteSpace == WhiteSpace.Bounded)
        {
            // From the last to the first, since each leads to the next.
            PunctuationState[] chain = new PunctuationState[WhiteSpaceLimit];
            for (int i = WhiteSpaceLimit - 1; i >= 0; i--)
            {
                chain[i] = new PunctuationState(state.IsAccepting, state.Label) { IsAmongDistinctItems = state.IsAmongDistinctItems };
                chain[i].CountFrom(state, WhiteSpaceLimit - 1 - i);
                foreach (byte other in "{}[],:"u8)
                {
                    if (state.Find(other) is { } next)
                        chain[i].Lead(other, next);
                }

                if (i + 1 < WhiteSpaceLimit)
                {
                    foreach (byte space in spaces)
                        chain[i].Lead(space, chain[i + 1]);
                }
            }

            foreach (byte space in spaces)
                state.Lead(space, chain[0]);
        }
    }
}
