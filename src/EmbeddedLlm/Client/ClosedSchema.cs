using System.Text.Json;
using System.Text.Json.Nodes;

namespace EmbeddedLlm.Client;

/// <summary>
/// A schema whose objects have the properties that it names and no others, as other services enforce it. What fits the closed schema fits the open one, so nothing that was asked for is lost; a schema
/// whose parts apply to the same object at once, or count how many apply, stays as it is, since closing a part could leave nothing that fits.
/// </summary>
internal static class ClosedSchema
{
    private static readonly string[] s_combining =
    [
        "allOf", "oneOf", "not", "if", "dependentSchemas", "dependencies", "dependentRequired", "patternProperties", "propertyNames", "unevaluatedProperties", "$dynamicRef", "$recursiveRef", "contains",
    ];

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
            bool isSeveral = schema.ContainsKey("$ref") || schema.ContainsKey("anyOf");
            if (s_combining.Any(schema.ContainsKey) || (isSeveral && (schema.ContainsKey("properties") || schema.ContainsKey("required"))) || (schema.ContainsKey("$ref") && schema.ContainsKey("anyOf")))
                return false;
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

    /// <summary>Whether a schema names properties, allows others, and needs none of these.</summary>
    private static bool IsOpen(JsonObject schema) =>
        schema["properties"] is JsonObject properties
        && !schema.ContainsKey("additionalProperties") && !schema.ContainsKey("minProperties") && !schema.ContainsKey("enum") && !schema.ContainsKey("const")
        && (schema["required"] as JsonArray ?? []).All(name => name is not null && name.GetValueKind() == JsonValueKind.String && properties.ContainsKey(name.GetValue<string>()));
}
