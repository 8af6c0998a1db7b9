using System.Text;

namespace EmbeddedLlm.Templates;

/// <summary>Who wrote a stretch of text.</summary>
internal enum PromptPartKind : byte
{
    /// <summary>The template wrote it, or its host vouches for it: special tokens are parsed here.</summary>
    Template,

    /// <summary>It came in a message, a tool or an extra argument: special tokens are never parsed here.</summary>
    Caller,
}

/// <summary>A stretch of prompt text that one party wrote.</summary>
/// <param name="Text">The text, never empty.</param>
/// <param name="Kind">Who wrote it.</param>
internal readonly record struct PromptPart(string Text, PromptPartKind Kind);

/// <summary>What a template rendered to: parts in order, neighbours always of different kinds. Immutable and thread-safe.</summary>
internal sealed class RenderedPrompt(IReadOnlyList<PromptPart> parts)
{
    public IReadOnlyList<PromptPart> Parts { get; } = parts;

    /// <summary>The whole text, marks forgotten.</summary>
    public override string ToString()
    {
        if (Parts.Count == 1)
            return Parts[0].Text;

        StringBuilder text = new();
        foreach (PromptPart part in Parts)
            text.Append(part.Text);
        return text.ToString();
    }
}
