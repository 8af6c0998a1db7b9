using System.Runtime.InteropServices;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// An automaton that reads the keys which are not names: it follows the constraint on them and all patterns at once, and tells where a key ends which of the patterns match. Immutable.
/// </summary>
internal sealed class KeyProduct
{
    private readonly TransitionTable _table;
    private readonly int[] _outcomes;

    private KeyProduct(TransitionTable table, int[] outcomes, ulong[] patterns)
    {
        _table = table;
        _outcomes = outcomes;
        Patterns = patterns;
        Reachable = new ulong[table.StateCount * Words];
        FindReachable();
    }

    /// <summary>For each outcome the bit set of the patterns that match.</summary>
    public ulong[] Patterns { get; }

    /// <summary>How many words a bit set of outcomes has.</summary>
    public int Words => (Patterns.Length + 63) / 64;

    /// <summary>[states × words]: the outcomes that some text leads to from a state.</summary>
    public ulong[] Reachable { get; }

    public TransitionTable Table => _table;

    /// <summary>Where a key begins, or -1 where there are none.</summary>
    public int Start => _table.StateCount == 0 ? -1 : 0;

    /// <exception cref="PatternNotSupportedException">The patterns together need too many states.</exception>
    public static KeyProduct Create(TextAutomaton[] patterns, TextAutomaton others)
    {
        if (patterns.Length == 0 || others.IsNone)
            return new KeyProduct(others.Table, [.. Enumerable.Range(0, others.StateCount).Select(state => others.IsAccepting(state) ? 0 : -1)], [0]);

        TextAutomaton[] all = [others, .. patterns];
        CodePointPartition partition = CodePointPartition.Whole;
        List<int[]> classes = [];
        foreach (TextAutomaton automaton in all)
        {
            partition = CodePointPartition.Merge(partition, automaton.Table.Partition, out int[] toOld, out int[] toNew);
            for (int i = 0; i < classes.Count; i++)
            {
                int[] old = classes[i];
                classes[i] = [.. toOld.Select(each => old[each])];
            }

            classes.Add(toNew);
        }

        return Explore(all, partition, classes);
    }

    /// <summary>What is found where a key ends in a state: an index in <see cref="Patterns"/>, or -1 where it must not end.</summary>
    public int OutcomeOf(int state) => _outcomes[state];

    /// <summary>Whether each state leads only to states from which an allowed outcome can be reached, whatever literal characters of JSON strings follow.</summary>
    public bool[] FindFree(ulong[] allowed) => FreeStates.Find(_table, state => CanReach(state, allowed));

    public bool CanReach(int state, ulong[] allowed)
    {
        for (int word = 0; word < Words; word++)
        {
            if ((Reachable[state * Words + word] & allowed[word]) != 0)
                return true;
        }

        return false;
    }

    private static KeyProduct Explore(TextAutomaton[] all, CodePointPartition partition, List<int[]> classes)
    {
        Dictionary<IntSequence, int> numbers = new() { [new IntSequence(new int[all.Length])] = 0 };
        List<int[]> states = [[.. all.Select(static automaton => automaton.IsNone ? -1 : 0)]];
        List<int> next = [];
        List<int> outcomes = [];
        List<ulong> patterns = [];
        Dictionary<ulong, int> outcomeOf = [];
        int[] target = new int[all.Length];
        for (int i = 0; i < states.Count; i++)
        {
            int[] state = states[i];
            outcomes.Add(all[0].IsAccepting(state[0]) ? OutcomeOf(Bits(state)) : -1);
            for (int c = 0; c < partition.Count; c++)
            {
                for (int k = 0; k < all.Length; k++)
                    target[k] = state[k] < 0 ? -1 : all[k].Table.Next(state[k], classes[k][c]);
                if (target[0] < 0)
                {
                    next.Add(-1);
                    continue;
                }

                ref int number = ref CollectionsMarshal.GetValueRefOrAddDefault(numbers, new IntSequence([.. target]), out bool exists);
                if (!exists)
                {
                    number = states.Count;
                    states.Add([.. target]);
                }

                next.Add(number);
            }

            if (states.Count > TextAutomaton.StateLimit || (long)states.Count * partition.Count * all.Length > TextAutomaton.TableLimit * 4L)
                throw new PatternNotSupportedException($"The patterns of an object's keys together need more than {TextAutomaton.StateLimit} states or too many transitions.");
        }

        (TransitionTable table, int[] kept) = AutomatonMinimizer.Minimize(partition, next, outcomes);
        return new KeyProduct(table, kept, [.. patterns]);

        ulong Bits(int[] state)
        {
            ulong bits = 0;
            for (int k = 1; k < all.Length; k++)
            {
                if (state[k] >= 0 && all[k].IsAccepting(state[k]))
                    bits |= 1UL << (k - 1);
            }

            return bits;
        }

        int OutcomeOf(ulong bits)
        {
            if (!outcomeOf.TryGetValue(bits, out int outcome))
            {
                outcomeOf[bits] = outcome = patterns.Count;
                patterns.Add(bits);
            }

            return outcome;
        }
    }

    private void FindReachable()
    {
        List<int>[] sources = [.. Enumerable.Range(0, _table.StateCount).Select(static _ => new List<int>())];
        Stack<int> todo = new();
        for (int state = 0; state < sources.Length; state++)
        {
            foreach (int successor in _table.Successors(state))
                sources[successor].Add(state);
            if (_outcomes[state] >= 0)
            {
                Reachable[state * Words + _outcomes[state] / 64] |= 1UL << _outcomes[state];
                todo.Push(state);
            }
        }

        while (todo.TryPop(out int state))
        {
            foreach (int source in sources[state])
            {
                bool isNew = false;
                for (int word = 0; word < Words; word++)
                {
                    ulong added = Reachable[state * Words + word] & ~Reachable[source * Words + word];
                    Reachable[source * Words + word] |= added;
                    isNew |= added != 0;
                }

                if (isNew)
                    todo.Push(source);
            }
        }
    }
}
