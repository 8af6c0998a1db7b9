using System.Globalization;
using System.Text;

namespace EmbeddedLlm.Templates;

/// <summary>Reads a quoted string of a template, with the escapes of a Python string.</summary>
internal static class StringLiteral
{
    /// <param name="source">The template.</param>
    /// <param name="position">The opening quote; moved behind the closing one.</param>
    public static string Read(string source, ref int position)
    {
        int start = position;
        char quote = source[position++];
        int end = position;
        while (end < source.Length && source[end] != quote)
            end += source[end] == '\\' ? 2 : 1;
        if (end >= source.Length)
            throw new TemplateSyntaxFault("the string is not closed", start);

        string raw = source[position..end];
        position = end + 1;
        return raw.Contains('\\') ? Unescape(raw, start + 1) : raw;
    }

    private static string Unescape(string raw, int offset)
    {
        StringBuilder text = new(raw.Length);
        for (int i = 0; i < raw.Length;)
        {
            char character = raw[i++];
            if (character == '\\')
                i = AppendEscape(text, raw, i, offset);
            else
                text.Append(character);
        }

        return text.ToString();
    }

    /// <summary>Appends what the escape at <paramref name="i"/>, behind its backslash, stands for, and returns the position behind it.</summary>
    private static int AppendEscape(StringBuilder text, string raw, int i, int offset)
    {
        char escape = raw[i++];
        switch (escape)
        {
            case '\n':
                return i;
            case '\\' or '\'' or '"':
                text.Append(escape);
                return i;
            case 'n':
                text.Append('\n');
                return i;
            case 't':
                text.Append('\t');
                return i;
            case 'r':
                text.Append('\r');
                return i;
            case 'a':
                text.Append('\a');
                return i;
            case 'b':
                text.Append('\b');
                return i;
            case 'f':
                text.Append('\f');
                return i;
            case 'v':
                text.Append('\v');
                return i;
            case 'x':
                return AppendHexadecimal(text, raw, i, 2, offset);
            case 'u':
                return AppendHexadecimal(text, raw, i, 4, offset);
            case 'U':
                return AppendHexadecimal(text, raw, i, 8, offset);
            case 'N':
                throw new TemplateSyntaxFault("characters cannot be given by name", offset + i - 2);
            case >= '0' and <= '7':
                return AppendOctal(text, raw, i - 1);
            case > '\x7F':
                // Jinja turns such a character into an escape of its own before it reads the backslash in front.
                text.Append('\\').Append(ReprWriter.Escape(CodePoints.At(raw, i - 1)).AsSpan(1));
                return i - 1 + CodePoints.LengthAt(raw, i - 1);
            default:
                text.Append('\\').Append(escape);
                return i;
        }
    }

    private static int AppendOctal(StringBuilder text, string raw, int i)
    {
        int value = 0;
        for (int digits = 0; digits < 3 && i < raw.Length && raw[i] is >= '0' and <= '7'; digits++)
            value = value * 8 + raw[i++] - '0';
        text.Append((char)value);
        return i;
    }

    private static int AppendHexadecimal(StringBuilder text, string raw, int i, int digits, int offset)
    {
        if (i + digits > raw.Length
            || !uint.TryParse(raw.AsSpan(i, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value)
            || value > 0x10FFFF)
        {
            throw new TemplateSyntaxFault($"truncated or impossible \\{raw[i - 1]} escape", offset + i - 2);
        }

        text.Append(CodePoints.ToText((int)value));
        return i + digits;
    }
}
