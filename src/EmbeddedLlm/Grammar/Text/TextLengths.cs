namespace EmbeddedLlm.Grammars;

/// <summary>Tells from which states of an automaton a text can still get a length within bounds. Immutable.</summary>
internal sealed class TextLengths
{
    /// <summary>A bound on time and memory.</summary>
    private const long WorkLimit = 20_000_000;

    private readonly int _min;
    private readonly int? _max;
    private readonly int[] _shortest;

    /// <summary>
    /// For each number of characters that are missing to the minimum, whether a state accepts some text of a length between those and as many more as the maximum allows. From
    /// the last element on they are all alike.
    /// </summary>
    private readonly List<bool[]> _missing = [];

    /// <exception cref="GrammarException">That takes too long to find out.</exception>
    public TextLengths(TextAutomaton automaton, int min, int? max)
    {
        _min = min;
        _max = max;
        int[][] successors = [.. Enumerable.Range(0, automaton.StateCount).Select(state => automaton.Table.Successors(state).Distinct().ToArray())];
        _shortest = FindShortest(automaton, successors);
        Longest = _shortest.Length == 0 ? 0 : _shortest.Max();
        _missing.Add([.. _shortest.Select(shortest => max is null || shortest <= max - min)]);
        long edges = successors.Sum(static each => each.Length + 1L);
        for (long work = 0; _missing.Count <= min; work += edges)
        {
            if (work > WorkLimit)
                throw new GrammarException($"It takes too long to find out which texts of a pattern have at least {min} characters.");
            bool[] last = _missing[^1];
            bool[] next = [.. successors.Select(each => Array.Exists(each, successor => last[successor]))];
            if (next.AsSpan().SequenceEqual(last))
                break;
            _missing.Add(next);
        }
    }

    /// <summary>The length of the text that the state farthest from an end needs.</summary>
    public int Longest { get; }

    /// <summary>How many characters have to be missing to the minimum for more to make no difference.</summary>
    public int Settled => _missing.Count - 1;

    /// <summary>Whether a text that has led to a state can go on to an accepted one of a length within the bounds.</summary>
    /// <param name="state">The state.</param>
    /// <param name="length">The characters read so far.</param>
    public bool CanEnd(int state, int length) =>
        length >= _min ? _max is null || _shortest[state] <= _max - length : _missing[Math.Min(_min - length, Settled)][state];

    /// <summary>Whether a text that is far from the minimum can go on to it.</summary>
    public bool CanEndFarOff(int state) => _missing[^1][state];

    private static int[] FindShortest(TextAutomaton automaton, int[][] successors)
    {
        List<int>[] sources = [.. successors.Select(static _ => new List<int>())];
        for (int state = 0; state < successors.Length; state++)
        {
            foreach (int successor in successors[state])
                sources[successor].Add(state);
        }

        int[] shortest = new int[successors.Length];
        Queue<int> todo = new();
        for (int state = 0; state < shortest.Length; state++)
        {
            shortest[state] = automaton.IsAccepting(state) ? 0 : int.MaxValue;
            if (shortest[state] == 0)
                todo.Enqueue(state);
        }

        while (todo.TryDequeue(out int state))
        {
            foreach (int source in sources[state])
            {
                if (shortest[source] == int.MaxValue)
                {
                    shortest[source] = shortest[state] + 1;
                    todo.Enqueue(source);
                }
            }
        }

        return shortest;
    }
}
