namespace EmbeddedLlm.Grammars;

/// <summary>All the ways in which a text so far can match a pattern.</summary>
internal sealed class PatternState(PatternMachine machine, PatternMachine.Thread[] threads, int[] behinds, bool isAccepting) : TextState
{
    private readonly PatternState?[] _next = new PatternState?[machine.Program.Partition.Count];
    private readonly bool[] _isKnown = new bool[machine.Program.Partition.Count];

    public override bool IsAccepting => isAccepting;

    /// <summary>The ways, each at an instruction that reads a character or says that the pattern has matched.</summary>
    public PatternMachine.Thread[] Threads => threads;

    /// <summary>The states of the automata that read the text for lookbehinds.</summary>
    public int[] Behinds => behinds;

    public override TextState? Next(int codePoint, out int last)
    {
        int @class = machine.Program.Partition.ClassOf(codePoint, out last);
        if (Volatile.Read(ref _isKnown[@class]))
            return _next[@class];
        lock (machine.Gate)
            return machine.Next(this, @class);
    }

    public override TextState Within(int characters)
    {
        if (machine.Program.Loops.IsEmpty)
            return this;
        lock (machine.Gate)
            return machine.Within(this, characters);
    }

    /// <summary>What is known to follow; used under the machine's lock.</summary>
    internal bool TryGetNext(int @class, out PatternState? next)
    {
        next = _next[@class];
        return _isKnown[@class];
    }

    internal void SetNext(int @class, PatternState? next)
    {
        _next[@class] = next;
        Volatile.Write(ref _isKnown[@class], true);
    }
}
