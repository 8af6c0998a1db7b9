namespace EmbeddedLlm.Scheduling;

/// <summary>How much a scheduler takes on at once.</summary>
internal sealed record SchedulerLimits
{
    /// <summary>The longest prompt and answer of one sequence together, in tokens; at most the KV cache's cells.</summary>
    public required int ContextLength { get; init; }

    /// <summary>How many requests may wait.</summary>
    public required int QueueCapacity { get; init; }

    /// <summary>How many sequences may run; at most the decoder's slots, and a batch's tokens. What is left of the slots is for cached prefixes.</summary>
    public int MaxRunning { get; init; } = int.MaxValue;

    /// <summary>The most tokens of prompts, and of what grammars force, in a step that also computes next tokens, so that nobody's next token waits for a long prompt of somebody else.</summary>
    public int PrefillChunk { get; init; } = int.MaxValue;

    /// <summary>Whether these are fewer where they take long, see <see cref="Scheduling.PrefillPace"/>.</summary>
    public bool PacesPrefill { get; init; }

    /// <summary>The least time between two pieces of text for each caller where steps are shorter, see <see cref="Scheduling.WakePace"/>.</summary>
    public TimeSpan WakeInterval { get; init; }

    /// <summary>How many cells finished sequences may keep for later ones that begin alike; with 0 nothing is shared.</summary>
    public int PrefixCells { get; init; }

    /// <summary>How many of these may stay that no running sequence shares while sequences run: each makes all tokens a little slower.</summary>
    public int BystanderCells { get; init; } = int.MaxValue;

    /// <summary>How many copies of a sequence may be kept on the way through its prompt, where <see cref="IDecoder.NeedsCheckpoints"/>; at least one.</summary>
    public int CheckpointsPerPrompt { get; init; } = 4;

    /// <summary>The least distance, in tokens, of copies that are kept of a long prompt's midst, where nobody has said that another prompt may part from it.</summary>
    public int CheckpointDistance { get; init; } = 1024;

    /// <summary>For how many steps sequences with the same adapters are computed while others, with other adapters, wait.</summary>
    public int StepsPerAdapterTurn { get; init; } = 8;

    /// <summary>How many of a sequence's next tokens are guessed ahead in a step; 0 for none.</summary>
    public int DraftLength { get; init; }

    /// <summary>How many tokens of a prompt are best computed together.</summary>
    public AttentionTile Tile { get; init; }

    /// <summary>Whether what the conversation repeats is guessed; a draft model guesses where nothing is repeated.</summary>
    public bool UsesPromptLookup { get; init; } = true;
}
