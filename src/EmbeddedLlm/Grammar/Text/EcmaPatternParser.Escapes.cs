using System.Globalization;

namespace EmbeddedLlm.Grammars;

/// <content>Escapes and character classes.</content>
internal sealed partial class EcmaPatternParser
{
    private int? _groupCount;

    /// <summary>Reads what is after a backslash outside of a class.</summary>
    private Pattern ReadEscape()
    {
        if (IsAtEnd)
            throw Malformed("a backslash at the end");
        switch (text[_position])
        {
            case 'b':
                _position++;
                return AtBoundary;
            case 'B':
                _position++;
                return NotAtBoundary;
            case 'A':
                _position++;
                return new Pattern.At(Pattern.Place.Start);
            case 'z' or 'Z':
                _position++;
                return Pattern.AtEnd;
            case 'k':
                throw NotSupported("a backreference", _position - 1);
            case >= '1' and <= '9':
                int start = _position;
                if (TryReadNumber(out int group) && group <= CountGroups())
                    throw NotSupported("a backreference", start - 1);
                _position = start;
                return One(ReadOctal());
            default:
                return TryReadClassEscape() is { } set ? Pattern.Of(set) : One(ReadCharacterEscape());
        }
    }

    /// <summary>Reads <c>\d</c> and its like; null where something else follows the backslash.</summary>
    private CodePointSet? TryReadClassEscape()
    {
        switch (text[_position])
        {
            case 'd':
                _position++;
                return UnicodeSets.Digits;
            case 'D':
                _position++;
                return UnicodeSets.Digits.Complement();
            case 'w':
                _position++;
                return Cased(UnicodeSets.Word);
            case 'W':
                _position++;
                return Cased(UnicodeSets.Word).Complement();
            case 's':
                _position++;
                return UnicodeSets.Space;
            case 'S':
                _position++;
                return UnicodeSets.Space.Complement();
            case 'p' or 'P':
                return ReadProperty();
            default:
                return null;
        }
    }

    private CodePointSet ReadProperty()
    {
        int start = _position - 1;
        bool isNegated = text[_position++] == 'P';
        string name;
        if (Take("{"))
        {
            int end = text.IndexOf('}', _position);
            if (end < 0)
                throw Malformed("a property is not closed", start);
            name = text[_position..end];
            _position = end + 1;
            if (name.StartsWith('^'))
            {
                isNegated = !isNegated;
                name = name[1..];
            }
        }
        else if (!IsAtEnd && char.IsAsciiLetterUpper(text[_position]))
        {
            name = text.Substring(_position++, 1);
        }
        else
        {
            throw Malformed("a property is expected in braces", start);
        }

        CodePointSet set = Cased(UnicodeSets.Property(name)
            ?? throw NotSupported(name.Length > 60 ? "an unknown Unicode property" : $"the Unicode property '{name}'", start));
        return isNegated ? set.Complement() : set;
    }

    /// <summary>Reads the escape of one character, inside or outside of a class; may be half of a surrogate pair.</summary>
    private int ReadCharacterEscape()
    {
        int start = _position - 1;
        char next = text[_position++];
        switch (next)
        {
            case 't':
                return '\t';
            case 'n':
                return '\n';
            case 'v':
                return '\v';
            case 'f':
                return '\f';
            case 'r':
                return '\r';
            case '0':
                _position--;
                return ReadOctal();
            case 'c':
                if (IsAtEnd || !char.IsAsciiLetter(text[_position]))
                    throw Malformed("a letter is expected after '\\c'", start);
                return text[_position++] & 31;
            case 'x':
                return ReadHex(2) ?? throw Malformed("two hexadecimal digits are expected after '\\x'", start);
            case 'u':
                return ReadUnicodeEscape(start);
            default:
                if (char.IsAsciiLetterOrDigit(next))
                    throw Malformed($"'\\{next}' is no escape of ECMA-262", start);
                _position--;
                return ReadCodePoint();
        }
    }

    private int ReadUnicodeEscape(int start)
    {
        if (Take("{"))
        {
            int end = text.IndexOf('}', _position);
            if (end > _position
                && int.TryParse(text.AsSpan(_position, end - _position), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int codePoint)
                && codePoint is >= 0 and <= CodePointSet.MaxCodePoint)
            {
                _position = end + 1;
                return codePoint;
            }

            throw Malformed("a code point of hexadecimal digits is expected in the braces after '\\u'", start);
        }

        int unit = ReadHex(4) ?? throw Malformed("four hexadecimal digits are expected after '\\u'", start);
        if (!char.IsHighSurrogate((char)unit))
            return unit;
        int afterHigh = _position;
        if (Take("\\u") && ReadHex(4) is { } low && char.IsLowSurrogate((char)low))
            return char.ConvertToUtf32((char)unit, (char)low);
        _position = afterHigh;
        return unit;
    }

    private int? ReadHex(int digits)
    {
        if (text.Length - _position < digits)
            return null;
        int value = 0;
        for (int i = 0; i < digits; i++)
        {
            char digit = text[_position + i];
            if (!char.IsAsciiHexDigit(digit))
                return null;
            value = value * 16 + Convert.ToInt32(digit.ToString(), 16);
        }

        _position += digits;
        return value;
    }

    /// <summary>Annex B: up to three octal digits, at most 377; NUL where there is a single zero.</summary>
    private int ReadOctal()
    {
        int value = 0, start = _position;
        while (!IsAtEnd && _position < start + 3 && text[_position] is >= '0' and <= '7' && value * 8 + (text[_position] - '0') <= 0xFF)
            value = value * 8 + (text[_position++] - '0');
        if (_position == start)
            throw Malformed($"'\\{text[_position]}' is no escape of ECMA-262", start - 1);
        return value;
    }

    /// <summary>Reads a class from after its opening bracket to after its closing one.</summary>
    private CodePointSet ReadClass()
    {
        int start = _position - 1;
        bool isNegated = Take("^");
        List<CodePointSet.Range> ranges = [];
        while (true)
        {
            if (IsAtEnd)
                throw Malformed("a class is not closed", start);
            if (Take("]"))
                break;
            int itemStart = _position;
            CodePointSet? set = ReadClassAtom(out int first);
            if (_position + 1 < text.Length && text[_position] == '-' && text[_position + 1] != ']')
            {
                int hyphen = _position++;
                CodePointSet? lastSet = ReadClassAtom(out int last);
                if (set is null && lastSet is null)
                {
                    if (last < first)
                        throw Malformed("a range of a class is out of order", itemStart);
                    ranges.Add(new CodePointSet.Range(first, last));
                    continue;
                }

                // Annex B: a range to or from a set is no range.
                Add(lastSet, last);
                Add(null, text[hyphen]);
            }

            Add(set, first);
        }

        CodePointSet all = Cased(CodePointSet.Of([.. ranges]));
        return isNegated ? all.Complement() : all;

        void Add(CodePointSet? set, int codePoint)
        {
            if (set is not null)
                ranges.AddRange(set.Ranges);
            else
                ranges.Add(new CodePointSet.Range(codePoint, codePoint));
        }
    }

    /// <summary>Reads a set, which it returns, or one code point.</summary>
    private CodePointSet? ReadClassAtom(out int codePoint)
    {
        codePoint = 0;
        if (text[_position] != '\\')
        {
            if (text[_position] == '[')
                _bracketInClass ??= _position;
            codePoint = ReadCodePoint();
            return null;
        }

        if (++_position == text.Length)
            throw Malformed("a backslash at the end");
        if (TryReadClassEscape() is { } set)
            return set;
        switch (text[_position])
        {
            case 'b':
                _position++;
                codePoint = '\b';
                break;
            case '-':
                _position++;
                codePoint = '-';
                break;
            case >= '1' and <= '7':
                codePoint = ReadOctal();
                break;
            default:
                codePoint = ReadCharacterEscape();
                break;
        }

        return null;
    }

    /// <summary>How many groups the pattern has that a number can refer to.</summary>
    private int CountGroups()
    {
        if (_groupCount is { } known)
            return known;
        int count = 0;
        bool isInClass = false;
        for (int i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\\':
                    i++;
                    break;
                case '[':
                    isInClass = true;
                    break;
                case ']':
                    isInClass = false;
                    break;
                case '(' when !isInClass:
                    ReadOnlySpan<char> rest = text.AsSpan(i + 1);
                    if (!rest.StartsWith("?") || rest.StartsWith("?P<") || (rest.StartsWith("?<") && !rest.StartsWith("?<=") && !rest.StartsWith("?<!")))
                        count++;
                    break;
            }
        }

        _groupCount = count;
        return count;
    }
}
