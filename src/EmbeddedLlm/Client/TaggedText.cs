using System.Text;

namespace EmbeddedLlm.Client;

/// <summary>
/// Takes the tags around a streamed answer's text off it, and the white space at them: <see cref="AnswerHeader.Tags"/>. What comes after them stays, as calls do, and so does all of an answer that does not begin with
/// the first. Not thread-safe.
/// </summary>
/// <param name="open">What begins the text.</param>
/// <param name="close">What ends it.</param>
/// <param name="isOpen">Whether the prompt has begun the text.</param>
internal sealed class TaggedText(string open, string close, bool isOpen)
{
    private readonly StringBuilder _held = new();
    private Phase _phase = isOpen ? Phase.Text : Phase.Opening;

    private enum Phase
    {
        Opening,
        Gap,
        Text,
        Closed,
        Rest,
    }

    /// <summary>Takes the next piece, and gives the text that is decided by it, perhaps empty.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="isLast">Whether no further piece comes, so nothing is held back.</param>
    public string Push(string piece, bool isLast)
    {
        if (_phase == Phase.Rest)
            return piece;
        string held = _held.Append(piece).ToString();
        _held.Clear();
        if (_phase == Phase.Opening)
        {
            string begin = held.TrimStart();
            if (!begin.StartsWith(open, StringComparison.Ordinal))
            {
                bool isPossible = !isLast && open.StartsWith(begin, StringComparison.Ordinal);
                _phase = isPossible ? Phase.Opening : Phase.Rest;
                return isPossible ? Hold(held) : held;
            }

            held = begin[open.Length..];
            _phase = Phase.Gap;
        }

        if (_phase == Phase.Gap)
        {
            held = held.TrimStart();
            if (held.Length == 0)
                return "";
            _phase = Phase.Text;
        }

        string text = "";
        if (_phase == Phase.Text)
        {
            int end = held.IndexOf(close, StringComparison.Ordinal);
            if (end < 0)
            {
                int decided = isLast ? held.Length : held.AsSpan(0, held.Length - PossibleEnd(held)).TrimEnd().Length;
                Hold(held[decided..]);
                return held[..decided];
            }

            text = held[..end].TrimEnd();
            held = held[(end + close.Length)..];
            _phase = Phase.Closed;
        }

        held = held.TrimStart();
        if (held.Length > 0)
            _phase = Phase.Rest;
        return text + held;
    }

    private string Hold(string text)
    {
        _held.Append(text);
        return "";
    }

    /// <summary>How many characters at the end of a text may be the beginning of what ends it.</summary>
    private int PossibleEnd(string text)
    {
        int length = Math.Min(text.Length, close.Length - 1);
        while (!text.AsSpan().EndsWith(close.AsSpan(0, length), StringComparison.Ordinal))
            length--;
        return length;
    }
}
