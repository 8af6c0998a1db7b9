namespace EmbeddedLlm.Grammars;

/// <summary>
/// A state of a lexical automaton: a deterministic machine over bytes for a piece of text that has no structure the parser needs to see, such as a JSON
/// string or a number. States are immutable to their users, made when first asked for, and shared between threads.
/// </summary>
/// <remarks>
/// Two promises make masks exact and cheap. Equal states are the same object, at least mostly: masks are kept per object. And the automaton is trimmed: from
/// every state some text leads to an accepting state, so that an allowed byte never leads into a dead end.
/// </remarks>
internal abstract class LexicalState
{
    private static int s_lastId;

    private ByteTable<LexicalState> _next;
    private ByteSet _bytes;
    private volatile bool _knowsBytes;

    /// <summary>A number of its own among all states.</summary>
    public int Id { get; } = Interlocked.Increment(ref s_lastId);

    /// <summary>Whether the piece may end here.</summary>
    public abstract bool IsAccepting { get; }

    /// <summary>Whether any byte may follow. A state that does not accept can always continue.</summary>
    public abstract bool CanContinue { get; }

    /// <summary>Where the piece may end here: what was found, for whoever waits for it; for instance which key was read.</summary>
    public virtual int Label => 0;

    /// <summary>
    /// How many further characters of the inside of a JSON string, whichever they are and written literally, the automaton takes here without ending;
    /// <see cref="int.MaxValue"/> for any number. A finite number other than zero says also that no more literal characters than that are taken.
    /// </summary>
    public virtual int FreeCharacters => 0;

    /// <summary>
    /// A state that takes the same texts of up to <paramref name="characters"/> characters, accepting at the same places with the same labels; itself where there
    /// is none that more states share. Counting automata give one mask to all states that are far from a bound.
    /// </summary>
    public virtual LexicalState Within(int characters) => this;

    /// <summary>A token that matches here as a whole by its id and not by its bytes; null nearly always.</summary>
    public virtual TokenReference? Token => null;

    /// <summary>The masks of this state: one per vocabulary it was used with, and one per band of its tokens.</summary>
    public MaskList<StateMask> Masks { get; } = new(MaskList<StateMask>.Vocabularies * (1 + TokenBand.MaxCount));

    /// <summary>The bytes that may follow.</summary>
    public ref readonly ByteSet Bytes
    {
        get
        {
            if (!_knowsBytes)
            {
                ByteSet bytes = FindBytes();
                lock (this)
                    _bytes = bytes;
                _knowsBytes = true;
            }

            return ref _bytes;
        }
    }

    /// <summary>The state after one more byte, or null where it is not allowed.</summary>
    public LexicalState? Next(byte next)
    {
        if (_knowsBytes && !_bytes.Contains(next))
            return null;
        if (_next.TryGet(next, out LexicalState? state))
            return state;
        state = Compute(next);
        _next.Set(next, state);
        return state;
    }

    /// <summary>Finds the bytes that may follow; an automaton that knows them without trying each does better to override this.</summary>
    protected virtual ByteSet FindBytes()
    {
        ByteSet bytes = default;
        for (int next = 0; next <= byte.MaxValue; next++)
        {
            if (Compute((byte)next) is { } state)
            {
                bytes.Add((byte)next);
                _next.Set((byte)next, state);
            }
        }

        return bytes;
    }

    /// <summary>Finds the state after one more byte; called from any thread, perhaps more than once for one byte.</summary>
    protected abstract LexicalState? Compute(byte next);
}
