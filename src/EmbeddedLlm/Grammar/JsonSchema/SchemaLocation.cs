using System.Text.Json;

namespace EmbeddedLlm.Grammars;

/// <summary>A schema inside a document: one object per place.</summary>
internal sealed class SchemaLocation
{
    /// <summary>The keywords that restrict what is an instance; all others are annotations.</summary>
    private static readonly HashSet<string> s_restricting = new(StringComparer.Ordinal)
    {
        "$ref", "$dynamicRef", "$recursiveRef", "type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum",
        "maxLength", "minLength", "pattern", "format", "maxItems", "minItems", "uniqueItems", "contains", "items", "additionalItems", "prefixItems",
        "unevaluatedItems", "maxProperties", "minProperties", "required", "dependentRequired", "dependentSchemas", "dependencies", "properties",
        "patternProperties", "additionalProperties", "propertyNames", "unevaluatedProperties", "allOf", "anyOf", "oneOf", "not", "if",
    };

    private readonly List<(string Name, JsonElement Value)> _keywords = [];
    private readonly Dictionary<string, JsonElement> _byName = new(StringComparer.Ordinal);

    public SchemaLocation(SchemaDocument document, JsonElement element, string pointer, SchemaResource resource)
    {
        Document = document;
        Element = element;
        Pointer = pointer;
        Resource = resource;
        if (element.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return;
        if (element.ValueKind != JsonValueKind.Object)
            throw new GrammarException($"The JSON schema is malformed: a schema must be an object or a boolean, and '#{pointer}' is neither.");
        foreach (JsonProperty property in element.EnumerateObject())
            _byName[SchemaText.Name(property, pointer)] = property.Value;
        bool hasOnlyReference = resource.IgnoresReferenceSiblings && _byName.TryGetValue("$ref", out JsonElement reference) && reference.ValueKind == JsonValueKind.String;
        foreach (JsonProperty property in element.EnumerateObject())
        {
            string name = property.Name;
            if (s_restricting.Contains(name) && (!hasOnlyReference || name == "$ref") && !document.IsIgnored(pointer, name) && !_keywords.Exists(known => known.Name == name))
                _keywords.Add((name, _byName[name]));
        }
    }

    public SchemaDocument Document { get; }

    public JsonElement Element { get; }

    /// <summary>A JSON pointer to it from the document's root.</summary>
    public string Pointer { get; }

    public SchemaResource Resource { get; }

    /// <summary>The keywords that restrict instances, in the document's order.</summary>
    public IReadOnlyList<(string Name, JsonElement Value)> Keywords => _keywords;

    /// <summary>The value of a restricting keyword that is in force.</summary>
    public bool TryGet(string keyword, out JsonElement value)
    {
        foreach ((string name, JsonElement known) in _keywords)
        {
            if (name == keyword)
            {
                value = known;
                return true;
            }
        }

        value = default;
        return false;
    }

    /// <summary>The value of any other keyword.</summary>
    public bool TryGetCompanion(string keyword, out JsonElement value)
    {
        value = default;
        return !Document.IsIgnored(Pointer, keyword) && _byName.TryGetValue(keyword, out value);
    }

    /// <summary>A count that a keyword gives: a whole number from 0, kept within the range of <see cref="int"/>.</summary>
    public int? Count(string keyword)
    {
        if (!TryGet(keyword, out JsonElement value) && !TryGetCompanion(keyword, out value))
            return null;
        if (value.ValueKind != JsonValueKind.Number)
            throw SchemaText.Malformed(Pointer, keyword, "must be a number");
        ExactDecimal number = SchemaText.Number(value, Pointer);
        if (!number.IsInteger || number.IsNegative)
            throw SchemaText.Malformed(Pointer, keyword, "must be a whole number from 0");
        return number > int.MaxValue ? int.MaxValue : int.Parse(number.ToString(), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>The schema a keyword holds.</summary>
    public SchemaLocation Child(string keyword, JsonElement element) => Document.At(element, $"{Pointer}/{SchemaText.Escape(keyword)}", Resource);

    /// <summary>A schema in a keyword's object.</summary>
    public SchemaLocation Child(string keyword, string name, JsonElement element) =>
        Document.At(element, $"{Pointer}/{SchemaText.Escape(keyword)}/{SchemaText.Escape(name)}", Resource);

    /// <summary>The schemas of a keyword's array.</summary>
    public List<SchemaLocation> Children(string keyword, JsonElement array)
    {
        if (array.ValueKind != JsonValueKind.Array)
            throw SchemaText.Malformed(Pointer, keyword, "must be an array of schemas");
        List<SchemaLocation> children = [];
        foreach (JsonElement element in array.EnumerateArray())
            children.Add(Document.At(element, $"{Pointer}/{SchemaText.Escape(keyword)}/{children.Count}", Resource));
        return children;
    }

    /// <summary>The strings of a keyword's array.</summary>
    public List<string> Strings(string keyword, JsonElement array)
    {
        if (array.ValueKind != JsonValueKind.Array)
            throw SchemaText.Malformed(Pointer, keyword, "must be an array of strings");
        List<string> strings = [];
        foreach (JsonElement element in array.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.String)
                throw SchemaText.Malformed(Pointer, keyword, "must be an array of strings");
            strings.Add(SchemaText.Text(element, Pointer));
        }

        return strings;
    }

    public JsonSchemaNotSupportedException NotSupported(string keyword, string reason) => new(Pointer, keyword, reason);
}
