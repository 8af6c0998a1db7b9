using System.Runtime.InteropServices;
using System.Text.Json;

namespace EmbeddedLlm.Grammars;

/// <summary>Reads strings, keys and numbers of a schema, and says where they are malformed.</summary>
internal static class SchemaText
{
    /// <summary>A string's text.</summary>
    /// <exception cref="GrammarException">It holds half of a surrogate pair or bytes that are no UTF-8, so no text equals it.</exception>
    public static string Text(JsonElement element, string pointer)
    {
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw new GrammarException($"The JSON schema has a string that is no valid Unicode at '#{pointer}'.", e);
        }
    }

    /// <inheritdoc cref="Text"/>
    public static string Name(JsonProperty property, string pointer)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException e)
        {
            throw new GrammarException($"The JSON schema has a key that is no valid Unicode at '#{pointer}'.", e);
        }
    }

    /// <summary>A number's exact value.</summary>
    /// <exception cref="GrammarException">It has too many digits to be computed with.</exception>
    public static ExactDecimal Number(JsonElement element, string pointer)
    {
        try
        {
            return ExactDecimal.Parse(JsonMarshal.GetRawUtf8Value(element));
        }
        catch (GrammarException e)
        {
            throw new GrammarException($"The JSON schema has a number that cannot be computed with at '#{pointer}': {e.Message}", e);
        }
    }

    /// <summary>A number's exact value, also where a string holds the number, as Microsoft.Extensions.AI writes the bounds of <c>[Range(typeof(decimal), "0.5", "2")]</c>; null for anything else.</summary>
    /// <exception cref="GrammarException">It has too many digits to be computed with.</exception>
    public static ExactDecimal? NumberOrQuoted(JsonElement element, string pointer)
    {
        if (element.ValueKind == JsonValueKind.Number)
            return Number(element, pointer);
        if (element.ValueKind != JsonValueKind.String)
            return null;
        try
        {
            return ExactDecimal.Parse(Text(element, pointer));
        }
        catch (GrammarException)
        {
            return null;
        }
    }

    /// <summary>A JSON pointer's next part (RFC 6901).</summary>
    public static string Escape(string token) => token.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    /// <summary>A part of a JSON pointer as the key it means.</summary>
    public static string Unescape(string token) => token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);

    public static GrammarException Malformed(string pointer, string keyword, string what) =>
        new($"The JSON schema is malformed: '{keyword}' at '#{pointer}' {what}.");
}
