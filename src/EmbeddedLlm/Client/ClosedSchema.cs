using System.Text.Json;
using System.Text.Json.Nodes;

namespace EmbeddedLlm.Client;

/// <summary>
/// A schema whose objects have the properties that it names and no others, as other services enforce it. What fits the closed schema fits the open one, so nothing that was asked for is lost; a part
/// of it that applies several schemas to the same object at once, or counts how many apply, stays as it is, since closing one of them could leave nothing that fits. So does the whole where such a part
/// refers to another place, which applies elsewhere as well.
/// </summary>
internal static class ClosedSchema
{
    private static readonly string[] s_combining =
    [
        "allOf", "oneOf", "not", "if", "dependentSchemas", "dependencies", "dependentRequired", "patternProperties", "propertyNames", "unevaluatedProperties", "$dynamicRef", "$recursiveRef", "contains",
    ];

    /// <summary>What asks something of an object beside the schemas that it also has to fit.</summary>
    private static readonly string[] s_ofObjects = ["properties", "additionalProperties", "minProperties", "enum", "const"];

    private static readonly string[] s_maps = ["properties", "$defs", "definitions"];
    private static readonly string[] s_parts = ["items", "additionalProperties", "prefixItems", "anyOf"];

    /// <summary>The closed schema, or the schema itself where closing it is of no use or not safe.</summary>
    public static JsonElement Of(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object)
            return schema;
        JsonNode root;
        try
        {
            root = JsonNode.Parse(schema.GetRawText(), documentOptions: new JsonDocumentOptions { MaxDepth = 1000 })!;
            return TryClose(root) ? JsonElement.Parse(root.ToJsonString(), new JsonDocumentOptions { MaxDepth = 1000 }) : schema;
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException or InvalidOperationException)
        {
            // Keys that come twice, lone surrogates and depth: the grammar says what is wrong with them, or takes them.
            return schema;
        }
    }

    private static bool TryClose(JsonNode root)
    {
        List<JsonObject> open = [];
        Stack<JsonNode> rest = new([root]);
        while (rest.TryPop(out JsonNode? node))
        {
            if (node is JsonArray several)
            {
                foreach (JsonNode? one in several)
                    Push(one);
                continue;
            }

            if (node is not JsonObject schema)
                continue;
            if (AppliesSeveral(schema))
            {
                if (HasReference(schema))
                    return false;
                continue;
            }

            if (IsOpen(schema))
                open.Add(schema);
            foreach (string map in s_maps)
            {
                foreach ((_, JsonNode? one) in schema[map] as JsonObject ?? [])
                    Push(one);
            }

            foreach (string part in s_parts)
                Push(schema[part]);
        }

        foreach (JsonObject schema in open)
            schema.Add("additionalProperties", false);
        return open.Count > 0;

        void Push(JsonNode? node)
        {
            if (node is not null)
                rest.Push(node);
        }
    }

    /// <summary>Whether an object may have to fit several schemas at once, and not only one of some.</summary>
    private static bool AppliesSeveral(JsonObject schema)
    {
        if (s_combining.Any(schema.ContainsKey))
            return true;
        bool isOneOfSome = schema.ContainsKey("anyOf");
        if (!isOneOfSome && !schema.ContainsKey("$ref"))
            return false;
        return s_ofObjects.Any(schema.ContainsKey)
            || (schema.ContainsKey("$ref") && (isOneOfSome || schema.ContainsKey("required")))
            || (schema.ContainsKey("required") && !(schema["anyOf"] is JsonArray alternatives && alternatives.All(one => Names(one, schema["required"]))));
    }

    /// <summary>Whether an alternative names all the properties that are required beside it, as those of a polymorphic type name its discriminator, or is of no object.</summary>
    private static bool Names(JsonNode? alternative, JsonNode? required) =>
        alternative is JsonObject schema && !schema.ContainsKey("$ref") && !schema.ContainsKey("anyOf")
        && (schema["properties"] is JsonObject properties ? AllAreIn(properties, required)
            : schema["type"] is JsonValue type && type.GetValueKind() == JsonValueKind.String && type.GetValue<string>() != "object");

    private static bool HasReference(JsonObject schema)
    {
        Stack<JsonNode> rest = new([schema]);
        while (rest.TryPop(out JsonNode? node))
        {
            if (node is JsonObject some && (some.ContainsKey("$ref") || some.ContainsKey("$dynamicRef") || some.ContainsKey("$recursiveRef")))
                return true;
            foreach (JsonNode? one in node is JsonObject members ? members.Select(member => member.Value) : node as IEnumerable<JsonNode?> ?? [])
            {
                if (one is not null)
                    rest.Push(one);
            }
        }

        return false;
    }

    /// <summary>Whether a schema names properties, allows others, and needs none of these.</summary>
    private static bool IsOpen(JsonObject schema) =>
        schema["properties"] is JsonObject properties
        && !schema.ContainsKey("additionalProperties") && !schema.ContainsKey("minProperties") && !schema.ContainsKey("enum") && !schema.ContainsKey("const")
        && AllAreIn(properties, schema["required"]);

    /// <summary>Whether all the properties that are required are among those that are named.</summary>
    public static bool AllAreIn(JsonObject properties, JsonNode? required) =>
        (required as JsonArray ?? []).All(name => name is not null && name.GetValueKind() == JsonValueKind.String && properties.ContainsKey(name.GetValue<string>()));
}
