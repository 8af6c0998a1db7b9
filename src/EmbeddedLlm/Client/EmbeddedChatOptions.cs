namespace EmbeddedLlm;

/// <summary>
/// What a chat request can ask of EmbeddedLlm beyond <c>ChatOptions</c>: return an instance from <c>ChatOptions.RawRepresentationFactory</c>. What is left at
/// <see langword="null"/> is the model's or the library's default.
/// </summary>
public sealed class EmbeddedChatOptions : GenerationOptions
{
    /// <summary>What happens where the conversation is too long for the model's context. Default: <see cref="ContextOverflowPolicy.Error"/>.</summary>
    public ContextOverflowPolicy? ContextOverflow { get; set; }
}

/// <summary>What happens where a conversation is too long for a model's context.</summary>
public enum ContextOverflowPolicy
{
    /// <summary>The request ends with <see cref="ContextOverflowException"/>, which has the counts.</summary>
    Error,

    /// <summary>The answer is empty, and its <c>FinishReason</c> is <c>Length</c>.</summary>
    Stop,

    /// <summary>
    /// The oldest turns are left out until a quarter of the context, or <c>ChatOptions.MaxOutputTokens</c> where that is less, is free for the answer, and then some more, so
    /// that the next turns fit as well and find their beginning computed. System messages, the first turn and the last one stay; where they alone are too long, it is an error. The response's <c>AdditionalProperties</c> say how many messages were left out, as
    /// <c>embeddedllm.dropped_messages</c>.
    /// </summary>
    DropOldestTurns,
}
