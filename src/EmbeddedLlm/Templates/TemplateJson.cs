using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace EmbeddedLlm.Templates;

/// <summary>Reads JSON as template values.</summary>
internal static class TemplateJson
{
    public static TemplateValue Read(JsonElement element, PromptPartKind kind) => Read(element, kind, TemplateLimits.Default.ValueDepth);

    private static TemplateValue Read(JsonElement element, PromptPartKind kind, int levelsLeft)
    {
        if (levelsLeft < 0)
            throw new ArgumentException($"The JSON nests deeper than {TemplateLimits.Default.ValueDepth} levels.", nameof(element));

        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                TemplateDictionary dictionary = new(kind);
                foreach (JsonProperty property in element.EnumerateObject())
                    dictionary[new TemplateString(ReadName(property), kind)] = Read(property.Value, kind, levelsLeft - 1);
                return dictionary;
            case JsonValueKind.Array:
                TemplateValue[] items = new TemplateValue[element.GetArrayLength()];
                int count = 0;
                foreach (JsonElement item in element.EnumerateArray())
                    items[count++] = Read(item, kind, levelsLeft - 1);
                return new TemplateList(items, kind);
            case JsonValueKind.String:
                return new TemplateString(ReadText(element), kind);
            case JsonValueKind.Number:
                return ReadNumber(JsonMarshal.GetRawUtf8Value(element));
            case JsonValueKind.True:
                return TemplateValue.True;
            case JsonValueKind.False:
                return TemplateValue.False;
            default:
                return TemplateValue.None;
        }
    }

    private static TemplateValue ReadNumber(ReadOnlySpan<byte> digits)
    {
        if (digits.IndexOfAny("eE."u8) >= 0)
            return TemplateValue.From(double.Parse(digits, CultureInfo.InvariantCulture));
        if (digits.Length > TemplateInteger.MostDigits)
            throw new ArgumentException($"The JSON holds an integer of more than {TemplateInteger.MostDigits} digits.");
        return TemplateValue.From(BigInteger.Parse(Encoding.UTF8.GetString(digits), CultureInfo.InvariantCulture));
    }

    private static string ReadText(JsonElement element)
    {
        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(element);
        return NeedsLeniency(raw) ? Unescape(raw[1..^1]) : element.GetString()!;
    }

    private static string ReadName(JsonProperty property)
    {
        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8PropertyName(property);
        return NeedsLeniency(raw) ? Unescape(raw) : property.Name;
    }

    /// <summary>Whether .NET may refuse the text: it takes no escaped surrogate that stands alone, which Python does.</summary>
    private static bool NeedsLeniency(ReadOnlySpan<byte> raw) =>
        raw.IndexOf("\\ud"u8) >= 0 || raw.IndexOf("\\uD"u8) >= 0 || !Utf8.IsValid(raw);

    private static string Unescape(ReadOnlySpan<byte> raw)
    {
        string text = Encoding.UTF8.GetString(raw);
        StringBuilder plain = new(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                plain.Append(text[i]);
                continue;
            }

            char escape = text[++i];
            if (escape == 'u')
            {
                plain.Append((char)ushort.Parse(text.AsSpan(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 4;
            }
            else
            {
                plain.Append(escape switch
                {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'b' => '\b',
                    'f' => '\f',
                    _ => escape,
                });
            }
        }

        return plain.ToString();
    }
}
