namespace EmbeddedLlm;

/// <summary>
/// What a model's engine was doing at one moment, and what it has done since the model was loaded. All figures but <see cref="Waiting"/> and <see cref="Failed"/> are those of one moment,
/// the end of the last step; they grow older only while a step runs, and whoever has an answer finds it counted.
/// </summary>
public readonly record struct EngineStatistics
{
    /// <summary>The requests that wait for their turn, at the moment of asking.</summary>
    public int Waiting { get; init; }

    /// <summary>The requests that are being answered.</summary>
    public int Running { get; init; }

    /// <summary>The KV cache's size, in tokens.</summary>
    public int CellCount { get; init; }

    /// <summary>The tokens in the KV cache, those of finished requests included, each once however many share it.</summary>
    public int UsedCells { get; init; }

    /// <summary>How many of these are kept for later requests that begin alike; running requests may share them.</summary>
    public int CachedCells { get; init; }

    /// <summary>The CPU threads that compute.</summary>
    public int Threads { get; init; }

    /// <summary>The steps computed.</summary>
    public long Steps { get; init; }

    /// <summary>The tokens of prompts, those included that were found computed.</summary>
    public long PromptTokens { get; init; }

    /// <summary>How many of these were found computed.</summary>
    public long CachedPromptTokens { get; init; }

    /// <summary>The tokens generated.</summary>
    public long GeneratedTokens { get; init; }

    /// <summary>How often a request lost its place in the KV cache to others and had to wait again.</summary>
    public long Preemptions { get; init; }

    /// <summary>The tokens that were guessed ahead, in requests that have been answered; see <see cref="EmbeddedModelOptions.PromptLookupTokens"/> and <see cref="EmbeddedModelOptions.DraftModel"/>.</summary>
    public long DraftedTokens { get; init; }

    /// <summary>How many of these were right.</summary>
    public long AcceptedTokens { get; init; }

    /// <summary>The requests answered.</summary>
    public long Completed { get; init; }

    /// <summary>The requests that ended with an exception, those that were cancelled, timed out or refused included, and those whose reader stopped reading early.</summary>
    public long Failed { get; init; }
}
