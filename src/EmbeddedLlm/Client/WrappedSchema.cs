using System.Text.Json;
using System.Text.Json.Nodes;

namespace EmbeddedLlm.Client;

/// <summary>
/// The schema of an answer that is no object: <c>GetResponseAsync&lt;T&gt;</c> of Microsoft.Extensions.AI puts a list's or a number's schema under a property <c>data</c> and leaves its references as they were,
/// so that those of a list of a recursive type lead nowhere, or to the object around it.
/// </summary>
internal static class WrappedSchema
{
    private const string Property = "data";
    private const string Place = "#/properties/" + Property;

    /// <summary>The keywords whose values are schemas by name.</summary>
    private static readonly string[] s_maps = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

    /// <summary>The keywords whose values are no schemas.</summary>
    private static readonly string[] s_values = ["enum", "const", "default", "examples"];

    /// <summary>The schema with its references led to where they meant to go; the schema itself where none is to be changed.</summary>
    public static JsonElement Of(JsonElement schema)
    {
        try
        {
            if (!IsWrapped(schema))
                return schema;
            JsonNode root = JsonNode.Parse(schema.GetRawText(), documentOptions: new JsonDocumentOptions { MaxDepth = 1000 })!;
            return TryLead((JsonObject)root["properties"]![Property]!) ? JsonElement.Parse(root.ToJsonString(), new JsonDocumentOptions { MaxDepth = 1000 }) : schema;
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException or InvalidOperationException)
        {
            // Keys that come twice, lone surrogates and depth: the grammar says what is wrong with them, or takes them.
            return schema;
        }
    }

    /// <summary>Whether it is an object with one property, whose schema says that it is one of its own.</summary>
    private static bool IsWrapped(JsonElement schema) =>
        schema.ValueKind == JsonValueKind.Object
        && schema.TryGetProperty("properties", out JsonElement properties) && properties.ValueKind == JsonValueKind.Object && properties.GetPropertyCount() == 1
        && properties.TryGetProperty(Property, out JsonElement data) && data.ValueKind == JsonValueKind.Object
        && data.TryGetProperty("$schema", out _) && !data.TryGetProperty("$id", out _);

    private static bool TryLead(JsonObject data)
    {
        // Where references are whole already they all begin so; those that are not cannot, unless the type has a property of that name.
        bool mayBeWhole = data["properties"] is not JsonObject own || !own.ContainsKey(Property);
        bool isChanged = false;
        Stack<(JsonNode Node, bool IsMap)> rest = new([(data, false)]);
        while (rest.TryPop(out (JsonNode Node, bool IsMap) at))
        {
            if (at.Node is JsonArray several)
            {
                foreach (JsonNode? one in several)
                    Push(one, isMap: false);
                continue;
            }

            if (at.Node is not JsonObject members)
                continue;
            if (!at.IsMap && members["$ref"] is JsonValue value && value.TryGetValue(out string? reference) && reference is ['#', ..] and not ['#', not '/', ..]
                && !(mayBeWhole && (reference + "/").StartsWith(Place + "/", StringComparison.Ordinal)))
            {
                members["$ref"] = Place + reference[1..];
                isChanged = true;
            }

            foreach ((string name, JsonNode? one) in members)
            {
                if (at.IsMap || !s_values.Contains(name))
                    Push(one, isMap: !at.IsMap && s_maps.Contains(name));
            }
        }

        return isChanged;

        void Push(JsonNode? node, bool isMap)
        {
            if (node is not null)
                rest.Push((node, isMap));
        }
    }
}
