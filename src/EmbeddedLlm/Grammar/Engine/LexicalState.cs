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

    /// <summary>The per-vocabulary masks of this state; owned by the mask code.</summary>
    internal StateMasks? Masks;

    /// <summary>The state after one more byte, or null where it is not allowed.</summary>
    public LexicalState? Next(byte next)
    {
        if (_next.TryGet(next, out LexicalState? state))
            return state;
        state = Compute(next);
        _next.Set(next, state);
        return state;
    }

    /// <summary>Finds the state after one more byte; called from any thread, perhaps more than once for one byte.</summary>
    protected abstract LexicalState? Compute(byte next);
}
