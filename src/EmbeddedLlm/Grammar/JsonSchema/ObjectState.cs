namespace EmbeddedLlm.Grammars;

/// <summary>What an object has already, and what may therefore come next. One per object node and key.</summary>
internal sealed class ObjectState
{
    private readonly ObjectNode _node;
    private readonly Key _key;
    private readonly Dictionary<int, Continuation> _afterColon = [];
    private readonly Lazy<LexicalState?> _keys;

    public ObjectState(ObjectNode node, Key key)
    {
        _node = node;
        _key = key;
        Allowed = node.Layout.Allowed(key);
        CanClose = node.Layout.CanClose(key);
        _keys = new Lazy<LexicalState?>(() => node.Layout.Keys.Start(Allowed));
        AfterSeparator = new SeparatorDone(this);
        AfterKey = new KeyDone(this);
        AfterValue = new ValueDone(this);
    }

    /// <summary>The labels of the keys that may come next.</summary>
    public KeyChoice Allowed { get; }

    /// <summary>Whether the object may end.</summary>
    public bool CanClose { get; }

    /// <summary>Waits for the brace or comma before the next key, or the closing brace.</summary>
    public Continuation AfterSeparator { get; }

    private KeyDone AfterKey { get; }

    /// <summary>Waits for the value that led to this state.</summary>
    private ValueDone AfterValue { get; }

    private ObjectLayout Layout => _node.Layout;

    private Continuation AfterColon(int label)
    {
        lock (_afterColon)
        {
            if (!_afterColon.TryGetValue(label, out Continuation? known))
                _afterColon[label] = known = new ColonDone(this, label);
            return known;
        }
    }

    private void EnterValue(int label, Closure closure, ParserStack below)
    {
        ObjectValue value = Layout.Values[label]!;
        if (_key.Found == Layout.AllFound)
        {
            closure.Call(value.Node, _node.State(Layout.After(_key, label, 0)).AfterValue, below);
            return;
        }

        foreach ((GrammarNode node, ulong found) in value.Alternatives)
        {
            ObjectState next = _node.State(Layout.After(_key, label, found));
            if (!next.Allowed.IsEmpty || next.CanClose)
                closure.Call(node, next.AfterValue, below);
        }
    }

    /// <param name="Position">The first place in the order of keys that may still come; 0 throughout where any order is allowed.</param>
    /// <param name="Seen">The named keys that are there, as far as it matters.</param>
    /// <param name="Count">How many keys are there, as far as it matters.</param>
    /// <param name="Found">The wanted kinds of values that are there.</param>
    public readonly record struct Key(int Position, KeyChoice Seen, int Count, ulong Found)
    {
        public static Key Initial { get; } = new(0, KeyChoice.Empty, 0, 0);
    }

    private sealed class SeparatorDone(ObjectState state) : Continuation
    {
        public override void Resume(Closure closure, ParserStack below, int label)
        {
            if (label == JsonPunctuation.Closed)
                closure.Return(below);
            else if (state._keys.Value is { } keys)
                closure.Call(keys, state.AfterKey, below);
        }
    }

    private sealed class KeyDone(ObjectState state) : Continuation
    {
        public override void Resume(Closure closure, ParserStack below, int label) =>
            closure.Call(state.Layout.Punctuation.Colon, state.AfterColon(label), below);
    }

    private sealed class ColonDone(ObjectState state, int key) : Continuation
    {
        public override void Resume(Closure closure, ParserStack below, int label) => state.EnterValue(key, closure, below);
    }

    private sealed class ValueDone(ObjectState state) : Continuation
    {
        public override void Resume(Closure closure, ParserStack below, int label) =>
            closure.Call(state.Layout.Punctuation.ObjectNext(!state.Allowed.IsEmpty, state.CanClose), state.AfterSeparator, below);
    }
}
