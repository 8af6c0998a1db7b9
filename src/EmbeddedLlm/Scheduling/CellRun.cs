namespace EmbeddedLlm.Scheduling;

/// <summary>
/// Cells at consecutive positions that are always held together. Runs form trees: a slot holds the run it ends with and all before it, so slots that share a beginning
/// share its runs. Belongs to <see cref="KvCachePool"/>.
/// </summary>
internal sealed class CellRun(CellRun? before, int start, int count)
{
    /// <summary>The run that holds the positions before this one's; null at a sequence's beginning.</summary>
    public CellRun? Before { get; private set; } = before;

    /// <summary>The first position.</summary>
    public int Start { get; private set; } = start;

    public int Count { get; set; } = count;

    public int End => Start + Count;

    /// <summary>How many slots end with this run, and how many runs go on after it.</summary>
    public int References { get; set; } = 1;

    /// <summary>The last count that this run was part of.</summary>
    public int Stamp { get; set; }

    /// <summary>Makes the cells before a position a run of their own, which is returned; this run keeps the rest, so nobody who holds it notices.</summary>
    public CellRun SplitAt(int position)
    {
        CellRun head = new(Before, Start, position - Start);
        (Before, Start, Count) = (head, position, End - position);
        return head;
    }
}
