using System.Globalization;
using System.Text;

namespace EmbeddedLlm.Grammars;

/// <summary>The characters of a GBNF grammar, from left to right: white space, names, numbers and escapes.</summary>
internal sealed class GbnfReader(string text)
{
    public int Offset { get; private set; }

    public bool IsAtEnd => Offset == text.Length;

    /// <summary>The next character; NUL at the end.</summary>
    public char Peek() => IsAtEnd ? '\0' : text[Offset];

    public bool StartsWith(string what) => text.AsSpan(Offset).StartsWith(what);

    public void Skip(int count = 1) => Offset += count;

    /// <summary>Skips a character if it is the next one.</summary>
    public bool TrySkip(char what)
    {
        if (IsAtEnd || text[Offset] != what)
            return false;
        Offset++;
        return true;
    }

    /// <summary>Skips blanks and comments.</summary>
    /// <param name="newLines">Whether the ends of lines too.</param>
    public void SkipSpace(bool newLines)
    {
        while (!IsAtEnd)
        {
            char next = text[Offset];
            if (next == '#')
            {
                int length = text.AsSpan(Offset).IndexOfAny('\r', '\n');
                Offset = length < 0 ? text.Length : Offset + length;
            }
            else if (next is ' ' or '\t' || (newLines && next is '\r' or '\n'))
            {
                Offset++;
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>The letters, digits, dashes and underscores that follow; none where there are none.</summary>
    public string ReadName()
    {
        int start = Offset;
        while (!IsAtEnd && IsNameCharacter(text[Offset]))
            Offset++;
        return text[start..Offset];
    }

    /// <summary>The number that follows; null where there is none.</summary>
    /// <exception cref="GrammarException">The number is above the limit.</exception>
    public int? ReadNumber(int limit, string what)
    {
        int start = Offset;
        long value = 0;
        for (; char.IsAsciiDigit(Peek()); Offset++)
            value = Math.Min(value * 10 + (text[Offset] - '0'), limit + 1L);
        if (value > limit)
            throw Error(string.Create(CultureInfo.InvariantCulture, $"{what} is above the limit, {limit}."), start);
        return Offset == start ? null : (int)value;
    }

    /// <summary>The text up to a character, which is skipped; null where the character does not follow on this line.</summary>
    public string? ReadUntil(char end)
    {
        int length = text.AsSpan(Offset).IndexOfAny(end, '\r', '\n');
        if (length < 0 || text[Offset + length] != end)
            return null;
        string read = text.Substring(Offset, length);
        Offset += length + 1;
        return read;
    }

    /// <summary>One character of a literal or a class, written as it is or as an escape.</summary>
    public int ReadCodePoint()
    {
        if (text[Offset] == '\\')
            return ReadEscape();
        if (Rune.DecodeFromUtf16(text.AsSpan(Offset), out Rune rune, out int length) != System.Buffers.OperationStatus.Done)
            throw Error("Half of a surrogate pair is no character.", Offset);
        Offset += length;
        return rune.Value;
    }

    public static bool IsNameCharacter(char character) => char.IsAsciiLetterOrDigit(character) || character is '-' or '_';

    /// <summary>An error at a place of the text.</summary>
    public GrammarException Error(string message, int offset)
    {
        int line = 1;
        int lineStart = 0;
        for (int i = 0; i < offset; i++)
        {
            // The ends of lines are LF, CR, and both together.
            if (text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.Length || text[i + 1] != '\n')))
            {
                line++;
                lineStart = i + 1;
            }
        }

        return new GrammarException(message, line, offset - lineStart + 1);
    }

    private int ReadEscape()
    {
        int start = Offset;
        char kind = start + 1 < text.Length ? text[start + 1] : '\0';
        Offset += 2;
        switch (kind)
        {
            case 'n':
                return '\n';
            case 't':
                return '\t';
            case 'r':
                return '\r';
            case '\\' or '"' or '[' or ']' or '-':
                return kind;
            case 'x':
                return ReadHex(2, start);
            case 'U':
                return Scalar(ReadHex(8, start), start);
            case 'u':
                int unit = ReadHex(4, start);
                if (!char.IsHighSurrogate((char)unit) || !StartsWith("\\u"))
                    return Scalar(unit, start);
                Offset += 2;
                int low = ReadHex(4, start);
                return char.IsLowSurrogate((char)low) ? char.ConvertToUtf32((char)unit, (char)low) : Scalar(unit, start);
            default:
                Offset = start;
                throw Error(kind == '\0' ? "The text ends within an escape." : $"There is no escape '\\{(char.IsSurrogate(kind) ? '?' : kind)}'; known are \\n \\r \\t \\\\ \\\" \\[ \\] \\- \\xHH \\uHHHH \\UHHHHHHHH.", start);
        }
    }

    private int ReadHex(int digits, int start)
    {
        if (Offset + digits > text.Length
            || !uint.TryParse(text.AsSpan(Offset, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value))
        {
            throw Error($"The escape needs {digits} hexadecimal digits.", start);
        }

        Offset += digits;
        return value > int.MaxValue ? int.MaxValue : (int)value;
    }

    private int Scalar(int value, int start) => Rune.IsValid(value) ? value : throw Error("The escape names no Unicode character.", start);
}
