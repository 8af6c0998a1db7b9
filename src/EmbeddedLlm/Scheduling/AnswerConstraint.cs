
namespace EmbeddedLlm.Scheduling;

/// <summary>What an answer is held to. Immutable, shared by any number of requests.</summary>
internal sealed class AnswerConstraint
{
    /// <summary>The language of the answer.</summary>
    public required Grammar Grammar { get; init; }

    /// <summary>The model's tokens, prepared for grammars.</summary>
    public required GrammarVocabulary Vocabulary { get; init; }

    /// <summary>Splits text into tokens, as the model saw it in training; null where forced text is to be sampled like all other.</summary>
    public Func<string, int[]>? Tokenize { get; init; }

    /// <summary>How the model thinks before it answers, which is not held to the grammar; null where it does not.</summary>
    public ReasoningMarkers? Reasoning { get; init; }

    /// <summary>What the grammar begins after, the answer being free until then; null where the whole answer is held to it.</summary>
    public GrammarTrigger? Trigger { get; init; }

    /// <summary>What the prompt has of the answer already, in UTF-8; must begin a text of the grammar.</summary>
    public byte[] Begun { get; init; } = [];
}

/// <summary>A text after which an answer is held to a grammar; it may come by a control token, too.</summary>
/// <param name="Text">The text in UTF-8, not empty; it is not part of the grammar's language.</param>
/// <param name="IsAtStart">Whether it counts only where the answer begins with it, white space aside.</param>
internal sealed record GrammarTrigger(byte[] Text, bool IsAtStart)
{
    /// <summary>What tells of the trigger where the model leaves that out; null where nothing does.</summary>
    public TriggerShortcut? Shortcut { get; init; }
}

/// <summary>A text by which an answer is held to a grammar from some way into it.</summary>
/// <param name="Text">The text in UTF-8, not empty.</param>
/// <param name="Read">What the grammar has read with it, in UTF-8.</param>
internal sealed record TriggerShortcut(byte[] Text, byte[] Read);

/// <summary>What encloses a model's reasoning, in UTF-8.</summary>
/// <param name="Open">What begins it; empty where only the prompt can begin it.</param>
/// <param name="Close">What ends it; not empty.</param>
/// <param name="IsOpen">Whether the prompt has begun it already.</param>
internal sealed record ReasoningMarkers(byte[] Open, byte[] Close, bool IsOpen);
