using System.Runtime.InteropServices;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// The counters of the counted repetitions that are open at a place, the innermost on top. Each distinct stack has a number; 0 is the empty one. Not thread-safe.
/// </summary>
internal sealed class CounterStacks
{
    private readonly List<Entry> _entries = [new Entry(0, 0)];
    private readonly Dictionary<Entry, int> _numbers = [];
    private readonly Dictionary<int, int> _settled = [];

    /// <param name="parent">The stack below.</param>
    /// <param name="count">Which iteration is in progress, from 1.</param>
    /// <param name="isFresh">Whether that has not read anything yet.</param>
    public int Push(int parent, int count, bool isFresh)
    {
        ref int number = ref CollectionsMarshal.GetValueRefOrAddDefault(_numbers, new Entry(parent, (count << 1) | (isFresh ? 1 : 0)), out bool exists);
        if (!exists)
        {
            number = _entries.Count;
            _entries.Add(new Entry(parent, (count << 1) | (isFresh ? 1 : 0)));
        }

        return number;
    }

    public int Parent(int stack) => _entries[stack].Parent;

    public int Count(int stack) => _entries[stack].Value >> 1;

    public bool IsFresh(int stack) => (_entries[stack].Value & 1) != 0;

    /// <summary>The stack where all iterations in progress have read something.</summary>
    public int Settle(int stack)
    {
        Stack<int> levels = new();
        while (stack != 0 && !_settled.ContainsKey(stack))
        {
            levels.Push(stack);
            stack = Parent(stack);
        }

        int settled = stack == 0 ? 0 : _settled[stack];
        while (levels.TryPop(out int level))
            _settled[level] = settled = Push(settled, Count(level), isFresh: false);
        return settled;
    }

    /// <summary>The counts from the innermost outward.</summary>
    public int[] Counts(int stack)
    {
        List<int> counts = [];
        for (; stack != 0; stack = Parent(stack))
            counts.Add(Count(stack));
        return [.. counts];
    }

    private readonly record struct Entry(int Parent, int Value);
}
