namespace EmbeddedLlm.Scheduling;

/// <summary>
/// Which sequences a step may compute: a decoder has one <see cref="AdapterSet"/> at a time, and to change it costs about as much as a step. So the sets of the running sequences take turns of several
/// steps, as long as there are several. Engine thread only.
/// </summary>
/// <remarks>
/// The set goes next whose sequence has waited longest, so a set waits for one turn of each other at most, and not at all for one that had the decoder alone for longer than a turn. While sequences of a higher priority wait, a turn is one step long: who is less urgent is slowed
/// down, and never stopped.
/// </remarks>
internal sealed class AdapterTurns
{
    private readonly int _stepsPerTurn;
    private long _steps;
    private long _clock;

    /// <param name="stepsPerTurn">How many steps a turn has while others wait, at least one.</param>
    public AdapterTurns(int stepsPerTurn)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(stepsPerTurn, 1);
        _stepsPerTurn = stepsPerTurn;
    }

    /// <summary>The set whose turn it is.</summary>
    public AdapterSet Current { get; private set; } = AdapterSet.None;

    /// <summary>Whether a sequence is one of those whose turn it is.</summary>
    public bool Has(Sequence sequence) => sequence.Adapters.Equals(Current);

    /// <summary>A sequence begins to wait, having been started.</summary>
    public void Join(Sequence sequence) => sequence.WaitsSince = ++_clock;

    /// <summary>Settles whose turn it is, as often as the running sequences have changed; only <see cref="Count"/> uses a turn up.</summary>
    public void Choose(List<Sequence> running)
    {
        Sequence? next = null;
        bool goesOn = false;
        int priority = int.MinValue;
        int waitingPriority = int.MinValue;
        foreach (Sequence sequence in running)
        {
            if (!sequence.IsStarted)
                continue;
            if (Has(sequence))
            {
                goesOn = true;
                priority = Math.Max(priority, sequence.Urgency);
                continue;
            }

            waitingPriority = Math.Max(waitingPriority, sequence.Urgency);
            if (next is null || sequence.WaitsSince < next.WaitsSince)
                next = sequence;
        }

        if (next is not null && (!goesOn || _steps >= (priority < waitingPriority ? 1 : _stepsPerTurn)))
            GiveTo(next, running);
    }

    /// <summary>Gives the turn to a sequence's set, where another has it.</summary>
    public void GiveTo(Sequence next, List<Sequence> running)
    {
        if (Has(next))
            return;
        _clock++;
        foreach (Sequence sequence in running)
        {
            if (Has(sequence))
                sequence.WaitsSince = _clock;
        }

        Current = next.Adapters;
        _steps = 0;
    }

    /// <summary>A step of the turn has been computed.</summary>
    public void Count() => _steps++;
}
