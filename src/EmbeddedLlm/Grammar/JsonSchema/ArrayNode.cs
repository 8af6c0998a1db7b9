using System.Runtime.InteropServices;

namespace EmbeddedLlm.Grammars;

/// <summary>A JSON array. How many items it has, and how many of some kinds, is kept on the parser's stack; an item is begun only where the array can be completed with it.</summary>
internal sealed class ArrayNode : GrammarNode
{
    private readonly ArrayLayout _layout;
    private readonly JsonPunctuation _punctuation;
    private readonly Dictionary<ArrayLayout.State, Place> _places = [];
    private readonly Lock _gate = new();

    /// <param name="layout">Which items there may be.</param>
    /// <param name="punctuation">What stands between them.</param>
    /// <param name="areItemsDistinct">Whether no item may be repeated, which a <see cref="JsonTrail"/> sees to.</param>
    /// <exception cref="ArgumentException">No array fits the layout.</exception>
    public ArrayNode(ArrayLayout layout, JsonPunctuation punctuation, bool areItemsDistinct = false)
    {
        if (!layout.IsPossible)
            throw new ArgumentException("No array fits.", nameof(layout));
        _layout = layout;
        _punctuation = punctuation;
        AreItemsDistinct = areItemsDistinct;
    }

    private bool AreItemsDistinct { get; }

    public override void Enter(Closure closure, ParserStack below)
    {
        Place initial = At(ArrayLayout.Initial);
        closure.Call(_punctuation.ArrayOpen(initial.Items.Count > 0, initial.CanClose, AreItemsDistinct), initial.AfterSeparator, below);
    }

    private Place At(ArrayLayout.State state)
    {
        lock (_gate)
        {
            ref Place? known = ref CollectionsMarshal.GetValueRefOrAddDefault(_places, state, out _);
            return known ??= new Place(this, state);
        }
    }

    /// <summary>A place in the array: what may come next.</summary>
    private sealed class Place
    {
        public Place(ArrayNode array, ArrayLayout.State state)
        {
            Array = array;
            Items = array._layout.Items(state);
            CanClose = array._layout.CanClose(state);
            AfterSeparator = new SeparatorDone(this);
            AfterItem = new ItemDone(this);
        }

        public ArrayNode Array { get; }

        public List<(GrammarNode Node, ArrayLayout.State Next)> Items { get; }

        public bool CanClose { get; }

        public SeparatorDone AfterSeparator { get; }

        /// <summary>Waits for the item that led to this place.</summary>
        public ItemDone AfterItem { get; }
    }

    private sealed class SeparatorDone(Place place) : Continuation
    {
        public override void Resume(Closure closure, ParserStack below, int label)
        {
            if (label == JsonPunctuation.Closed)
            {
                closure.Return(below);
                return;
            }

            foreach ((GrammarNode node, ArrayLayout.State next) in place.Items)
                closure.Call(node, place.Array.At(next).AfterItem, below);
        }
    }

    private sealed class ItemDone(Place place) : Continuation
    {
        public override void Resume(Closure closure, ParserStack below, int label) =>
            closure.Call(place.Array._punctuation.ArrayNext(place.Items.Count > 0, place.CanClose, place.Array.AreItemsDistinct), place.AfterSeparator, below);
    }
}
