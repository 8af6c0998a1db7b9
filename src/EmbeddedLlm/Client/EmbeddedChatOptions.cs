namespace EmbeddedLlm;

/// <summary>
/// What a chat request can ask of EmbeddedLlm beyond <c>ChatOptions</c>: return an instance from <c>ChatOptions.RawRepresentationFactory</c>. What is left at
/// <see langword="null"/> is the model's or the library's default.
/// </summary>
public sealed class EmbeddedChatOptions
{
    /// <summary>Tokens less probable than this fraction of the most probable one are left out, from 0 (off) to 1. Default: 0.05.</summary>
    public float? MinP { get; set; }

    /// <summary>Divides the logits, where positive, of tokens that occur in the last <see cref="PenaltyLastN"/>; 1 is off. Default: 1.</summary>
    public float? RepeatPenalty { get; set; }

    /// <summary>How many of the last tokens, prompt included, the repeat, frequency and presence penalties look at. Default: 64.</summary>
    public int? PenaltyLastN { get; set; }

    /// <summary>What is added to the logits of tokens, by token id; negative infinity excludes a token.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; set; }

    /// <summary>
    /// What the answer's text is held to, such as a GBNF grammar or a regular expression. Goes before <c>ChatOptions.ResponseFormat</c>, which must then be left out or be text.
    /// </summary>
    public Grammar? Grammar { get; set; }

    /// <summary>
    /// Requests of a higher priority are begun first where there are more than run at once, and are the last to be interrupted where the KV cache runs out. Equal ones take
    /// their turns in the order in which they came. Default: 0.
    /// </summary>
    public int? Priority { get; set; }

    /// <summary>
    /// How long the answer's first token may take, waiting for other requests included, before the request ends with <see cref="TimeoutException"/>. Default:
    /// <see cref="EmbeddedModelOptions.FirstTokenTimeout"/>.
    /// </summary>
    public TimeSpan? FirstTokenTimeout { get; set; }

    /// <summary>
    /// How long the whole answer may take, waiting for other requests included, before the request ends with <see cref="TimeoutException"/>. Default:
    /// <see cref="EmbeddedModelOptions.RequestTimeout"/>.
    /// </summary>
    public TimeSpan? RequestTimeout { get; set; }

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
