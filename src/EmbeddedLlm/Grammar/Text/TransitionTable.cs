namespace EmbeddedLlm.Grammars;

/// <summary>
/// The transitions of a deterministic automaton over code points. A state's row has a target for most classes, and the classes that lead elsewhere; so rows are short, whether
/// nearly everything or nearly nothing leads on. Immutable.
/// </summary>
internal sealed class TransitionTable
{
    private readonly int[] _rows;
    private readonly int[] _classes;
    private readonly int[] _targets;
    private readonly int[] _defaults;

    private TransitionTable(CodePointPartition partition, int[] rows, int[] classes, int[] targets, int[] defaults)
    {
        Partition = partition;
        _rows = rows;
        _classes = classes;
        _targets = targets;
        _defaults = defaults;
    }

    public CodePointPartition Partition { get; }

    public int StateCount => _defaults.Length;

    /// <summary>The state that a class leads to, or -1.</summary>
    public int Next(int state, int @class)
    {
        int found = Array.BinarySearch(_classes, _rows[state], _rows[state + 1] - _rows[state], @class);
        return found >= 0 ? _targets[found] : _defaults[state];
    }

    /// <summary>The state that a code point leads to, or -1, and the last code point up to which all lead there.</summary>
    public int NextState(int state, int codePoint, out int last)
    {
        int @class = Partition.ClassOf(codePoint, out last);
        return Next(state, @class);
    }

    /// <summary>The state that the classes lead to which are not among <see cref="ExceptionsOf"/>, or -1.</summary>
    public int DefaultOf(int state) => _defaults[state];

    /// <summary>The classes that lead elsewhere than most, ascending.</summary>
    public ReadOnlySpan<int> ExceptionsOf(int state) => _classes.AsSpan(_rows[state].._rows[state + 1]);

    /// <summary>Where those lead, each or -1.</summary>
    public ReadOnlySpan<int> ExceptionTargetsOf(int state) => _targets.AsSpan(_rows[state].._rows[state + 1]);

    /// <summary>The states that something leads to from here; some perhaps more than once.</summary>
    public IEnumerable<int> Successors(int state)
    {
        int exceptions = _rows[state + 1] - _rows[state];
        if (_defaults[state] >= 0 && exceptions < Partition.Count)
            yield return _defaults[state];
        for (int i = _rows[state]; i < _rows[state + 1]; i++)
        {
            if (_targets[i] >= 0)
                yield return _targets[i];
        }
    }

    /// <summary>Takes the states' rows one after the other.</summary>
    internal sealed class Builder(CodePointPartition partition)
    {
        private readonly List<int> _rows = [0];
        private readonly List<int> _classes = [];
        private readonly List<int> _targets = [];
        private readonly List<int> _defaults = [];

        /// <param name="targets">For every class the state it leads to, or -1.</param>
        public void Add(ReadOnlySpan<int> targets)
        {
            // A majority vote (Boyer and Moore): whatever more than half of the classes lead to is found.
            int candidate = -1, votes = 0;
            foreach (int target in targets)
            {
                if (votes == 0)
                    candidate = target;
                votes += target == candidate ? 1 : -1;
            }

            for (int i = 0; i < targets.Length; i++)
            {
                if (targets[i] != candidate)
                    AddException(i, targets[i]);
            }

            EndRow(candidate);
        }

        public void AddException(int @class, int target)
        {
            _classes.Add(@class);
            _targets.Add(target);
        }

        public void EndRow(int defaultTarget)
        {
            _defaults.Add(defaultTarget);
            _rows.Add(_classes.Count);
        }

        public TransitionTable Build() => new(partition, [.. _rows], [.. _classes], [.. _targets], [.. _defaults]);
    }
}
