using System.Text;
using System.Text.Json;

namespace EmbeddedLlm.Grammars;

/// <summary>A JSON value of a schema, compared by what it means: numbers by value, objects without regard to the order of their keys.</summary>
internal sealed class JsonConstant : IEquatable<JsonConstant>
{
    private readonly string _canonical;

    private JsonConstant(JsonElement element, string pointer, string canonical)
    {
        Element = element;
        Pointer = pointer;
        _canonical = canonical;
    }

    public JsonElement Element { get; }

    /// <summary>A JSON pointer to the schema it is from.</summary>
    public string Pointer { get; }

    public static JsonConstant Create(JsonElement element, string pointer)
    {
        StringBuilder canonical = new();
        Write(element, pointer, canonical);
        return new JsonConstant(element, pointer, canonical.ToString());
    }

    public bool Equals(JsonConstant? other) => other is not null && _canonical == other._canonical;

    public override bool Equals(object? obj) => Equals(obj as JsonConstant);

    public override int GetHashCode() => _canonical.GetHashCode(StringComparison.Ordinal);

    /// <summary>One text for equal values. Recurses no deeper than <see cref="SchemaDocument.DepthLimit"/>.</summary>
    private static void Write(JsonElement element, string pointer, StringBuilder canonical)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                SortedDictionary<string, JsonElement> members = new(StringComparer.Ordinal);
                foreach (JsonProperty property in element.EnumerateObject())
                    members[SchemaText.Name(property, pointer)] = property.Value;
                canonical.Append('{');
                foreach ((string name, JsonElement value) in members)
                {
                    // With its length in front, a string needs no escapes.
                    canonical.Append(name.Length).Append('"').Append(name);
                    Write(value, pointer, canonical);
                }

                canonical.Append('}');
                break;
            case JsonValueKind.Array:
                canonical.Append('[');
                foreach (JsonElement item in element.EnumerateArray())
                    Write(item, pointer, canonical);
                canonical.Append(']');
                break;
            case JsonValueKind.String:
                string text = SchemaText.Text(element, pointer);
                canonical.Append(text.Length).Append('"').Append(text);
                break;
            case JsonValueKind.Number:
                canonical.Append('#').Append(SchemaText.Number(element, pointer)).Append(';');
                break;
            default:
                canonical.Append(element.ValueKind switch { JsonValueKind.True => 't', JsonValueKind.False => 'f', _ => 'n' });
                break;
        }
    }
}
