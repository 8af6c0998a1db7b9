namespace EmbeddedLlm;

/// <summary>
/// What a chat request can ask of EmbeddedLlm beyond <c>ChatOptions</c>: return an instance from <c>ChatOptions.RawRepresentationFactory</c>. What is left at
/// <see langword="null"/> is the model's or the library's default.
/// </summary>
public sealed class EmbeddedChatOptions : GenerationOptions
{
    /// <summary>
    /// Variables that the model's chat template looks at, by name, such as <c>enable_thinking</c>: texts, truth values, numbers, JSON, lists and dictionaries of these. They go before those of
    /// <c>ChatOptions.AdditionalProperties</c>, and before what <c>ChatOptions.Reasoning</c> says. One that the template does not look at is a <see cref="NotSupportedException"/>, and one that the
    /// client sets itself (<c>messages</c>, <c>tools</c>, …) an <see cref="ArgumentException"/>.
    /// </summary>
    public IReadOnlyDictionary<string, object?>? TemplateArguments { get; set; }

    /// <summary>
    /// How many tokens a model that thinks before it answers may think: then its reasoning is ended for it, and it goes on with the answer. 0 leaves no reasoning at all. Models that do not reason
    /// are not touched by it. Default: what <c>ChatOptions.Reasoning.Effort</c> says (None 0, Low 1024, Medium 4096, High 16384), else as many as the model likes.
    /// </summary>
    public int? ReasoningBudget { get; set; }

    /// <summary>
    /// Whether the conversation's last message, one of the assistant with text, is continued instead of answered: the answer is only what comes after that text. With a grammar or a schema, both
    /// together are held to it. A model that reasons has done so. Default: false, so that it is answered like any other.
    /// </summary>
    public bool ContinueLastMessage { get; set; }

    /// <summary>
    /// Whether the schema of <c>ChatOptions.ResponseFormat</c>, its name and its description are put into the system message, behind <c>ChatOptions.Instructions</c>. The answer is held to the schema
    /// either way; to read it costs tokens and may help the model. Default: where the schema or one of its parts has a description, which the model would know nothing of otherwise.
    /// </summary>
    public bool? DescribeResponseFormat { get; set; }

    /// <summary>
    /// Whether objects of an answer may have properties that the schema of <c>ChatOptions.ResponseFormat</c> does not name, as JSON Schema has it where <c>additionalProperties</c> is left out. By default they
    /// may not, as with services that enforce schemas strictly: what comes fits the schema either way. A part of the schema that combines others with <c>allOf</c>, <c>oneOf</c> and the like is always
    /// taken by the word, and the whole schema where such a part has a <c>$ref</c>. Default: false.
    /// </summary>
    public bool AllowUnnamedProperties { get; set; }

    /// <summary>
    /// Whether the conversation is kept where the request names none by <c>ChatOptions.ConversationId</c>: the response has the id under which it goes on, and further requests with that id carry new
    /// messages only. See <see cref="EmbeddedModel.CreateConversation"/>. Default: false.
    /// </summary>
    public bool KeepConversation { get; set; }

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
