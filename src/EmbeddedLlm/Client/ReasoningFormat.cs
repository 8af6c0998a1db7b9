using System.Text;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Client;

/// <summary>What encloses the reasoning of a model, as its chat template writes it.</summary>
/// <param name="Open">What begins it.</param>
/// <param name="Close">What ends it.</param>
internal sealed record ReasoningFormat(string Open, string Close)
{
    private const string BeginsText = "[BEGIN ";

    private static readonly ReasoningFormat[] Known =
    [
        new("<think>", "</think>"),
        new("[THINK]", "[/THINK]"),
        new("<|START_THINKING|>", "<|END_THINKING|>"),
        new("<seed:think>", "</seed:think>"),
    ];

    /// <summary>What comes between the reasoning's end and the answer's text, such as the header of a channel; mostly empty.</summary>
    public string Header { get; init; } = "";

    /// <summary>What comes before the text of an answer without reasoning; mostly empty.</summary>
    public string DirectHeader { get; init; } = "";

    /// <summary>All that the template writes from the reasoning's end to the answer's text: <see cref="Close"/> and <see cref="Header"/> with the white space around them.</summary>
    public string Closing { get; init; } = Close;

    /// <summary>
    /// Whether a call ends the reasoning as well: where calls come within it, and where it goes up to what begins the answer's text, as Apriel's <c>[BEGIN FINAL RESPONSE]</c>, since there is no text ahead of calls to be
    /// begun.
    /// </summary>
    public bool EndsAtCalls => HoldsCalls || HasTextMarker;

    /// <summary>Whether calls come within the reasoning, as Apertus', so that nothing closes it ahead of them.</summary>
    public bool HoldsCalls { get; init; }

    private bool HasTextMarker => Close.StartsWith(BeginsText, StringComparison.Ordinal);

    /// <summary>What ends the answer's text where <see cref="Close"/> begins it; null where nothing does.</summary>
    public string? TextEnd => HasTextMarker ? "[END " + Close[BeginsText.Length..] : null;

    /// <summary>The format of a chat template that has markers which are known; null for others.</summary>
    public static ReasoningFormat? Of(string template)
    {
        foreach (ReasoningFormat format in Known)
        {
            if (template.Contains(format.Close, StringComparison.Ordinal))
                return format;
        }

        return null;
    }

    /// <summary>Whether these markers enclose the reasoning of many a model.</summary>
    public static bool IsKnown(string open, string close) => Known.Any(format => format.Open == open && format.Close == close);

    /// <summary>The markers that may be control tokens of the vocabulary, each once.</summary>
    public IEnumerable<string> Markers() => ToolCallFormat.SplitAtMarkers($"{Open}\n{Close}\n{Header}").Where(piece => piece.IsMarker).Select(piece => piece.Text)
        .Append(Open).Append(Close).Distinct();

    /// <summary>Whether a prompt ends within reasoning that its template has begun.</summary>
    public bool IsOpenAfter(IReadOnlyList<TextPart> prompt)
    {
        StringBuilder tail = new();
        for (int i = prompt.Count - 1; i >= 0 && prompt[i].IsTemplate; i--)
            tail.Insert(0, prompt[i].Text);
        string text = tail.ToString();
        return text.LastIndexOf(Open, StringComparison.Ordinal) > text.LastIndexOf(Close, StringComparison.Ordinal);
    }

    /// <summary>The markers as the engine looks for them.</summary>
    /// <param name="isOpen">Whether the prompt has begun the reasoning.</param>
    /// <param name="isHeaderPartOfEnd">Whether the reasoning ends only where the answer's text begins, so that a grammar begins there.</param>
    public ReasoningMarkers Markers(bool isOpen, bool isHeaderPartOfEnd) =>
        new(Encoding.UTF8.GetBytes(Open), Encoding.UTF8.GetBytes(isHeaderPartOfEnd ? Close + Header : Close), isOpen);
}
