using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>Says in words what a schema asks for, since a grammar alone tells a model nothing of names and descriptions.</summary>
internal static class AnswerDescription
{
    /// <summary>The text for the system message; null where there is none.</summary>
    public static string? Of(ChatOptions? options, EmbeddedChatOptions? more)
    {
        if (options?.ResponseFormat is not ChatResponseFormatJson { Schema: { } schema } format)
            return null;
        if (!(more?.DescribeResponseFormat ?? (!string.IsNullOrWhiteSpace(format.SchemaDescription) || HasDescription(schema))))
            return null;
        StringBuilder text = new("Answer with JSON that fits this schema");
        if (!string.IsNullOrWhiteSpace(format.SchemaName))
            text.Append(" of '").Append(format.SchemaName).Append('\'');
        if (!string.IsNullOrWhiteSpace(format.SchemaDescription))
            text.Append(" (").Append(format.SchemaDescription).Append(')');
        return text.Append(":\n").Append(Compact(WrappedSchema.Of(schema))).ToString();
    }

    /// <summary>Whether a schema describes itself or one of its parts. A property may be called so, too; then its value is an object.</summary>
    private static bool HasDescription(JsonElement schema)
    {
        Stack<JsonElement> rest = new([schema]);
        while (rest.TryPop(out JsonElement element))
        {
            if (element.ValueKind == JsonValueKind.Array)
            {
                foreach (JsonElement item in element.EnumerateArray())
                    rest.Push(item);
            }
            else if (element.ValueKind == JsonValueKind.Object)
            {
                if (element.TryGetProperty("description", out JsonElement description) && description.ValueKind == JsonValueKind.String)
                    return true;
                foreach (JsonProperty property in element.EnumerateObject())
                    rest.Push(property.Value);
            }
        }

        return false;
    }

    private static string Compact(JsonElement schema)
    {
        using MemoryStream json = new();
        // The text goes to a model and not into a page: only what JSON asks for is escaped.
        using (Utf8JsonWriter writer = new(json, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            schema.WriteTo(writer);
        return Encoding.UTF8.GetString(json.GetBuffer().AsSpan(0, (int)json.Length));
    }
}
