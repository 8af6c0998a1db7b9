using System.Runtime.InteropServices;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// Which items an array may have, and how many: a graph of states where each edge is an item. Where items of some kinds are counted (<c>contains</c>), the graph is
/// laid out whole and cut down to what can still be completed; else a state is the number of items alone.
/// </summary>
internal sealed class ArrayLayout
{
    /// <summary>How many states an array with counted items may have.</summary>
    private const int StateLimit = 20_000;

    private readonly ArrayItem[] _prefix;
    private readonly ArrayItem? _rest;
    private readonly int _min;
    private readonly int? _max;
    private readonly ItemCount[] _counts;
    private readonly HashSet<State>? _live;

    /// <param name="prefix">The items at the beginning; null where no item is possible.</param>
    /// <param name="rest">Each of the items after them; null where none is possible.</param>
    /// <param name="min">How many items there are at least.</param>
    /// <param name="max">How many items there are at most.</param>
    /// <param name="counts">How many items of the kinds there may be; bit i of <see cref="ArrayItem.Alternatives"/> is kind i. At most 4.</param>
    /// <exception cref="ArrayTooComplexException">The counts and bounds make too many states.</exception>
    public ArrayLayout(ReadOnlySpan<ArrayItem?> prefix, ArrayItem? rest, int min, int? max, ItemCount[] counts)
    {
        int possible = 0;
        while (possible < prefix.Length && prefix[possible] is not null)
            possible++;
        _prefix = prefix[..possible].ToArray()!;
        _rest = possible == prefix.Length ? rest : null;
        _min = min;
        _max = _rest is null ? Math.Min(max ?? int.MaxValue, possible) : max;
        _counts = counts;
        if (counts.Length > 0)
            _live = FindLive();
    }

    /// <summary>Where an array begins.</summary>
    public static State Initial => default;

    /// <summary>Whether any array fits.</summary>
    public bool IsPossible => IsLive(Initial);

    /// <summary>Whether the array may end.</summary>
    public bool CanClose(State state)
    {
        if (state.Index < _min || state.Index > _max)
            return false;
        for (int i = 0; i < _counts.Length; i++)
        {
            if (state.Count(i) < _counts[i].Min || state.Count(i) > _counts[i].Max)
                return false;
        }

        return true;
    }

    /// <summary>The items that may come next, each with the state after it.</summary>
    public List<(GrammarNode Node, State Next)> Items(State state)
    {
        List<(GrammarNode Node, State Next)> items = [];
        if (_max is { } max && state.Index >= max)
            return items;
        ArrayItem? item = state.Index < _prefix.Length ? _prefix[state.Index] : _rest;
        if (item is null)
            return items;
        foreach ((GrammarNode node, ulong kinds) in item.Alternatives)
        {
            State next = After(state, kinds);
            if (IsLive(next))
                items.Add((node, next));
        }

        return items;
    }

    /// <summary>Whether an array that fits can still come of it.</summary>
    private bool IsLive(State state) => _live?.Contains(state) ?? (_min <= (_max ?? int.MaxValue) && state.Index <= (_max ?? int.MaxValue));

    private State After(State state, ulong kinds)
    {
        // Without an upper bound, all lengths are alike once the beginning and the minimum are behind.
        int index = state.Index + 1;
        if (_max is null)
            index = Math.Min(index, Math.Max(_prefix.Length, _min));
        ulong counts = state.Counts;
        for (int i = 0; i < _counts.Length; i++)
        {
            if ((kinds >> i & 1) == 0 || state.Count(i) > (_counts[i].Max ?? _counts[i].Min - 1))
                continue;
            counts += 1UL << 16 * i;
        }

        return new State(index, counts);
    }

    private HashSet<State> FindLive()
    {
        if (_min > StateLimit || (_max is { } max && max > StateLimit && _rest is not null) || _counts.Any(count => count.Min > StateLimit || count.Max > StateLimit))
            throw new ArrayTooComplexException();

        Dictionary<State, List<State>> sources = new() { [Initial] = [] };
        Queue<State> todo = new([Initial]);
        while (todo.TryDequeue(out State state))
        {
            if (sources.Count > StateLimit)
                throw new ArrayTooComplexException();
            if (_max is { } limit && state.Index >= limit)
                continue;
            ArrayItem? item = state.Index < _prefix.Length ? _prefix[state.Index] : _rest;
            foreach ((_, ulong kinds) in item?.Alternatives ?? [])
            {
                State next = After(state, kinds);
                ref List<State>? from = ref CollectionsMarshal.GetValueRefOrAddDefault(sources, next, out bool isKnown);
                (from ??= []).Add(state);
                if (!isKnown)
                    todo.Enqueue(next);
            }
        }

        HashSet<State> live = [.. sources.Keys.Where(CanClose)];
        todo = new Queue<State>(live);
        while (todo.TryDequeue(out State state))
        {
            foreach (State source in sources[state])
            {
                if (live.Add(source))
                    todo.Enqueue(source);
            }
        }

        return live;
    }

    /// <param name="Index">How many items there are, as far as it matters.</param>
    /// <param name="Counts">How many of them are of the counted kinds, as far as it matters: 16 bits each.</param>
    public readonly record struct State(int Index, ulong Counts)
    {
        public int Count(int kind) => (int)(Counts >> 16 * kind & 0xFFFF);
    }
}

/// <summary>What can stand at one place of an array, divided by which counted kinds it is of.</summary>
internal sealed record ArrayItem(IReadOnlyList<(GrammarNode Node, ulong Kinds)> Alternatives);

/// <summary>How many items of a kind an array has.</summary>
internal readonly record struct ItemCount(int Min, int? Max);

/// <summary>An array's items can be counted in too many ways.</summary>
internal sealed class ArrayTooComplexException() : Exception("Too many states of an array.");
