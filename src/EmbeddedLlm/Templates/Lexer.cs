namespace EmbeddedLlm.Templates;

/// <summary>
/// Cuts a template into tokens, with Jinja's whitespace control and the settings that chat templates assume: the
/// newline after a block tag goes (<c>trim_blocks</c>), the blanks before one on its line go
/// (<c>lstrip_blocks</c>), and so does one newline at the very end.
/// </summary>
internal sealed class Lexer
{
    private static readonly string[] LongOperators = ["//", "**", "==", "!=", ">=", "<="];
    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private readonly Stack<char> _openBrackets = new();
    private int _position;

    /// <summary>Whether what precedes the position ended a line, so that blanks from here on are indentation.</summary>
    private bool _startsLine = true;

    private Lexer(string source) => _source = source;

    /// <summary>The source as its positions are counted: one kind of newline, none at the end.</summary>
    public static string Normalize(string source)
    {
        if (source.Contains('\r'))
            source = source.Replace("\r\n", "\n").Replace('\r', '\n');
        return source.EndsWith('\n') ? source[..^1] : source;
    }

    public static List<Token> Tokenize(string normalizedSource)
    {
        Lexer lexer = new(normalizedSource);
        while (lexer._position < normalizedSource.Length)
            lexer.ReadTextAndTag();
        lexer.Add(TokenKind.End, normalizedSource.Length, "");
        return lexer._tokens;
    }

    private void ReadTextAndTag()
    {
        int start = _position;
        int tag = FindTag(start);
        if (tag < 0)
        {
            Add(TokenKind.Data, start, _source[start..]);
            _position = _source.Length;
            return;
        }

        char kind = _source[tag + 1];
        _position = tag + 2;
        if (kind == '%' && TryReadRawStart(out char rawSign))
        {
            AddData(start, tag, rawSign, stripsIndentation: true);
            ReadRaw();
            return;
        }

        char sign = ReadSign();
        AddData(start, tag, sign, stripsIndentation: kind != '{');
        if (kind == '#')
        {
            SkipComment(tag);
            return;
        }

        bool isBlock = kind == '%';
        Add(isBlock ? TokenKind.BlockStart : TokenKind.ExpressionStart, tag, "");
        while (!TryReadTagEnd(isBlock))
            ReadToken(isBlock);
    }

    private int FindTag(int from)
    {
        for (int i = from; ; i++)
        {
            int offset = _source.AsSpan(i).IndexOf('{');
            if (offset < 0 || i + offset + 1 >= _source.Length)
                return -1;

            i += offset;
            if (_source[i + 1] is '{' or '%' or '#')
                return i;
        }
    }

    private char ReadSign() => _position < _source.Length && _source[_position] is '-' or '+' ? _source[_position++] : '\0';

    private void AddData(int start, int end, char sign, bool stripsIndentation)
    {
        if (sign == '-')
        {
            while (end > start && CodePoints.IsSpace(_source[end - 1]))
                end--;
        }
        else if (sign != '+' && stripsIndentation)
        {
            int lineStart = _source.AsSpan(start, end - start).LastIndexOf('\n') + 1;
            if ((lineStart > 0 || _startsLine) && IsBlank(start + lineStart, end))
                end = start + lineStart;
        }

        if (end > start)
            Add(TokenKind.Data, start, _source[start..end]);
    }

    private bool IsBlank(int start, int end)
    {
        for (int i = start; i < end; i++)
        {
            if (!CodePoints.IsSpace(_source[i]))
                return false;
        }

        return true;
    }

    private void SkipComment(int tag)
    {
        int end = _source.IndexOf("#}", _position, StringComparison.Ordinal);
        if (end < 0)
            throw new TemplateSyntaxFault("Missing end of comment tag", tag);

        bool strips = end > _position && _source[end - 1] == '-';
        bool keeps = end > _position && _source[end - 1] == '+';
        _position = end + 2;
        EndTag(strips, trimsNewline: !keeps);
    }

    /// <summary>Skips the whitespace that a tag's end takes with it.</summary>
    private void EndTag(bool strips, bool trimsNewline)
    {
        if (strips)
            SkipWhitespace();
        else if (trimsNewline && _position < _source.Length && _source[_position] == '\n')
            _position++;
        _startsLine = _source[_position - 1] == '\n';
    }

    private bool TryReadTagEnd(bool isBlock)
    {
        SkipWhitespace();
        if (_position >= _source.Length)
        {
            throw new TemplateSyntaxFault(
                isBlock ? "unexpected end of template, expected 'end of statement block'" : "unexpected end of template, expected 'end of print statement'",
                _source.Length);
        }

        if (_openBrackets.Count > 0)
            return false;

        string end = isBlock ? "%}" : "}}";
        int start = _position;
        char sign = _source[start] == '-' || (isBlock && _source[start] == '+') ? _source[start] : '\0';
        int closing = sign == '\0' ? start : start + 1;
        if (string.CompareOrdinal(_source, closing, end, 0, 2) != 0)
            return false;

        Add(isBlock ? TokenKind.BlockEnd : TokenKind.ExpressionEnd, start, "");
        _position = closing + 2;
        EndTag(strips: sign == '-', trimsNewline: isBlock && sign == '\0');
        return true;
    }

    private void ReadToken(bool isBlock)
    {
        int start = _position;
        char first = _source[start];
        if (char.IsAsciiDigit(first))
            ReadNumber(start);
        else if (CodePoints.IsIdentifierStart(CodePoints.At(_source, start)))
            ReadName(start);
        else if (first is '"' or '\'')
            Add(TokenKind.String, start, StringLiteral.Read(_source, ref _position));
        else
            ReadOperator(start, first);
    }

    private void ReadName(int start)
    {
        while (_position < _source.Length && CodePoints.IsIdentifierPart(CodePoints.At(_source, _position)))
            _position += CodePoints.LengthAt(_source, _position);
        Add(TokenKind.Name, start, _source[start.._position]);
    }

    private void ReadNumber(int start)
    {
        // A number behind a dot is an item, as in row.0.1, and not the start of a fraction.
        bool mayBeFloat = start == 0 || _source[start - 1] != '.';
        bool isFloat = false;
        if (mayBeFloat)
        {
            int end = SkipDigits(start);
            int fraction = end < _source.Length && _source[end] == '.' ? SkipDigits(end + 1) : -1;
            if (fraction > end + 1)
            {
                isFloat = true;
                end = fraction;
            }

            if (end < _source.Length && _source[end] is 'e' or 'E')
            {
                int exponent = end + 1;
                if (exponent < _source.Length && _source[exponent] is '+' or '-')
                    exponent++;
                int exponentEnd = SkipDigits(exponent);
                if (exponentEnd > exponent)
                {
                    isFloat = true;
                    end = exponentEnd;
                }
            }

            _position = end;
        }

        if (!isFloat)
            _position = SkipInteger(start);
        Add(isFloat ? TokenKind.Float : TokenKind.Integer, start, _source[start.._position].Replace("_", ""));
    }

    /// <summary>The end of decimal digits with single underscores between them.</summary>
    private int SkipDigits(int position)
    {
        int start = position;
        while (position < _source.Length
            && (char.IsAsciiDigit(_source[position])
                || (_source[position] == '_' && position > start && position + 1 < _source.Length && char.IsAsciiDigit(_source[position + 1]))))
        {
            position++;
        }

        return position;
    }

    private int SkipInteger(int start)
    {
        if (_source[start] != '0')
            return SkipDigits(start);

        Func<char, bool>? isDigit = start + 1 < _source.Length ? char.ToLowerInvariant(_source[start + 1]) switch
        {
            'b' => static c => c is '0' or '1',
            'o' => static c => c is >= '0' and <= '7',
            'x' => char.IsAsciiHexDigit,
            _ => null,
        } : null;
        int end = isDigit is null ? start : start + 2;
        isDigit ??= static c => c == '0';
        int digits = end;
        while (end < _source.Length && (isDigit(_source[end]) || (_source[end] == '_' && end + 1 < _source.Length && isDigit(_source[end + 1]))))
            end++;
        return end > digits ? end : start + 1;
    }

    private void ReadOperator(int start, char first)
    {
        string text = first.ToString();
        foreach (string candidate in LongOperators)
        {
            if (string.CompareOrdinal(_source, start, candidate, 0, 2) == 0)
                text = candidate;
        }

        if (text.Length == 1 && !"+-/*%~[](){}><=.:|,;".Contains(first))
            throw new TemplateSyntaxFault($"unexpected char '{CodePoints.ToText(CodePoints.At(_source, start))}'", start);

        if (first is '(' or '[' or '{')
            _openBrackets.Push(first == '(' ? ')' : first == '[' ? ']' : '}');
        else if (first is ')' or ']' or '}')
            CloseBracket(start, first);
        _position += text.Length;
        Add(TokenKind.Operator, start, text);
    }

    private void CloseBracket(int start, char bracket)
    {
        if (!_openBrackets.TryPop(out char expected))
            throw new TemplateSyntaxFault($"unexpected '{bracket}'", start);
        if (expected != bracket)
            throw new TemplateSyntaxFault($"unexpected '{bracket}', expected '{expected}'", start);
    }

    /// <summary>Reads <c>{% raw %}</c> behind its <c>{%</c>; the position stays where it was if that is another tag.</summary>
    private bool TryReadRawStart(out char sign)
    {
        int start = _position;
        sign = ReadSign();
        SkipWhitespace();
        if (TryRead("raw"))
        {
            SkipWhitespace();
            if (TryRead("-%}"))
            {
                SkipWhitespace();
                return true;
            }

            if (TryRead("%}"))
                return true;
        }

        _position = start;
        return false;
    }

    private void ReadRaw()
    {
        int start = _position;
        _startsLine = _source[start - 1] == '\n';
        for (int tag = start; (tag = _source.IndexOf("{%", tag, StringComparison.Ordinal)) >= 0; tag++)
        {
            _position = tag + 2;
            char sign = ReadSign();
            SkipWhitespace();
            if (!TryRead("endraw"))
                continue;

            SkipWhitespace();
            bool strips = TryRead("-%}"), keeps = !strips && TryRead("+%}");
            if (!strips && !keeps && !TryRead("%}"))
                continue;

            int end = _position;
            AddData(start, tag, sign, stripsIndentation: true);
            _position = end;
            EndTag(strips, trimsNewline: !keeps);
            return;
        }

        throw new TemplateSyntaxFault("Missing end of raw directive", start);
    }

    private bool TryRead(string text)
    {
        if (string.CompareOrdinal(_source, _position, text, 0, text.Length) != 0)
            return false;

        _position += text.Length;
        return true;
    }

    private void SkipWhitespace()
    {
        while (_position < _source.Length && CodePoints.IsSpace(_source[_position]))
            _position++;
    }

    private void Add(TokenKind kind, int position, string text) => _tokens.Add(new Token(kind, position, text));
}
