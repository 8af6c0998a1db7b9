using System.Runtime.InteropServices;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// A pattern in motion: makes each of its states once. Used under its <see cref="Gate"/>, or by one thread only.
/// </summary>
internal sealed class PatternMachine
{
    /// <summary>A bound on memory: the ways to match that one state may keep apart.</summary>
    private const int ThreadLimit = 20_000;

    /// <summary>A bound on time: the ways to match that are followed for one character.</summary>
    private const int StepLimit = 400_000;

    /// <summary>A bound on memory: the ways to match that all states together may keep apart.</summary>
    private const int KeptLimit = 20_000_000;

    private readonly CounterStacks _counters = new();
    private readonly Dictionary<IntSequence, PatternState> _states = [];
    private readonly Dictionary<IntSequence, int> _dutyNumbers = [];
    private readonly List<int[]> _duties = [[]];
    private readonly int[][] _loopsAt;
    private readonly bool _hasRanges;
    private readonly Stack<Thread> _todo = new();
    private readonly HashSet<Thread> _seen = [];
    private readonly int[] _lastSeen;
    private readonly List<Thread> _leaves = [];
    private readonly HashSet<Thread> _countedLeaves = [];
    private long _workLeft;
    private int _stepsLeft;
    private int _round;
    private int _kept;

    /// <param name="program">What to follow.</param>
    /// <param name="context">What is before the text: 0 nothing, 1 no word character, 2 a word character.</param>
    /// <param name="workLimit">How many ways to match may be followed in all.</param>
    public PatternMachine(PatternProgram program, int context, long workLimit)
    {
        Program = program;
        _workLeft = workLimit;
        _lastSeen = new int[program.Length];
        _loopsAt = program.Loops.IsEmpty ? [] : FindLoops(program);
        _hasRanges = program.Loops.Any(static loop => loop.Max != loop.Min);
        int[] behinds = [.. program.Behinds.Select(static behind => behind.IsNone ? -1 : 0)];
        _todo.Push(new Thread(0, 0, 0));
        Start = Settle(context, behinds) ?? MakeState([], behinds);
    }

    public PatternProgram Program { get; }

    public Lock Gate { get; } = new();

    /// <summary>The state before the text.</summary>
    public PatternState Start { get; }

    /// <summary>The state after a character of a class; null where nothing matches any more.</summary>
    /// <exception cref="GrammarException">There are too many ways to match.</exception>
    public PatternState? Next(PatternState state, int @class)
    {
        if (state.TryGetNext(@class, out PatternState? known))
            return known;
        int codePoint = Program.Representatives[@class];
        foreach (Thread thread in state.Threads)
        {
            PatternProgram.Instruction instruction = Program[thread.Pc];
            bool isTail = instruction.Op == PatternProgram.Op.Tail;
            if (!isTail && (instruction.Op != PatternProgram.Op.Set || !Program.SetContains(instruction.X, @class)))
                continue;
            int duties = StepDuties(thread.Duties, codePoint);
            if (duties >= 0)
                _todo.Push(new Thread(isTail ? thread.Pc : thread.Pc + 1, thread.Counters, duties));
        }

        Spend(state.Threads.Length);
        PatternState? next = null;
        if (_todo.Count > 0)
        {
            int[] behinds = [.. state.Behinds.Select((behind, i) => behind < 0 ? -1 : Program.Behinds[i].Next(behind, codePoint, out _))];
            next = Settle(Program.UsesWord && Program.IsWord(@class) ? 2 : 1, behinds);
        }

        state.SetNext(@class, next);
        return next;
    }

    /// <summary>The state that is like this one for so many characters, with counters that are far from their bounds set to one value.</summary>
    public PatternState Within(PatternState state, int characters)
    {
        ClearLeaves();
        bool isChanged = false;
        foreach (Thread thread in state.Threads)
        {
            int counters = 0;
            int[] counts = _counters.Counts(thread.Counters);
            int[] loops = _loopsAt[thread.Pc];
            for (int i = counts.Length - 1; i >= 0; i--)
            {
                PatternProgram.Loop loop = Program.Loops[loops[i]];
                int count = counts[i];
                if (count < loop.Min)
                    count = loop.Min - count > characters ? 1 : count;
                else if (loop.Max - count > characters)
                    count = Math.Max(loop.Min, 1);
                isChanged |= count != counts[i];
                counters = _counters.Push(counters, count, isFresh: false);
            }

            AddLeaf(thread with { Counters = counters });
        }

        return isChanged ? Intern(state.Behinds) : state;
    }

    /// <summary>For every instruction the loops that it is in, the innermost first.</summary>
    private static int[][] FindLoops(PatternProgram program)
    {
        List<int[]> loopsAt = [];
        int[] open = [];
        for (int pc = 0; ; pc++)
        {
            PatternProgram.Instruction instruction = program[pc];
            if (instruction.Op == PatternProgram.Op.LoopEnd)
                open = open[1..];
            loopsAt.Add(open);
            if (instruction.Op == PatternProgram.Op.LoopBegin)
            {
                if (open.Length >= 64)
                    throw new PatternNotSupportedException("The pattern has counted repetitions more than 64 deep in each other.");
                open = [instruction.X, .. open];
            }

            if (instruction.Op is PatternProgram.Op.Final or PatternProgram.Op.Tail)
                return [.. loopsAt];
        }
    }

    /// <summary>Follows what is noted without reading anything.</summary>
    private PatternState? Settle(int context, int[] behinds)
    {
        _seen.Clear();
        ClearLeaves();
        _round++;
        _stepsLeft = StepLimit;
        try
        {
            while (_todo.TryPop(out Thread thread))
            {
                if (!IsNew(thread))
                    continue;
                Spend(1);
                if (--_stepsLeft < 0)
                    throw new PatternNotSupportedException($"The pattern is too ambiguous: more than {StepLimit} ways to match at one place.");
                Follow(thread, context, behinds);
            }
        }
        finally
        {
            _todo.Clear();
        }

        return _leaves.Count == 0 ? null : Intern(behinds);
    }

    /// <summary>Whether a way to match has not been followed here yet; without counters and duties its instruction tells all.</summary>
    private bool IsNew(Thread thread)
    {
        if (thread.Counters != 0 || thread.Duties != 0)
            return _seen.Add(thread);
        if (_lastSeen[thread.Pc] == _round)
            return false;
        _lastSeen[thread.Pc] = _round;
        return true;
    }

    private void ClearLeaves()
    {
        _leaves.Clear();
        _countedLeaves.Clear();
    }

    private void AddLeaf(Thread thread)
    {
        if (thread.Counters != 0)
        {
            thread = thread with { Counters = _counters.Settle(thread.Counters) };
            if (!_countedLeaves.Add(thread))
                return;
        }

        _leaves.Add(thread);
    }

    private void Follow(Thread thread, int context, int[] behinds)
    {
        PatternProgram.Instruction instruction = Program[thread.Pc];
        Thread after = thread with { Pc = thread.Pc + 1 };
        switch (instruction.Op)
        {
            case PatternProgram.Op.Set or PatternProgram.Op.Tail or PatternProgram.Op.Final:
                AddLeaf(thread);
                break;
            case PatternProgram.Op.Split:
                foreach (int target in instruction.Targets!)
                    _todo.Push(thread with { Pc = target });
                Spend(instruction.Targets.Length);
                break;
            case PatternProgram.Op.Jump:
                _todo.Push(thread with { Pc = instruction.X });
                break;
            case PatternProgram.Op.LoopBegin:
                _todo.Push(after with { Counters = _counters.Push(thread.Counters, 1, isFresh: true) });
                break;
            case PatternProgram.Op.LoopEnd:
                EndIteration(thread, instruction);
                break;
            case PatternProgram.Op.At:
                if ((instruction.X >> context & 1) != 0)
                    _todo.Push(after);
                break;
            case PatternProgram.Op.Behind:
                bool isMatch = behinds[instruction.X] >= 0 && Program.Behinds[instruction.X].IsAccepting(behinds[instruction.X]);
                if (isMatch == (instruction.Y == 0))
                    _todo.Push(after);
                break;
            case PatternProgram.Op.Ahead:
                TextAutomaton language = Program.Aheads[instruction.X].ByContext[context];
                if (language.IsNone)
                    break;
                int duties = language.IsUniversal(0) ? thread.Duties : AddDuty(thread.Duties, instruction.X * 3 + context);
                _todo.Push(after with { Duties = duties });
                break;
        }
    }

    /// <remarks>
    /// An iteration that has read nothing is of use only where some are still to be done: a body that may be empty in any case has a minimum of 0, so this
    /// is about bodies of assertions.
    /// </remarks>
    private void EndIteration(Thread thread, PatternProgram.Instruction end)
    {
        PatternProgram.Loop loop = Program.Loops[end.X];
        int count = _counters.Count(thread.Counters);
        bool isFresh = _counters.IsFresh(thread.Counters);
        int below = _counters.Parent(thread.Counters);
        if (count >= loop.Min)
            _todo.Push(thread with { Pc = thread.Pc + 1, Counters = below });
        if (isFresh ? count >= loop.Min : count == loop.Max)
            return;
        int next = loop.Max is null ? Math.Min(count + 1, Math.Max(loop.Min, 1)) : count + 1;
        _todo.Push(thread with { Pc = end.Y, Counters = _counters.Push(below, next, isFresh: true) });
    }

    /// <summary>The one state with the ways found last.</summary>
    private PatternState Intern(int[] behinds)
    {
        if (_hasRanges && _countedLeaves.Count > 1)
            DropWeakerCounts();
        Thread[] threads = [.. _leaves];
        int universal = Array.FindIndex(threads, thread => thread.Duties == 0 && Program[thread.Pc].Op == PatternProgram.Op.Tail);
        if (universal >= 0)
        {
            threads = [threads[universal]];
            behinds = [.. behinds.Select(static _ => -1)];
        }

        if (threads.Length > ThreadLimit)
            throw new PatternNotSupportedException($"The pattern is too ambiguous: more than {ThreadLimit} ways to match at one place.");
        Array.Sort(threads);
        return MakeState(threads, behinds);
    }

    private PatternState MakeState(Thread[] threads, int[] behinds)
    {
        int[] key = [.. MemoryMarshal.Cast<Thread, int>(threads.AsSpan()), .. behinds];
        ref PatternState? state = ref CollectionsMarshal.GetValueRefOrAddDefault(_states, new IntSequence(key), out bool exists);
        if (!exists && (_kept += threads.Length) > KeptLimit)
            throw new PatternNotSupportedException("The pattern is too ambiguous: following it takes too much memory.");
        return state ??= new PatternState(this, threads, behinds, Array.Exists(threads, IsMatch));
    }

    private bool IsMatch(Thread thread)
    {
        if (Program[thread.Pc].Op == PatternProgram.Op.Set)
            return false;
        int[] duties = _duties[thread.Duties];
        for (int i = 0; i < duties.Length; i += 2)
        {
            if (!Program.Aheads[duties[i] / 3].ByContext[duties[i] % 3].IsAccepting(duties[i + 1]))
                return false;
        }

        return true;
    }

    /// <summary>
    /// Of ways that differ in one count only, and have done enough iterations, leaves the one with fewest: it can go on in all ways in which the others can.
    /// </summary>
    private void DropWeakerCounts()
    {
        Dictionary<IntSequence, (int Count, Thread Thread)> best = [];
        int depth = _countedLeaves.Max(thread => _loopsAt[thread.Pc].Length);
        for (int level = 0; level < depth; level++)
        {
            best.Clear();
            foreach (Thread thread in (Thread[])[.. _countedLeaves])
            {
                int[] loops = _loopsAt[thread.Pc];
                if (level >= loops.Length)
                    continue;
                int[] counts = _counters.Counts(thread.Counters);
                int count = counts[level];
                if (count < Program.Loops[loops[level]].Min)
                    continue;
                Spend(4);
                counts[level] = -1;
                ref (int Count, Thread Thread) found = ref CollectionsMarshal.GetValueRefOrAddDefault(
                    best, new IntSequence([thread.Pc, thread.Duties, .. counts]), out bool exists);
                if (!exists)
                {
                    found = (count, thread);
                }
                else if (count < found.Count)
                {
                    _countedLeaves.Remove(found.Thread);
                    found = (count, thread);
                }
                else
                {
                    _countedLeaves.Remove(thread);
                }
            }
        }

        _leaves.RemoveAll(thread => thread.Counters != 0 && !_countedLeaves.Contains(thread));
    }

    /// <summary>The duties with one more: the text that is left must be in a language.</summary>
    private int AddDuty(int duties, int language)
    {
        SortedSet<(int, int)> all = [(language, 0)];
        int[] old = _duties[duties];
        for (int i = 0; i < old.Length; i += 2)
            all.Add((old[i], old[i + 1]));
        return InternDuties(all);
    }

    /// <summary>The duties after a character, or -1 where they cannot be met any more.</summary>
    private int StepDuties(int duties, int codePoint)
    {
        if (duties == 0)
            return 0;
        SortedSet<(int, int)> left = [];
        int[] old = _duties[duties];
        Spend(old.Length);
        for (int i = 0; i < old.Length; i += 2)
        {
            TextAutomaton language = Program.Aheads[old[i] / 3].ByContext[old[i] % 3];
            int next = language.Next(old[i + 1], codePoint, out _);
            if (next < 0)
                return -1;
            if (!language.IsUniversal(next))
                left.Add((old[i], next));
        }

        return InternDuties(left);
    }

    private int InternDuties(SortedSet<(int Language, int State)> duties)
    {
        if (duties.Count == 0)
            return 0;
        int[] items = [.. duties.SelectMany(static duty => new[] { duty.Language, duty.State })];
        ref int number = ref CollectionsMarshal.GetValueRefOrAddDefault(_dutyNumbers, new IntSequence(items), out bool exists);
        if (!exists)
        {
            number = _duties.Count;
            _duties.Add(items);
        }

        return number;
    }

    private void Spend(int work)
    {
        if ((_workLeft -= work) < 0)
            throw new PatternNotSupportedException("The pattern is too complex: there are too many ways to match it.");
    }

    /// <summary>One way to match: an instruction to go on at, the open counters, and what the text that is left has to be.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public readonly record struct Thread(int Pc, int Counters, int Duties) : IComparable<Thread>
    {
        public int CompareTo(Thread other) =>
            Pc != other.Pc ? Pc.CompareTo(other.Pc)
            : Counters != other.Counters ? Counters.CompareTo(other.Counters)
            : Duties.CompareTo(other.Duties);
    }
}
