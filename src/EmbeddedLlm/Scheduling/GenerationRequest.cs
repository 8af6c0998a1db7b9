using EmbeddedLlm.Sampling;

namespace EmbeddedLlm.Scheduling;

/// <summary>What to generate. Immutable; the arrays are not copied and must not change.</summary>
internal sealed class GenerationRequest
{
    /// <summary>The prompt's tokens, at least one.</summary>
    public required int[] Prompt { get; init; }

    /// <summary>The most tokens to generate; the context's end is a limit as well.</summary>
    public int MaxOutputTokens { get; init; } = int.MaxValue;

    /// <summary>The adapters that it is computed with.</summary>
    public AdapterSet Adapters { get; init; } = AdapterSet.None;

    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Strings in UTF-8, none empty, before whose first occurrence the answer ends.</summary>
    public byte[][] StopStrings { get; init; } = [];

    /// <summary>What the caller wants to know of the tokens; null for nothing.</summary>
    public TokenReport? TokenReport { get; init; }

    /// <summary>Requests of a higher priority are admitted and prefilled first, and lose their cells last.</summary>
    public int Priority { get; init; }

    /// <summary>How long the first sampled token may take from the submission on; null for as long as it takes.</summary>
    public TimeSpan? FirstTokenTimeout { get; init; }

    /// <summary>How long the whole answer may take from the submission on; null for as long as it takes.</summary>
    public TimeSpan? RequestTimeout { get; init; }

    /// <summary>Control tokens whose text is part of the answer nevertheless, such as those that begin the call of a tool.</summary>
    public int[] ShownControls { get; init; } = [];

    /// <summary>
    /// Where later prompts are likely to go on differently from this one, as counts of its tokens in any order: the end of the instructions, of the history, of the last message.
    /// Heeded where <see cref="Scheduler.KeepsCheckpoints"/>.
    /// </summary>
    public int[] Checkpoints { get; init; } = [];

    /// <summary>The prompt as a prefix to be computed and kept, with the same adapters and without an answer; null for all other requests.</summary>
    public PinnedPrefix? Prefix { get; init; }

    /// <summary>What the answer is held to; null where it is free.</summary>
    public AnswerConstraint? Constraint { get; init; }

    /// <summary>How the model's reasoning is counted and bounded; null where it does not reason.</summary>
    public ReasoningLimit? Reasoning { get; init; }
}

/// <summary>Why a generation ended.</summary>
internal enum GenerationEnd
{
    /// <summary>The model ended its answer, or a stop string occurred.</summary>
    Stop,

    /// <summary>The limit of output tokens or the context's end was reached.</summary>
    Length,
}

/// <summary>The figures of a finished generation.</summary>
/// <param name="End">Why it ended.</param>
/// <param name="PromptTokens">The prompt's tokens.</param>
/// <param name="CachedTokens">How many of these were found computed.</param>
/// <param name="OutputTokens">The generated tokens, the one that ended the answer included.</param>
/// <param name="ForcedTokens">How many of the generated tokens were not sampled, since the grammar left no choice.</param>
/// <param name="DraftedTokens">How many tokens were guessed ahead.</param>
/// <param name="AcceptedTokens">How many of these were right.</param>
/// <param name="QueueTime">From the submission to the first computed chunk's begin.</param>
/// <param name="PrefillTime">From then to the first sampled token; what a grammar forces ahead of the prompt's computation does not count.</param>
/// <param name="DecodeTime">From the first sampled token to the last token.</param>
internal readonly record struct GenerationSummary(
    GenerationEnd End, int PromptTokens, int CachedTokens, int OutputTokens, int ForcedTokens, int DraftedTokens, int AcceptedTokens,
    TimeSpan QueueTime, TimeSpan PrefillTime, TimeSpan DecodeTime)
{
    /// <summary>How many of the generated tokens are reasoning.</summary>
    public int ReasoningTokens { get; init; }
}
