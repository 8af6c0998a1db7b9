using System.Runtime.InteropServices;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// Which states of an automaton no text of up to a number of characters tells apart, so that what holds for short texts has to be found out for one of them only. An automaton that counts, say up to the 64
/// characters before an <c>@</c>, has a state for every count, and most of them are alike to a token of a few characters. Thread-safe.
/// </summary>
/// <remarks>
/// Partition refinement (E. F. Moore, Gedanken-experiments on sequential machines, 1956): its round k leaves those together that texts of k characters do not tell apart. A round looks only at the states that lead to
/// such as the last one has told apart.
/// </remarks>
internal sealed class StateClasses
{
    /// <summary>A bound on time, in transitions looked at; what is not found out within it is not used.</summary>
    private const int WorkLimit = 1_000_000;

    /// <summary>After which rounds the classes are kept.</summary>
    private static readonly int[] s_kept = [20, 36, 68, 132, 260];

    private readonly TransitionTable _table;
    private readonly bool _isTooLarge;
    private readonly int[][] _sources;
    private readonly int[] _classes;
    private readonly List<int> _sizes = [0, 0];
    private readonly int[]?[] _representatives = new int[]?[s_kept.Length];
    private readonly Lock _gate = new();
    private List<int> _toldApart;
    private int _rounds;
    private int _work;

    /// <param name="table">The automaton.</param>
    /// <param name="isAccepting">The states where a text may end.</param>
    public StateClasses(TransitionTable table, ReadOnlySpan<bool> isAccepting)
    {
        _table = table;
        _isTooLarge = (long)table.StateCount * table.Partition.Count > WorkLimit;
        _classes = new int[_isTooLarge ? 0 : table.StateCount];
        List<int>[] sources = [.. _classes.Select(static _ => new List<int>())];
        for (int state = 0; state < _classes.Length; state++)
        {
            _classes[state] = isAccepting[state] ? 1 : 0;
            _sizes[_classes[state]]++;
            foreach (int successor in table.Successors(state).Distinct())
                sources[successor].Add(state);
        }

        _sources = [.. sources.Select(static each => each.ToArray())];
        _toldApart = [.. Enumerable.Range(0, _classes.Length)];
    }

    /// <summary>The least of the states that no text of so many characters tells apart from a state; that state itself where it would take too long to find out.</summary>
    public int Representative(int state, int characters)
    {
        // One more character, after which a text that could not go on would be told from one that could.
        int index = Array.FindIndex(s_kept, rounds => rounds > characters);
        if (index < 0 || _isTooLarge)
            return state;
        int[] representatives = Volatile.Read(ref _representatives[index]) ?? Refine(index);
        return representatives.Length == 0 ? state : representatives[state];
    }

    /// <summary>Does the rounds that are missing.</summary>
    /// <returns>The states' representatives; empty where each is its own.</returns>
    private int[] Refine(int index)
    {
        lock (_gate)
        {
            for (int i = 0; i <= index; i++)
            {
                while (_rounds < s_kept[i] && _toldApart.Count > 0 && _work <= WorkLimit)
                {
                    _toldApart = TellApart();
                    _rounds++;
                }

                if (_representatives[i] is null)
                    Volatile.Write(ref _representatives[i], _rounds < s_kept[i] && _toldApart.Count > 0 ? [] : Representatives());
            }

            return _representatives[index]!;
        }
    }

    private int[] Representatives()
    {
        if (_sizes.Count(static size => size > 0) == _classes.Length)
            return [];
        int[] least = new int[_sizes.Count];
        Array.Fill(least, -1);
        int[] representatives = new int[_classes.Length];
        for (int state = 0; state < representatives.Length; state++)
        {
            ref int first = ref least[_classes[state]];
            if (first < 0)
                first = state;
            representatives[state] = first;
        }

        return representatives;
    }

    /// <summary>One round: splits the classes by where their states lead to.</summary>
    /// <returns>The states that are of another class now.</returns>
    private List<int> TellApart()
    {
        // What leads only to states of the same classes as before is like what it was like before.
        HashSet<int> affected = _rounds == 0 ? [.. _toldApart] : [.. _toldApart.SelectMany(state => _sources[state])];
        Dictionary<int, Dictionary<IntSequence, List<int>>> split = [];
        foreach (int state in affected)
        {
            ref Dictionary<IntSequence, List<int>>? parts = ref CollectionsMarshal.GetValueRefOrAddDefault(split, _classes[state], out _);
            ref List<int>? part = ref CollectionsMarshal.GetValueRefOrAddDefault(parts ??= [], new IntSequence(Row(state)), out _);
            (part ??= []).Add(state);
        }

        List<int> moved = [];
        foreach ((int old, Dictionary<IntSequence, List<int>> parts) in split)
        {
            // Those that were not looked at stay; where there are none, the first of the others do.
            bool someStay = parts.Values.Sum(static part => part.Count) < _sizes[old];
            foreach (List<int> part in someStay ? parts.Values : parts.Values.Skip(1))
            {
                foreach (int state in part)
                    _classes[state] = _sizes.Count;
                _sizes[old] -= part.Count;
                _sizes.Add(part.Count);
                moved.AddRange(part);
            }
        }

        return moved;
    }

    /// <summary>The class of the state that each class of characters leads to, or -1.</summary>
    private int[] Row(int state)
    {
        int[] row = new int[_table.Partition.Count];
        _work += row.Length;
        Array.Fill(row, ClassOf(_table.DefaultOf(state)));
        ReadOnlySpan<int> exceptions = _table.ExceptionsOf(state), targets = _table.ExceptionTargetsOf(state);
        for (int i = 0; i < exceptions.Length; i++)
            row[exceptions[i]] = ClassOf(targets[i]);
        return row;
    }

    private int ClassOf(int state) => state < 0 ? -1 : _classes[state];
}
