namespace EmbeddedLlm.Grammars;

/// <summary>What an <see cref="ObjectNode"/> is made of. Arrays are indexed by label.</summary>
internal sealed class ObjectLayout
{
    private readonly KeyChoice _names;
    private readonly KeyChoice _others;
    private readonly KeyChoice _relevant;
    private readonly KeyChoice[] _from;
    private readonly int _countLimit;

    /// <summary>How many keys at least bring all kinds of a set; null where none do.</summary>
    private readonly int?[] _keysToFind;

    /// <param name="wanted">How many kinds of values must be found among those of keys without a name; bit i of <see cref="ObjectValue.Alternatives"/>' masks is kind i.</param>
    /// <param name="keys">The keys; their labels are the indexes of all that follows.</param>
    /// <param name="positions">The place of each named key in the order of keys, from 0; -1 for the others, which come last.</param>
    /// <param name="values">The value of each key; null where no value is possible.</param>
    /// <param name="presences">Which keys may be there together: one of these must hold.</param>
    public ObjectLayout(JsonKeys keys, int[] positions, ObjectValue?[] values, ObjectPresence[] presences, int wanted = 0)
    {
        Wanted = wanted;
        Keys = keys;
        Positions = positions;
        Values = values;
        Presences = presences;
        List<int> names = [];
        List<int> others = [];
        for (int label = 0; label < values.Length; label++)
        {
            if (values[label] is not null)
                (positions[label] >= 0 ? names : others).Add(label);
        }

        _names = KeyChoice.Of(names);
        _others = KeyChoice.Of(others);
        int last = positions.Length == 0 ? -1 : positions.Max();
        _from = new KeyChoice[last + 2];
        _from[last + 1] = KeyChoice.Empty;
        int[] byPosition = new int[last + 1];
        Array.Fill(byPosition, -1);
        foreach (int label in names)
            byPosition[positions[label]] = label;
        for (int position = last; position >= 0; position--)
            _from[position] = byPosition[position] < 0 ? _from[position + 1] : _from[position + 1].With(byPosition[position]);

        _relevant = KeyChoice.Empty;
        foreach (ObjectPresence presence in presences)
        {
            _relevant = _relevant.Or(presence.Required).Or(presence.Forbidden);
            foreach ((int trigger, int needed) in presence.Dependents)
                _relevant = _relevant.With(trigger).With(needed);
            _countLimit = Math.Max(_countLimit, Math.Max(presence.Min, presence.Max + 1 ?? 0));
        }

        _keysToFind = KeysToFind();
    }

    public required JsonPunctuation Punctuation { get; init; }

    /// <summary>Whether keys may come in any order.</summary>
    public bool IsAnyOrder { get; init; }

    private int Wanted { get; }

    public JsonKeys Keys { get; }

    public int[] Positions { get; }

    public ObjectValue?[] Values { get; }

    public ObjectPresence[] Presences { get; }

    /// <summary>Whether any object fits.</summary>
    public bool IsPossible => !Allowed(ObjectState.Key.Initial).IsEmpty || CanClose(ObjectState.Key.Initial);

    public ulong AllFound => (1UL << Wanted) - 1;

    /// <summary>The state after a key and its value.</summary>
    public ObjectState.Key After(ObjectState.Key state, int label, ulong found)
    {
        bool isName = Positions[label] >= 0;
        int position = IsAnyOrder ? 0 : isName ? Positions[label] + 1 : _from.Length - 1;
        bool isKept = isName && (IsAnyOrder || _relevant.Contains(label));
        // What is beyond every bound stays beyond it.
        int count = Math.Min(state.Count + 1, _countLimit);
        return new ObjectState.Key(position, isKept ? state.Seen.With(label) : state.Seen, count, state.Found | found);
    }

    /// <summary>The keys that may come next.</summary>
    public KeyChoice Allowed(ObjectState.Key state)
    {
        List<int> allowed = [];
        foreach (int label in _from[state.Position].Except(state.Seen).Labels)
        {
            if (IsAlive(After(state, label, 0)))
                allowed.Add(label);
        }

        foreach (int label in _others.Labels)
        {
            if (Values[label]!.Alternatives.Any(value => IsAlive(After(state, label, value.Found))))
                allowed.Add(label);
        }

        return KeyChoice.Of(allowed);
    }

    /// <summary>Whether the object may end.</summary>
    public bool CanClose(ObjectState.Key state)
    {
        if (state.Found != AllFound)
            return false;
        foreach (ObjectPresence presence in Presences)
        {
            if (state.Count >= presence.Min && IsAlive(state, presence) && Needed(state, presence).IsEmpty)
                return true;
        }

        return false;
    }

    private int?[] KeysToFind()
    {
        ulong[] kinds = [.. _others.Labels.SelectMany(label => Values[label]!.Alternatives).Select(value => value.Found).Where(found => found != 0).Distinct()];
        int?[] least = new int?[1 << Wanted];
        least[0] = 0;
        // A set's subsets have smaller numbers, so they are known before it.
        for (ulong missing = 1; missing < (ulong)least.Length; missing++)
        {
            foreach (ulong found in kinds)
            {
                if ((missing & found) != 0 && least[missing & ~found] is { } rest && !(least[missing] <= rest + 1))
                    least[missing] = rest + 1;
            }
        }

        return least;
    }

    private static KeyChoice Needed(ObjectState.Key state, ObjectPresence presence) => presence.Closure(presence.Required.Or(state.Seen)).Except(state.Seen);

    private bool IsAlive(ObjectState.Key state)
    {
        foreach (ObjectPresence presence in Presences)
        {
            if (IsAlive(state, presence))
                return true;
        }

        return false;
    }

    /// <summary>Whether an object that fits can still come of it.</summary>
    private bool IsAlive(ObjectState.Key state, ObjectPresence presence)
    {
        if (!state.Seen.And(presence.Forbidden).IsEmpty || state.Count > presence.Max)
            return false;
        KeyChoice needed = Needed(state, presence);
        KeyChoice available = _from[state.Position].Except(state.Seen).Except(presence.Forbidden);
        if (!needed.Except(available).IsEmpty)
            return false;
        if (_keysToFind[AllFound & ~state.Found] is not { } toFind)
            return false;
        int neededCount = needed.Count + toFind;
        if (state.Count + neededCount > presence.Max)
            return false;
        return state.Count + neededCount >= presence.Min
            || !_others.IsEmpty
            || state.Count + presence.LargestConsistent(available, state.Seen).Count >= presence.Min;
    }
}

/// <summary>The value of a key.</summary>
/// <param name="Node">Every value that fits.</param>
/// <param name="Alternatives">The same, divided by which wanted kinds they are of.</param>
internal sealed record ObjectValue(GrammarNode Node, IReadOnlyList<(GrammarNode Node, ulong Found)> Alternatives);
