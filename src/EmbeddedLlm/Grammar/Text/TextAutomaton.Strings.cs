namespace EmbeddedLlm.Grammars;

/// <content>What is kept with an automaton for those who spell its texts.</content>
internal sealed partial class TextAutomaton
{
    /// <summary>How many pairs of bounds are kept in mind.</summary>
    private const int BoundedLimit = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<TextEncoder, BoundedText> _unbounded = [];

    /// <summary>By bounds and encoder; no longer kept than some grammar uses them, as this automaton may live as long as the process.</summary>
    private readonly Dictionary<(int Min, int? Max, TextEncoder Encoder), WeakReference<BoundedText>> _bounded = [];
    private readonly Lazy<StateClasses> _classes;
    private bool[]? _isFree;
    private bool[]? _isFreeAndAccepting;

    /// <summary>The texts with a length within bounds, to be spelled by an encoder; one object for equal arguments as long as it is in use.</summary>
    /// <exception cref="GrammarException">It takes too long to find out which lengths there are.</exception>
    public BoundedText Bounded(int min, int? max, TextEncoder encoder)
    {
        lock (_gate)
        {
            if (!_unbounded.TryGetValue(encoder, out BoundedText? unbounded))
                _unbounded[encoder] = unbounded = new BoundedText(this, 0, null, null);
            if (min == 0 && max is null)
                return unbounded;
            if (_bounded.TryGetValue((min, max, encoder), out WeakReference<BoundedText>? weak) && weak.TryGetTarget(out BoundedText? known))
                return known;
            if (_bounded.Count >= BoundedLimit)
                _bounded.Clear();
            BoundedText bounded = new(this, min, max, unbounded);
            _bounded[(min, max, encoder)] = new WeakReference<BoundedText>(bounded);
            return bounded;
        }
    }

    /// <inheritdoc cref="StateClasses.Representative"/>
    public int Representative(int state, int characters) => _classes.Value.Representative(state, characters);

    /// <summary>Whether any characters that JSON strings can hold literally, in any number, are accepted parts of a text from a state on.</summary>
    /// <param name="state">The state.</param>
    /// <param name="mustAccept">Whether the text must be able to end after each of them, and before the first.</param>
    public bool IsFree(int state, bool mustAccept)
    {
        bool[]? isFree = Volatile.Read(ref mustAccept ? ref _isFreeAndAccepting : ref _isFree);
        if (isFree is null)
        {
            isFree = FreeStates.Find(_table, mustAccept ? candidate => _isAccepting[candidate] : static _ => true);
            Volatile.Write(ref mustAccept ? ref _isFreeAndAccepting : ref _isFree, isFree);
        }

        return isFree[state];
    }
}
