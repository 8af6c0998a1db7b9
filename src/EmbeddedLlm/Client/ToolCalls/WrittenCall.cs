using System.Buffers;
using System.Text.Json;

namespace EmbeddedLlm.Client;

/// <summary>A call that a model has written.</summary>
/// <param name="Name">The function's name.</param>
/// <param name="Arguments">A JSON object.</param>
internal readonly record struct WrittenCall(string Name, string Arguments)
{
    /// <summary>How deep arguments may be nested.</summary>
    public const int DepthLimit = 256;

    /// <summary>The arguments by their names. Where a key comes twice in an object, the last one counts.</summary>
    /// <exception cref="JsonException">They are no JSON object, or nested too deeply.</exception>
    public Dictionary<string, object?> ReadArguments()
    {
        using JsonDocument document = JsonDocument.Parse(Arguments, new() { MaxDepth = DepthLimit });
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw new JsonException("The arguments of a call are no JSON object.");
        Dictionary<string, object?> arguments = [];
        foreach (JsonProperty argument in document.RootElement.EnumerateObject())
            arguments[argument.Name] = argument.Value.ValueKind == JsonValueKind.Null ? null : WithoutRepeatedKeys(argument.Value);
        return arguments;
    }

    private static JsonElement WithoutRepeatedKeys(JsonElement value)
    {
        if (!HasRepeatedKeys(value))
            return value.Clone();
        ArrayBufferWriter<byte> json = new();
        using (Utf8JsonWriter writer = new(json, new JsonWriterOptions { MaxDepth = DepthLimit }))
            Write(value, writer);
        using JsonDocument document = JsonDocument.Parse(json.WrittenMemory, new() { MaxDepth = DepthLimit });
        return document.RootElement.Clone();
    }

    /// <summary>Recurses no deeper than <see cref="DepthLimit"/>.</summary>
    private static bool HasRepeatedKeys(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => value.EnumerateArray().Any(HasRepeatedKeys),
        JsonValueKind.Object => value.EnumerateObject().DistinctBy(property => property.Name).Count() < value.GetPropertyCount() || value.EnumerateObject().Any(property => HasRepeatedKeys(property.Value)),
        _ => false,
    };

    /// <inheritdoc cref="HasRepeatedKeys"/>
    private static void Write(JsonElement value, Utf8JsonWriter writer)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (JsonElement item in value.EnumerateArray())
                    Write(item, writer);
                writer.WriteEndArray();
                break;
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (IGrouping<string, JsonProperty> property in value.EnumerateObject().GroupBy(property => property.Name))
                {
                    writer.WritePropertyName(property.Key);
                    Write(property.Last().Value, writer);
                }

                writer.WriteEndObject();
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
