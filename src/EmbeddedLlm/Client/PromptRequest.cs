using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Client;

/// <summary>What a template is given beside the conversation. Immutable.</summary>
internal sealed record PromptRequest
{
    /// <summary>What is said to the model ahead of the conversation, joined with a system message that begins it.</summary>
    public string? Instructions { get; init; }

    /// <summary>What the model may call; null where it is to know of no tools.</summary>
    public ToolSet? Tools { get; init; }

    /// <summary>What is said about the shape of the answer.</summary>
    public string? AnswerDescription { get; init; }

    /// <summary>What a system message is to say to the model about its reasoning.</summary>
    public string? SystemSwitch { get; init; }

    /// <summary>Variables of the template.</summary>
    public IReadOnlyDictionary<string, TemplateValue> Arguments { get; init; } = new Dictionary<string, TemplateValue>();

    /// <summary>Whether the last message, of the assistant, is to be continued instead of answered.</summary>
    public bool ContinuesLast { get; init; }

    /// <summary>Whether the prompt begins with more than the conversation.</summary>
    public bool SaysSomethingAhead => Tools is not null || !string.IsNullOrEmpty(Instructions) || AnswerDescription is not null || SystemSwitch is not null;
}
