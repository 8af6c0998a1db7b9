using System.Runtime.InteropServices;

namespace EmbeddedLlm.Grammars;

/// <summary>A JSON array of some of a few values, each at most once. Which were used is kept on the parser's stack.</summary>
internal sealed class DistinctArrayNode : GrammarNode
{
    private readonly GrammarNode[] _values;
    private readonly int _min;
    private readonly int _max;
    private readonly JsonPunctuation _punctuation;
    private readonly Dictionary<KeyChoice, Place> _places = [];
    private readonly Lock _gate = new();

    /// <param name="values">The values; no two take the same text.</param>
    /// <param name="min">How many there are at least; no more than there are values.</param>
    /// <param name="max">How many there are at most.</param>
    /// <param name="punctuation">What stands between them.</param>
    public DistinctArrayNode(GrammarNode[] values, int min, int? max, JsonPunctuation punctuation)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(min, values.Length);
        _values = values;
        _min = min;
        _max = Math.Min(max ?? values.Length, values.Length);
        _punctuation = punctuation;
    }

    public override void Enter(Closure closure, ParserStack below) =>
        closure.Call(_punctuation.ArrayOpen(_max > 0, _min == 0), At(KeyChoice.Empty).AfterSeparator, below);

    private Place At(KeyChoice used)
    {
        lock (_gate)
        {
            ref Place? known = ref CollectionsMarshal.GetValueRefOrAddDefault(_places, used, out _);
            return known ??= new Place(this, used);
        }
    }

    /// <summary>A place in the array, after the values used so far.</summary>
    private sealed class Place
    {
        public Place(DistinctArrayNode array, KeyChoice used)
        {
            Array = array;
            Used = used;
            Count = used.Count;
            AfterSeparator = new SeparatorDone(this);
            AfterItem = new ItemDone(this);
        }

        public DistinctArrayNode Array { get; }

        public KeyChoice Used { get; }

        public int Count { get; }

        public SeparatorDone AfterSeparator { get; }

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

            for (int i = 0; i < place.Array._values.Length; i++)
            {
                if (!place.Used.Contains(i))
                    closure.Call(place.Array._values[i], place.Array.At(place.Used.With(i)).AfterItem, below);
            }
        }
    }

    private sealed class ItemDone(Place place) : Continuation
    {
        public override void Resume(Closure closure, ParserStack below, int label) =>
            closure.Call(place.Array._punctuation.ArrayNext(place.Count < place.Array._max, place.Count >= place.Array._min), place.AfterSeparator, below);
    }
}
