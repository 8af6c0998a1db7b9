using System.Text;

namespace EmbeddedLlm.Client;

/// <summary>
/// Takes the tags around a streamed answer's text off it, and the white space at them: <see cref="AnswerHeader.Tags"/>. What comes after them stays, as calls do, and so does all of an answer that does not begin with
/// the first. Not thread-safe.
/// </summary>
/// <param name="open">What begins the text.</param>
/// <param name="close">What ends it.</param>
/// <param name="isOpen">Whether the prompt has begun the text, or a header that is taken off elsewhere.</param>
/// <param name="end">What ends the answer after the text; mostly empty.</param>
internal sealed class TaggedText(string open, string close, bool isOpen, string end = "")
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
            int textEnd = held.IndexOf(close, StringComparison.Ordinal);
            if (textEnd < 0)
            {
                int decided = isLast ? held.Length : held.AsSpan(0, held.Length - PossibleEnd(held)).TrimEnd().Length;
                Hold(held[decided..]);
                return held[..decided];
            }

            text = held[..textEnd].TrimEnd();
            held = held[(textEnd + close.Length)..];
            _phase = Phase.Closed;
        }

        held = held.TrimStart();
        // The last of what ends the answer is the token that ends it, which is not there.
        if (end.StartsWith(held, StringComparison.Ordinal))
            return text + (isLast ? "" : Hold(held));
        if (end.Length > 0 && held.StartsWith(end, StringComparison.Ordinal))
            held = held[end.Length..];
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
