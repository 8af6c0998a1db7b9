namespace EmbeddedLlm.Grammars;

/// <summary>
/// Makes the smallest automaton of a language out of a deterministic one: leaves out the states that lead nowhere, and unites those that differ in nothing
/// (Hopcroft, "An n log n algorithm for minimizing states in a finite automaton", 1971; for partial automata, where every block is a splitter at first).
/// </summary>
internal static class AutomatonMinimizer
{
    /// <summary>Minimizes an automaton whose state 0 is where it starts.</summary>
    /// <param name="partition">The classes.</param>
    /// <param name="next">[states × classes]: where each class leads, or -1.</param>
    /// <param name="outcomes">What is found where a text ends in a state, or -1 where it must not.</param>
    /// <returns>The smallest automaton's transitions, with states numbered by their distance from state 0, and its outcomes; no states where no text has an outcome.</returns>
    public static (TransitionTable Table, int[] Outcomes) Minimize(CodePointPartition partition, List<int> next, List<int> outcomes)
    {
        int classes = partition.Count;
        int[] alive = FindLiveStates(next, outcomes, classes);
        if (alive.Length == 0 || alive[0] != 0)
            return (new TransitionTable.Builder(CodePointPartition.Whole).Build(), []);

        int[] compact = new int[outcomes.Count];
        Array.Fill(compact, -1);
        for (int i = 0; i < alive.Length; i++)
            compact[alive[i]] = i;
        int[] trimmed = new int[alive.Length * classes];
        for (int i = 0; i < alive.Length; i++)
        {
            for (int c = 0; c < classes; c++)
            {
                int target = next[alive[i] * classes + c];
                trimmed[i * classes + c] = target < 0 ? -1 : compact[target];
            }
        }

        int[] blocks = new Refinement(trimmed, [.. alive.Select(state => outcomes[state])], classes).Run();
        return Build(partition, trimmed, blocks, alive, outcomes);
    }

    /// <summary>The states that can be reached from the first and from which some state with an outcome can be reached, ascending.</summary>
    private static int[] FindLiveStates(List<int> next, List<int> outcomes, int classes)
    {
        int count = outcomes.Count;
        int[] heads = new int[count + 1];
        foreach (int target in next)
        {
            if (target >= 0)
                heads[target + 1]++;
        }

        for (int i = 0; i < count; i++)
            heads[i + 1] += heads[i];
        int[] sources = new int[heads[count]];
        int[] filled = heads[..count];
        for (int i = 0; i < next.Count; i++)
        {
            if (next[i] >= 0)
                sources[filled[next[i]]++] = i / classes;
        }

        bool[] isLive = new bool[count];
        Stack<int> todo = new();
        for (int i = 0; i < count; i++)
        {
            if (outcomes[i] >= 0)
            {
                isLive[i] = true;
                todo.Push(i);
            }
        }

        while (todo.TryPop(out int state))
        {
            for (int i = heads[state]; i < heads[state + 1]; i++)
            {
                if (!isLive[sources[i]])
                {
                    isLive[sources[i]] = true;
                    todo.Push(sources[i]);
                }
            }
        }

        return [.. Enumerable.Range(0, count).Where(state => isLive[state])];
    }

    private static (TransitionTable Table, int[] Outcomes) Build(CodePointPartition partition, int[] next, int[] blocks, int[] alive, List<int> outcomes)
    {
        int classes = partition.Count;
        int blockCount = blocks.Max() + 1;
        int[] numbers = new int[blockCount];
        Array.Fill(numbers, -1);
        List<int> members = [0];
        numbers[blocks[0]] = 0;
        for (int i = 0; i < members.Count; i++)
        {
            for (int c = 0; c < classes; c++)
            {
                int target = next[members[i] * classes + c];
                if (target >= 0 && numbers[blocks[target]] < 0)
                {
                    numbers[blocks[target]] = members.Count;
                    members.Add(target);
                }
            }
        }

        // Classes that no state tells apart any more become one.
        int[] columnOf = new int[classes];
        List<int> columns = [];
        Dictionary<int, List<int>> columnsByHash = [];
        for (int c = 0; c < classes; c++)
        {
            HashCode hash = default;
            foreach (int member in members)
                hash.Add(Target(member, c));
            int code = hash.ToHashCode();
            if (!columnsByHash.TryGetValue(code, out List<int>? alike))
                columnsByHash[code] = alike = [];
            int column = alike.FindIndex(other => members.TrueForAll(member => Target(member, columns[other]) == Target(member, c)));
            if (column >= 0)
            {
                columnOf[c] = alike[column];
                continue;
            }

            alike.Add(columns.Count);
            columnOf[c] = columns.Count;
            columns.Add(c);
        }

        TransitionTable.Builder table = new(partition.Collapse(columnOf, columns.Count));
        int[] row = new int[columns.Count];
        foreach (int member in members)
        {
            for (int c = 0; c < row.Length; c++)
                row[c] = Target(member, columns[c]);
            table.Add(row);
        }

        return (table.Build(), [.. members.Select(member => outcomes[alive[member]])]);

        int Target(int member, int @class)
        {
            int target = next[member * classes + @class];
            return target < 0 ? -1 : numbers[blocks[target]];
        }
    }

    /// <summary>Splits blocks of states until no class leads from one block into two.</summary>
    private sealed class Refinement
    {
        private readonly int _classes;
        private readonly int _count;
        private readonly int[] _heads;
        private readonly int[] _sources;
        private readonly int[] _blockOf;

        /// <summary>The states ordered by block; a block is a stretch of it.</summary>
        private readonly int[] _order;
        private readonly int[] _placeOf;
        private readonly List<int> _starts = [];
        private readonly List<int> _ends = [];
        private readonly List<int> _marked = [];
        private readonly Stack<int> _todo = new();
        private readonly List<bool> _isTodo = [];

        public Refinement(int[] next, int[] outcomes, int classes)
        {
            _classes = classes;
            _count = outcomes.Length;
            _heads = new int[_count * classes + 1];
            _sources = new int[next.Length];
            _blockOf = new int[_count];
            _order = [.. Enumerable.Range(0, _count)];
            _placeOf = new int[_count];

            for (int i = 0; i < next.Length; i++)
            {
                if (next[i] >= 0)
                    _heads[next[i] * classes + i % classes + 1]++;
            }

            for (int i = 0; i < _heads.Length - 1; i++)
                _heads[i + 1] += _heads[i];
            int[] filled = _heads[..^1];
            for (int i = 0; i < next.Length; i++)
            {
                if (next[i] >= 0)
                    _sources[filled[next[i] * classes + i % classes]++] = i / classes;
            }

            Array.Sort(_order, (left, right) => outcomes[left] != outcomes[right] ? outcomes[left].CompareTo(outcomes[right]) : left.CompareTo(right));
            for (int i = 0; i < _count; i++)
            {
                if (i == 0 || outcomes[_order[i]] != outcomes[_order[i - 1]])
                    AddBlock(i, i);
                _ends[^1] = i + 1;
                _blockOf[_order[i]] = _starts.Count - 1;
                _placeOf[_order[i]] = i;
            }
        }

        public int[] Run()
        {
            List<int> splitter = [];
            List<int> touched = [];
            while (_todo.TryPop(out int block))
            {
                _isTodo[block] = false;
                splitter.Clear();
                for (int i = _starts[block]; i < _ends[block]; i++)
                    splitter.Add(_order[i]);
                for (int c = 0; c < _classes; c++)
                {
                    touched.Clear();
                    foreach (int target in splitter)
                    {
                        int key = target * _classes + c;
                        for (int i = _heads[key]; i < _heads[key + 1]; i++)
                            Mark(_sources[i], touched);
                    }

                    foreach (int each in touched)
                        Split(each);
                }
            }

            return _blockOf;
        }

        private void AddBlock(int start, int end)
        {
            _starts.Add(start);
            _ends.Add(end);
            _marked.Add(0);
            _isTodo.Add(true);
            _todo.Push(_starts.Count - 1);
        }

        /// <summary>Moves a state to the marked ones at the front of its block.</summary>
        private void Mark(int state, List<int> touched)
        {
            int block = _blockOf[state];
            int place = _starts[block] + _marked[block];
            if (_placeOf[state] < place)
                return;
            if (_marked[block]++ == 0)
                touched.Add(block);
            int other = _order[place];
            int from = _placeOf[state];
            _order[place] = state;
            _order[from] = other;
            _placeOf[state] = place;
            _placeOf[other] = from;
        }

        /// <summary>Parts a block's marked states from the others.</summary>
        private void Split(int block)
        {
            int middle = _starts[block] + _marked[block];
            _marked[block] = 0;
            if (middle == _ends[block])
                return;

            // The smaller half becomes the new block; if the old one is not waiting, only that has to be a splitter.
            int start = _starts[block], end = _ends[block];
            bool isFrontSmaller = middle - start <= end - middle;
            (int newStart, int newEnd) = isFrontSmaller ? (start, middle) : (middle, end);
            if (isFrontSmaller)
                _starts[block] = middle;
            else
                _ends[block] = middle;
            int added = _starts.Count;
            AddBlock(newStart, newEnd);
            for (int i = newStart; i < newEnd; i++)
                _blockOf[_order[i]] = added;
        }
    }
}
