namespace EmbeddedLlm.Client;

/// <summary>
/// Finds where a value ends that comes in pieces, so that each character is looked at once: long arguments come in thousands of pieces, and of each only the last ends them. Mutable: it goes on where it was.
/// </summary>
/// <param name="isPython">Whether the value is the arguments of a call in Python, which end with a bracket that is none of theirs; otherwise it is a JSON object, which ends with its own.</param>
internal struct NestingScanner(bool isPython)
{
    private int _depth;
    private char _quote;
    private bool _isEscaped;

    /// <summary>Whether the end has come.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Takes the next piece.</summary>
    /// <returns>The length of what is up to the value's end, which it includes; -1 where the piece does not end it.</returns>
    public int Push(ReadOnlySpan<char> piece)
    {
        for (int i = 0; i < piece.Length; i++)
        {
            char next = piece[i];
            if (_isEscaped)
                _isEscaped = false;
            else if (_quote != '\0')
                (_quote, _isEscaped) = (next == _quote ? '\0' : _quote, next == '\\');
            else if (next == '"' || (isPython && next == '\''))
                _quote = next;
            else if (next is '{' or '[' || (isPython && next == '('))
                _depth++;
            else if ((next is '}' or ']' || (isPython && next == ')')) && --_depth == (isPython ? -1 : 0))
            {
                HasEnded = true;
                return i + 1;
            }
        }

        return -1;
    }
}
