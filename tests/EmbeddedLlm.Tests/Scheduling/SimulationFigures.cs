using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>What happened in a simulation.</summary>
internal sealed class SimulationFigures
{
    public int Steps { get; set; }

    public long Admissions { get; set; }

    public int Answered { get; private set; }

    public int AnsweredWithGrammar { get; private set; }

    /// <summary>The cancelled ones, by how far they had come.</summary>
    public int[] Cancelled { get; } = new int[Enum.GetValues<SimulatedState>().Length];

    public int LateFirstTokens { get; set; }

    public int LateAnswers { get; set; }

    /// <summary>The requests that ended with a failed decode.</summary>
    public int Failed { get; private set; }

    public int FailedDecodes { get; set; }

    public int Aborted { get; set; }

    public int Refused { get; set; }

    public int Overflowed { get; set; }

    public int Preempted { get; set; }

    public int Evicted { get; set; }

    public int CacheHits { get; private set; }

    /// <summary>The further turns of conversations that found all computed of the turn before's prompt.</summary>
    public int TurnHits { get; private set; }

    public int AcceptedDrafts { get; private set; }

    public int AdapterSwitches { get; set; }

    /// <summary>The requests whose own numbers were none.</summary>
    public int Poisoned { get; private set; }

    /// <summary>The prefixes that were computed ahead.</summary>
    public int Preloaded { get; set; }

    /// <summary>Those of them that were brought back from their state.</summary>
    public int Restored { get; set; }

    public int Events { get; private set; }

    /// <summary>Stands for all that happened, in its order.</summary>
    public ulong Hash { get; private set; } = 14695981039346656037;

    public void Log(params ReadOnlySpan<int> values)
    {
        Events++;
        foreach (int value in values)
            Hash = (Hash ^ (uint)value) * 1099511628211;
    }

    public void Count(SimulatedRequest request)
    {
        Log(4, request.Id, request.Text.Length, request.IsAnswered ? request.Summary.OutputTokens : -1);
        Failed += request.IsFailed ? 1 : 0;
        Poisoned += request.IsPoisoned ? 1 : 0;
        if (!request.IsAnswered)
            return;
        GenerationSummary summary = request.Summary;
        Answered++;
        AnsweredWithGrammar += request.Constraint >= 0 ? 1 : 0;
        AcceptedDrafts += summary.AcceptedTokens;
        CacheHits += summary.CachedTokens > 0 ? 1 : 0;
        TurnHits += request.TurnBefore > 0 && summary.CachedTokens >= request.TurnBefore ? 1 : 0;
    }

    public override string ToString() =>
        $"{Steps} steps, {Events} events, {Admissions} admissions; {Answered} answered ({AnsweredWithGrammar} with a grammar), {string.Join('+', Cancelled)} cancelled in queue+prefill+decode+preempted, " +
        $"{LateFirstTokens}+{LateAnswers} late, {Failed} failed, {Refused} refused, {Overflowed} overflowed; {FailedDecodes} decodes failed, {Aborted} aborted; {Preempted} preemptions, {Evicted} evictions, " +
        $"{CacheHits} cache hits, {TurnHits} of them whole turns, {AcceptedDrafts} drafts accepted, {AdapterSwitches} switches of adapters, {Poisoned} without numbers, {Preloaded} prefixes preloaded and {Restored} restored; hash {Hash:x16}";
}
