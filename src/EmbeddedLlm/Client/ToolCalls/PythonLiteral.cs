using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace EmbeddedLlm.Client;

/// <summary>Reads a value in Python's notation, JSON's included, as JSON: strings in either quotes, <c>True</c>, <c>False</c> and <c>None</c>, tuples as lists.</summary>
internal static class PythonLiteral
{
    /// <summary>Reads the value that a text begins with.</summary>
    /// <param name="text">The text.</param>
    /// <param name="isWhole">Whether the text has nothing else; otherwise a number or word at its end may go on.</param>
    /// <param name="length">How much of the text it is.</param>
    /// <param name="marker">What may be around strings besides quotes, with keys that have nothing around them; null for none.</param>
    /// <returns>The value as JSON; null where there is none or it is not whole.</returns>
    public static string? TryRead(ReadOnlySpan<char> text, bool isWhole, out int length, string? marker = null)
    {
        StringBuilder json = new();
        Stack<char> opened = [];
        length = 0;
        while (true)
        {
            while (length < text.Length && char.IsWhiteSpace(text[length]))
                length++;
            if (length == text.Length)
                return null;
            char next = text[length];
            if (marker is not null && text[length..].StartsWith(marker, StringComparison.Ordinal))
            {
                int begin = length + marker.Length;
                int characters = text[begin..].IndexOf(marker, StringComparison.Ordinal);
                if (characters < 0)
                    return null;
                json.Append(Quote(text.Slice(begin, characters).ToString()));
                length = begin + characters + marker.Length;
                if (opened.Count > 0)
                    continue;
                return json.ToString();
            }

            if (marker is not null && opened.TryPeek(out char open) && open == '{' && json[^1] is '{' or ',' && next is not ('"' or '\'' or '}'))
            {
                int characters = text[length..].IndexOf(':');
                if (characters < 0)
                    return null;
                json.Append(Quote(text.Slice(length, characters).Trim().ToString()));
                length += characters;
                continue;
            }

            switch (next)
            {
                case '"' or '\'':
                    if (ReadString(text[length..], out int quoted) is not { } content)
                        return null;
                    length += quoted;
                    json.Append(Quote(content));
                    break;
                case '{' or '[' or '(':
                    opened.Push(next);
                    length++;
                    json.Append(next == '{' ? '{' : '[');
                    continue;
                case '}' or ']' or ')':
                    if (!opened.TryPop(out _))
                        return null;
                    length++;
                    if (json[^1] == ',')
                        json.Length--;
                    json.Append(next == '}' ? '}' : ']');
                    break;
                case ',' or ':' when opened.Count > 0:
                    length++;
                    json.Append(next);
                    continue;
                default:
                    int end = length;
                    while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '+' or '-' or '.'))
                        end++;
                    if (end == length || (end == text.Length && !isWhole))
                        return null;
                    json.Append(text[length..end] switch { "True" => "true", "False" => "false", "None" => "null", var word => word });
                    length = end;
                    break;
            }

            if (opened.Count == 0)
                return IsJson(json.ToString()) ? json.ToString() : null;
        }
    }

    /// <summary>A text as a JSON string.</summary>
    public static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    private static bool IsJson(string text)
    {
        try
        {
            JsonDocument.Parse(text, new() { MaxDepth = WrittenCall.DepthLimit }).Dispose();
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string? ReadString(ReadOnlySpan<char> text, out int length)
    {
        StringBuilder content = new();
        for (length = 1; length < text.Length; length++)
        {
            if (text[length] == text[0])
            {
                length++;
                return content.ToString();
            }

            if (text[length] != '\\')
            {
                content.Append(text[length]);
                continue;
            }

            if (++length == text.Length)
                return null;
            int digits = text[length] switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
            if (digits == 0)
            {
                content.Append(text[length] switch
                {
                    'n' => "\n",
                    't' => "\t",
                    'r' => "\r",
                    'b' => "\b",
                    'f' => "\f",
                    'a' => "\a",
                    'v' => "\v",
                    '0' => "\0",
                    '\n' => "",
                    '\\' or '\'' or '"' or '/' => text[length].ToString(),
                    _ => "\\" + text[length],
                });
                continue;
            }

            if (text.Length - length <= digits || !int.TryParse(text.Slice(length + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code) || (uint)code > 0x10FFFF)
                return null;
            content.Append(code > char.MaxValue ? char.ConvertFromUtf32(code) : ((char)code).ToString());
            length += digits;
        }

        return null;
    }
}
