namespace EmbeddedLlm;

/// <content>Tools.</content>
public sealed partial class EmbeddedModel
{
    /// <summary>What happens where the chat template does not tell the model about tools.</summary>
    internal ToolFallback ToolFallback { get; }
}
