using System.Text;

namespace EmbeddedLlm.Grammars;

/// <content>Operations on whole languages.</content>
internal sealed partial class TextAutomaton
{
    /// <summary>A bound on the entries of a transition table while an automaton is made.</summary>
    internal const int TableLimit = 4_000_000;

    /// <summary>The texts that both accept.</summary>
    /// <exception cref="PatternNotSupportedException">That needs too many states.</exception>
    public TextAutomaton And(TextAutomaton other) =>
        IsNone || other.IsNone ? None
        : ReferenceEquals(this, other) || other.IsAny ? this
        : IsAny ? other
        : Combine(other, isAnd: true);

    /// <summary>The texts that at least one accepts.</summary>
    /// <exception cref="PatternNotSupportedException">That needs too many states.</exception>
    public TextAutomaton Or(TextAutomaton other) =>
        IsNone ? other
        : ReferenceEquals(this, other) || other.IsNone ? this
        : IsAny || other.IsAny ? Any
        : Combine(other, isAnd: false);

    /// <summary>The texts that are not accepted.</summary>
    public TextAutomaton Not()
    {
        if (IsNone)
            return Any;
        int classes = _table.Partition.Count;
        int sink = StateCount;
        EnsureTableSize(sink + 1, classes);
        List<int> next = new((sink + 1) * classes);
        List<int> outcomes = new(sink + 1);
        for (int state = 0; state < StateCount; state++)
        {
            for (int c = 0; c < classes; c++)
                next.Add(_table.Next(state, c) is >= 0 and var target ? target : sink);
            outcomes.Add(_isAccepting[state] ? -1 : 0);
        }

        for (int c = 0; c < classes; c++)
            next.Add(sink);
        outcomes.Add(0);
        return FromTransitions(_table.Partition, next, outcomes);
    }

    /// <summary>Whether some text is accepted by both.</summary>
    public bool Overlaps(TextAutomaton other)
    {
        if (IsNone || other.IsNone)
            return false;
        if (IsAny || other.IsAny)
            return true;
        CodePointPartition partition = CodePointPartition.Merge(_table.Partition, other._table.Partition, out int[] toThis, out int[] toOther);
        HashSet<(int, int)> seen = [(0, 0)];
        Queue<(int, int)> todo = new(seen);
        while (todo.TryDequeue(out (int This, int Other) pair))
        {
            if (_isAccepting[pair.This] && other._isAccepting[pair.Other])
                return true;
            for (int c = 0; c < partition.Count; c++)
            {
                int left = _table.Next(pair.This, toThis[c]);
                if (left < 0)
                    continue;
                int right = other._table.Next(pair.Other, toOther[c]);
                if (right >= 0 && seen.Add((left, right)))
                    todo.Enqueue((left, right));
            }

            if ((long)seen.Count * partition.Count > TableLimit)
                throw TooLarge();
        }

        return false;
    }

    /// <summary>Whether some accepted text has a length, in code points, within bounds.</summary>
    /// <exception cref="GrammarException">That takes too long to find out.</exception>
    public bool HasTextOfLength(int min, int? max) => !IsNone && max is null or >= 0 && !IsNone && new TextLengths(this, min, max).CanEnd(0, 0);

    /// <summary>All accepted texts in the order of their UTF-16 units, if there are no more than <paramref name="limit"/>; null otherwise.</summary>
    public IReadOnlyList<string>? Enumerate(int limit)
    {
        if (IsNone)
            return [];
        if (TopologicalOrder() is not { } order || CountTexts(order, limit) > limit)
            return null;

        CodePointSet[] sets = _table.Partition.Sets();
        List<string> texts = [];
        Stack<(int State, string Text)> todo = new();
        todo.Push((0, ""));
        while (todo.TryPop(out (int State, string Text) next))
        {
            if (_isAccepting[next.State])
                texts.Add(next.Text);
            for (int c = 0; c < sets.Length; c++)
            {
                int target = _table.Next(next.State, c);
                if (target < 0)
                    continue;
                foreach (CodePointSet.Range range in sets[c].Ranges)
                {
                    for (int codePoint = range.First; codePoint <= range.Last; codePoint++)
                        todo.Push((target, next.Text + new Rune(codePoint)));
                }
            }
        }

        texts.Sort(StringComparer.Ordinal);
        return texts;
    }

    private static void EnsureTableSize(int states, int classes)
    {
        if ((long)states * classes > TableLimit)
            throw TooLarge();
    }

    private static PatternNotSupportedException TooLarge() =>
        new($"The patterns together need more than {StateLimit} states or too many transitions.");

    /// <summary>How many texts are accepted; any number above the limit where there are more.</summary>
    private long CountTexts(int[] order, int limit)
    {
        long[] counts = new long[StateCount];
        for (int i = order.Length - 1; i >= 0; i--)
        {
            int state = order[i];
            long count = _isAccepting[state] ? 1 : 0;
            for (int c = 0; c < _table.Partition.Count; c++)
            {
                int target = _table.Next(state, c);
                if (target >= 0)
                    count += counts[target] * _table.Partition.SizeOf(c);
                count = Math.Min(count, limit + 1L);
            }

            counts[state] = count;
        }

        return counts[0];
    }

    private TextAutomaton Combine(TextAutomaton other, bool isAnd)
    {
        CodePointPartition partition = CodePointPartition.Merge(_table.Partition, other._table.Partition, out int[] toThis, out int[] toOther);
        Dictionary<(int, int), int> numbers = new() { [(0, 0)] = 0 };
        List<(int This, int Other)> pairs = [(0, 0)];
        List<int> next = [];
        List<int> outcomes = [];
        for (int i = 0; i < pairs.Count; i++)
        {
            (int left, int right) = pairs[i];
            bool leftAccepts = left >= 0 && _isAccepting[left];
            bool rightAccepts = right >= 0 && other._isAccepting[right];
            outcomes.Add((isAnd ? leftAccepts && rightAccepts : leftAccepts || rightAccepts) ? 0 : -1);
            for (int c = 0; c < partition.Count; c++)
            {
                int leftNext = left < 0 ? -1 : _table.Next(left, toThis[c]);
                int rightNext = right < 0 ? -1 : other._table.Next(right, toOther[c]);
                if (isAnd ? leftNext < 0 || rightNext < 0 : leftNext < 0 && rightNext < 0)
                {
                    next.Add(-1);
                    continue;
                }

                if (!numbers.TryGetValue((leftNext, rightNext), out int number))
                {
                    numbers[(leftNext, rightNext)] = number = pairs.Count;
                    pairs.Add((leftNext, rightNext));
                    if (pairs.Count > StateLimit)
                        throw TooLarge();
                }

                next.Add(number);
            }

            EnsureTableSize(pairs.Count, partition.Count);
        }

        return FromTransitions(partition, next, outcomes);
    }
}
