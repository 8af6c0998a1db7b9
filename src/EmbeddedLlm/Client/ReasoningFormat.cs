using System.Text;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Client;

/// <summary>What encloses the reasoning of a model, as its chat template writes it.</summary>
/// <param name="Open">What begins it.</param>
/// <param name="Close">What ends it.</param>
internal sealed record ReasoningFormat(string Open, string Close)
{
    private static readonly ReasoningFormat[] Known =
    [
        new("<think>", "</think>"),
        new("[THINK]", "[/THINK]"),
        new("<|START_THINKING|>", "<|END_THINKING|>"),
        new("<seed:think>", "</seed:think>"),
    ];

    /// <summary>The format that a chat template uses; null where it uses none that is known.</summary>
    public static ReasoningFormat? Of(string template)
    {
        foreach (ReasoningFormat format in Known)
        {
            if (template.Contains(format.Close, StringComparison.Ordinal))
                return format;
        }

        return null;
    }

    /// <summary>Whether a prompt ends within reasoning that its template has begun.</summary>
    public bool IsOpenAfter(IReadOnlyList<TextPart> prompt)
    {
        StringBuilder tail = new();
        for (int i = prompt.Count - 1; i >= 0 && prompt[i].IsTemplate; i--)
            tail.Insert(0, prompt[i].Text);
        string text = tail.ToString();
        return text.LastIndexOf(Open, StringComparison.Ordinal) > text.LastIndexOf(Close, StringComparison.Ordinal);
    }

    public ReasoningMarkers Markers(bool isOpen) => new(Encoding.UTF8.GetBytes(Open), Encoding.UTF8.GetBytes(Close), isOpen);
}
