using System.Text;

namespace EmbeddedLlm.Client;

/// <summary>Tells a streamed answer's reasoning from its text: the markers, the white space after them and headers of the text belong to neither. Not thread-safe.</summary>
/// <param name="format">The markers.</param>
/// <param name="isOpen">Whether the prompt has begun the reasoning.</param>
internal sealed class ReasoningSplitter(ReasoningFormat format, bool isOpen)
{
    private readonly StringBuilder _held = new();
    private readonly string _directHeader = format.DirectHeader.TrimStart();
    private Phase _phase = isOpen ? Phase.Reasoning : Phase.Opening;

    private enum Phase
    {
        Opening,
        Reasoning,
        Gap,
        Text,
    }

    /// <summary>Takes the next piece, and gives the reasoning and the text that are decided by it; each may be empty.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="isLast">Whether no further piece comes, so nothing is held back.</param>
    public (string Reasoning, string Text) Push(string piece, bool isLast = false)
    {
        if (_phase == Phase.Text)
            return ("", piece);
        _held.Append(piece);
        string held = _held.ToString();
        string reasoning = "";
        if (_phase == Phase.Opening)
        {
            string begin = held.TrimStart();
            if (begin.StartsWith(format.Open, StringComparison.Ordinal))
            {
                _phase = Phase.Reasoning;
                held = begin[format.Open.Length..];
            }
            else if (!isLast && (format.Open.StartsWith(begin, StringComparison.Ordinal) || MayBecome(begin, _directHeader)))
            {
                return ("", "");
            }
            else
            {
                _phase = Phase.Text;
                _held.Clear();
                return ("", Without(_directHeader, begin) ?? held);
            }
        }

        if (_phase == Phase.Reasoning)
        {
            int end = held.IndexOf(format.Close, StringComparison.Ordinal);
            if (end >= 0)
            {
                reasoning = held[..end];
                held = held[(end + format.Close.Length)..];
                _phase = Phase.Gap;
            }
            else
            {
                int keep = isLast ? 0 : EndsWithBeginning(held, format.Close);
                reasoning = held[..^keep];
                held = held[^keep..];
            }
        }

        if (_phase == Phase.Gap)
        {
            held = held.TrimStart();
            if (held.Length > 0 && (isLast || !MayBecome(held, format.Header)))
            {
                _phase = Phase.Text;
                _held.Clear();
                return (reasoning, Without(format.Header, held) ?? held[CommonHeader(held)..]);
            }
        }

        _held.Clear().Append(held);
        return (reasoning, "");
    }

    /// <summary>Whether a text is the mere beginning of another.</summary>
    private static bool MayBecome(string text, string other) => text.Length < other.Length && other.StartsWith(text, StringComparison.Ordinal);

    /// <summary>A text without its header, null where it has none.</summary>
    private static string? Without(string header, string text) => header.Length > 0 && text.StartsWith(header, StringComparison.Ordinal) ? text[header.Length..] : null;

    /// <summary>
    /// How much of the text's header begins what comes in place of a text, where they part within a marker: Solar's texts begin with <c>&lt;|begin|&gt;assistant&lt;|content|&gt;</c>, and calls with
    /// <c>&lt;|begin|&gt;assistant&lt;|tool_calls|&gt;</c>, so the role is no text either.
    /// </summary>
    private int CommonHeader(string held)
    {
        int common = held.AsSpan().CommonPrefixLength(format.Header);
        int position = 0;
        foreach ((string piece, bool isMarker) in ToolCallFormat.SplitAtMarkers(format.Header))
        {
            if (position + piece.Length > common)
                return isMarker && position < common ? position : 0;
            position += piece.Length;
        }

        return 0;
    }

    /// <summary>The length of the longest end of a text that is the beginning of another.</summary>
    private static int EndsWithBeginning(string text, string other)
    {
        for (int length = Math.Min(text.Length, other.Length - 1); length > 0; length--)
        {
            if (text.AsSpan().EndsWith(other.AsSpan(0, length), StringComparison.Ordinal))
                return length;
        }

        return 0;
    }
}
