using System.Runtime.InteropServices;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// A JSON object. Which keys it has already is kept on the parser's stack, so required keys, dependencies between keys and their number hold exactly, in a
/// fixed order or in any; and a key can only be begun where the object can still be completed with it.
/// </summary>
/// <remarks>
/// A named key comes once at most. Keys without a name may be repeated, since an automaton cannot tell them apart; readers of JSON keep the last of them, and each fits.
/// </remarks>
internal sealed class ObjectNode : GrammarNode
{
    private readonly ObjectLayout _layout;
    private readonly Dictionary<ObjectState.Key, ObjectState> _states = [];
    private readonly Lock _gate = new();

    /// <exception cref="ArgumentException">No object fits the layout.</exception>
    public ObjectNode(ObjectLayout layout)
    {
        if (!layout.IsPossible)
            throw new ArgumentException("No object fits.", nameof(layout));
        _layout = layout;
        Initial = State(ObjectState.Key.Initial);
    }

    public ObjectLayout Layout => _layout;

    private ObjectState Initial { get; }

    public override void Enter(Closure closure, ParserStack below) =>
        closure.Call(_layout.Punctuation.ObjectOpen(!Initial.Allowed.IsEmpty, Initial.CanClose), Initial.AfterSeparator, below);

    public ObjectState State(ObjectState.Key key)
    {
        lock (_gate)
        {
            ref ObjectState? known = ref CollectionsMarshal.GetValueRefOrAddDefault(_states, key, out _);
            return known ??= new ObjectState(this, key);
        }
    }
}
