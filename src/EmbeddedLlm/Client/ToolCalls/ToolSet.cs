using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>The functions that a request lets the model call. Immutable.</summary>
internal sealed class ToolSet
{
    /// <summary>The keywords that may say something about properties which are not listed.</summary>
    private static readonly string[] s_otherProperties =
        ["additionalProperties", "unevaluatedProperties", "patternProperties", "allOf", "anyOf", "oneOf", "$ref", "$dynamicRef", "if", "dependentSchemas"];

    private readonly JsonElement[] _declarations;

    private ToolSet(AIFunctionDeclaration[] functions, AIFunctionDeclaration[] callable, bool isRequired, bool allowsMany)
    {
        _declarations = [.. functions.Select(Declare)];
        Callable = callable;
        IsRequired = isRequired;
        AllowsMany = allowsMany;
        Key = string.Join('\n', [$"{isRequired} {allowsMany}", .. callable.Select(function => function.Name), .. _declarations.Select(declaration => declaration.GetRawText())]);
    }

    /// <summary>The functions that may be called in this answer: all, or the one that the caller requires.</summary>
    public IReadOnlyList<AIFunctionDeclaration> Callable { get; }

    /// <summary>Whether the answer must be a call.</summary>
    public bool IsRequired { get; }

    /// <summary>Whether one answer may have several calls.</summary>
    public bool AllowsMany { get; }

    /// <summary>The same for requests whose answers are held to the same grammar.</summary>
    public string Key { get; }

    /// <summary>The functions in the shape that a template expects.</summary>
    public TemplateValue TemplateValue(ToolSupport support) => ToolTemplateValues.Tools(_declarations, support.TakesToolsAsText);

    /// <summary>The same for templates that fail where a parameter says no type, as Gemma 4's do, or may be null, as Hermes 3's does, or a function lists no parameters, as Seed-OSS' does: each says one type, and there is a list, be it an empty one.</summary>
    public TemplateValue TypedTemplateValue(ToolSupport support) => ToolTemplateValues.Tools(_declarations.Select(WithTypes), support.TakesToolsAsText);

    /// <summary>Reads the options' tools.</summary>
    /// <returns>Null where the model is to know of no tools: there are none, or <see cref="NoneChatToolMode"/> forbids them.</returns>
    /// <exception cref="NotSupportedException">A tool is no function, or a mode requires a call where there is nothing to call.</exception>
    /// <exception cref="ArgumentException">Two functions have one name, a name is empty or cannot be written as it is in JSON, or the required function is not among the tools.</exception>
    public static ToolSet? Of(ChatOptions? options)
    {
        if (options?.ToolMode is { } mode and not (AutoChatToolMode or NoneChatToolMode or RequiredChatToolMode))
            throw RequestMapper.NotSupported(nameof(options.ToolMode), $"{mode.GetType().Name} is not known");
        AIFunctionDeclaration[] functions = [.. (options?.Tools ?? []).Select(FunctionOf)];
        if (functions.Length == 0 && options?.ToolMode is RequiredChatToolMode)
            throw RequestMapper.NotSupported(nameof(options.ToolMode), "a call is required, and there are no tools");
        HashSet<string> names = [];
        foreach (AIFunctionDeclaration function in functions)
        {
            if (function.Name.Length == 0 || function.Name.Any(c => c < ' ' || char.IsSurrogate(c) || c is '"' or '\\'))
                throw new ArgumentException($"The tool name '{function.Name}' is empty, or has characters that JSON cannot write as they are.", nameof(options));
            if (!names.Add(function.Name))
                throw new ArgumentException($"Two tools have the name '{function.Name}'.", nameof(options));
        }

        if (functions.Length == 0 || options?.ToolMode is NoneChatToolMode)
            return null;
        AIFunctionDeclaration[] callable = functions;
        if (options?.ToolMode is RequiredChatToolMode { RequiredFunctionName: { } required })
        {
            callable = [.. functions.Where(function => function.Name == required)];
            if (callable.Length == 0)
                throw new ArgumentException($"The required function '{required}' is not among the tools.", nameof(options));
        }

        return new ToolSet(functions, callable, options?.ToolMode is RequiredChatToolMode, options?.AllowMultipleToolCalls ?? true);
    }

    /// <summary>What a system message tells a model about the functions whose template does not.</summary>
    /// <param name="format">How the model shall write calls.</param>
    public string Describe(ToolCallFormat format)
    {
        StringBuilder text = new("# Tools\n\nYou can call functions. Here is a JSON description of each:\n<tools>\n");
        foreach (JsonElement declaration in _declarations)
            text.Append(declaration.GetRawText()).Append('\n');
        return text.Append("</tools>\n\nTo call a function, write its name and a JSON object with its arguments in this form:\n")
            .Append(format.Write(("<function-name>", format.Tags is null ? "<arguments>" : """{"<argument-name>": "<value>"}""", "000000001"))).ToString();
    }

    /// <summary>
    /// The schema that a call's arguments are held to: the function's own, which is an object's in any case. Where it lists properties and says nothing about others, there are no others, as a
    /// function ignores what it has no parameter for; so it is with the objects within it, as it is with answers. One that requires a property which it does not list stays open.
    /// </summary>
    public static JsonElement ArgumentsSchema(AIFunctionDeclaration function)
    {
        if (function.JsonSchema.ValueKind != JsonValueKind.Object)
            return JsonElement.Parse("""{"type":"object"}""");
        JsonObject schema = JsonObject.Create(function.JsonSchema)!;
        bool isObject = schema.ContainsKey("type");
        bool isClosed = schema["properties"] is not JsonObject properties
            || s_otherProperties.Any(schema.ContainsKey) || !ClosedSchema.AllAreIn(properties, schema["required"]);
        if (isObject && isClosed)
            return ClosedSchema.Of(function.JsonSchema);
        if (!isObject)
            schema["type"] = "object";
        if (!isClosed)
            schema["additionalProperties"] = false;
        return ClosedSchema.Of(Write(writer => schema.WriteTo(writer)));
    }

    /// <summary>A schema with the properties of its objects in the order of their names: <see cref="ArgumentTags.SortsKeys"/>.</summary>
    public static JsonElement Sorted(JsonElement schema)
    {
        JsonObject root = JsonObject.Create(schema)!;
        Stack<JsonNode> left = new([root]);
        while (left.TryPop(out JsonNode? node))
        {
            if ((node as JsonObject)?["properties"] is JsonObject properties)
            {
                KeyValuePair<string, JsonNode?>[] sorted = [.. properties.OrderBy(property => property.Key.ToLowerInvariant(), StringComparer.Ordinal)];
                properties.Clear();
                foreach (KeyValuePair<string, JsonNode?> property in sorted)
                    properties.Add(property);
            }

            foreach (JsonNode? child in node is JsonObject item ? item.Select(property => property.Value) : node as JsonArray ?? [])
            {
                if (child is not null)
                    left.Push(child);
            }
        }

        return Write(writer => root.WriteTo(writer));
    }

    private static AIFunctionDeclaration FunctionOf(AITool tool) =>
        tool as AIFunctionDeclaration ?? throw RequestMapper.NotSupported(nameof(ChatOptions.Tools), $"'{tool?.Name}' is a {tool?.GetType().Name ?? "null"}, and only functions can be called");

    /// <summary>A declaration of which each property in a list of them is an object with one type: the first that it has beside null, that of its values where it lists them, and else <c>string</c>, as all values can be written so.</summary>
    private static JsonElement WithTypes(JsonElement declaration)
    {
        JsonObject root = JsonObject.Create(declaration)!;
        if (root["function"]?["parameters"] is JsonObject parameters)
            parameters.TryAdd("properties", new JsonObject());
        Stack<JsonNode> left = new([root]);
        while (left.TryPop(out JsonNode? node))
        {
            JsonObject? properties = (node as JsonObject)?["properties"] as JsonObject;
            foreach (string name in properties?.Select(property => property.Key).ToArray() ?? [])
            {
                if (properties![name] is not JsonObject property)
                    properties[name] = property = [];
                if (!property.ContainsKey("type"))
                    property["type"] = TypeOf(property);
                left.Push(property);
            }

            // Hermes 3's template never ends where a type is null, not even among others.
            if (node is JsonObject schema && (schema["type"] is JsonArray || IsNull(schema["type"])))
                schema["type"] = (schema["type"] as JsonArray)?.FirstOrDefault(type => !IsNull(type))?.DeepClone() ?? TypeOf(schema);
            foreach (JsonNode? child in node is JsonObject item ? item.Select(property => property.Value) : node as JsonArray ?? [])
            {
                if (child is not null && child != properties)
                    left.Push(child);
            }
        }

        return Write(writer => root.WriteTo(writer));
    }

    private static bool IsNull(JsonNode? type) => type?.GetValueKind() == JsonValueKind.String && type.GetValue<string>() == "null";

    private static string TypeOf(JsonObject schema)
    {
        if (schema.ContainsKey("properties"))
            return "object";
        if (schema.ContainsKey("items"))
            return "array";
        JsonNode? value = schema["const"] ?? (schema["enum"] as JsonArray)?.FirstOrDefault(one => one is not null);
        return value?.GetValueKind() switch
        {
            JsonValueKind.Number => "number",
            JsonValueKind.True or JsonValueKind.False => "boolean",
            JsonValueKind.Object => "object",
            JsonValueKind.Array => "array",
            _ => "string",
        };
    }

    private static JsonElement Declare(AIFunctionDeclaration function) => Write(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("type", "function");
        writer.WriteStartObject("function");
        writer.WriteString("name", function.Name);
        writer.WriteString("description", function.Description);
        writer.WritePropertyName("parameters");
        if (function.JsonSchema.ValueKind == JsonValueKind.Object)
            function.JsonSchema.WriteTo(writer);
        else
            JsonElement.Parse("""{"type":"object","properties":{}}""").WriteTo(writer);
        writer.WriteEndObject();
        writer.WriteEndObject();
    });

    private static JsonElement Write(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> json = new();
        using (Utf8JsonWriter writer = new(json, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            write(writer);
        return JsonElement.Parse(json.WrittenSpan);
    }
}
