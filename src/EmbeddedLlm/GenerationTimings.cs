namespace EmbeddedLlm;

/// <summary>Where a request's time went. It is the <c>RawRepresentation</c> of a <c>ChatResponse</c> and of the last <c>ChatResponseUpdate</c> of a stream.</summary>
/// <param name="Queue">From the submission to the beginning of the computation.</param>
/// <param name="Prefill">From then to the first token of the answer: the prompt's computation.</param>
/// <param name="Decode">From the first token of the answer to the last.</param>
public sealed record GenerationTimings(TimeSpan Queue, TimeSpan Prefill, TimeSpan Decode)
{
    /// <summary>How many of the answer's tokens a grammar left no choice about: they were not sampled, and cost as little as a prompt's tokens.</summary>
    public int ForcedTokenCount { get; init; }

    /// <summary>How many tokens were guessed ahead, see <see cref="EmbeddedModelOptions.PromptLookupTokens"/> and <see cref="EmbeddedModelOptions.DraftModel"/>.</summary>
    public int DraftedTokenCount { get; init; }

    /// <summary>How many of the <see cref="DraftedTokenCount"/> were right: each of them saved the answer a step.</summary>
    public int AcceptedTokenCount { get; init; }
}
