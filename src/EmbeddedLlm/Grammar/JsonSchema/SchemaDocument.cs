using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace EmbeddedLlm.Grammars;

/// <summary>A schema's document: its identifiers and anchors, and what references in it mean. References out of the document are not followed.</summary>
internal sealed class SchemaDocument
{
    /// <summary>The deepest nesting of objects and arrays.</summary>
    public const int DepthLimit = 256;

    /// <summary>The longest text, in bytes.</summary>
    public const int LengthLimit = 4 * 1024 * 1024;

    /// <summary>Stands for the address of a document that does not say it.</summary>
    private const string UnknownUri = "schema:///document";

    private static readonly string[] s_withSchema =
    [
        "items", "additionalItems", "unevaluatedItems", "contains", "additionalProperties", "unevaluatedProperties", "propertyNames", "not", "if", "then", "else",
        "contentSchema",
    ];

    private static readonly string[] s_withSchemas = ["allOf", "anyOf", "oneOf", "prefixItems", "items"];

    private static readonly string[] s_withNamedSchemas = ["$defs", "definitions", "properties", "patternProperties", "dependentSchemas", "dependencies"];

    private readonly JsonElement _root;
    private readonly IReadOnlySet<(string Pointer, string Keyword)> _ignored;
    private readonly Dictionary<string, SchemaLocation> _locations = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SchemaResource> _resourcesByUri = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SchemaResource> _resourcesByPointer = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Uri, string Name), string> _anchors = [];
    private readonly Dictionary<string, int> _dynamicAnchors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Dictionary<string, JsonElement>> _members = new(StringComparer.Ordinal);
    private int _recursiveAnchors;

    /// <param name="root">The schema, checked by <see cref="EnsureWithinLimits"/>.</param>
    /// <param name="ignored">The keywords to leave out.</param>
    public SchemaDocument(JsonElement root, IReadOnlySet<(string Pointer, string Keyword)> ignored)
    {
        _root = root;
        _ignored = ignored;
        SchemaResource resource = new(UnknownUri, "", null);
        _resourcesByUri[UnknownUri] = resource;
        Register(resource);
        Root = At(root, "", _resourcesByPointer.GetValueOrDefault("", resource));
    }

    public SchemaLocation Root { get; }

    /// <exception cref="GrammarException">The schema is too long or nested too deeply.</exception>
    public static void EnsureWithinLimits(JsonElement schema)
    {
        ReadOnlySpan<byte> text = JsonMarshal.GetRawUtf8Value(schema);
        if (text.Length > LengthLimit)
            throw new GrammarException($"The JSON schema is {text.Length:N0} bytes long; at most {LengthLimit:N0} are read.");
        Utf8JsonReader reader = new(text, new JsonReaderOptions { MaxDepth = int.MaxValue, CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        while (reader.Read())
        {
            if (reader.CurrentDepth > DepthLimit)
                throw new GrammarException($"The JSON schema is nested more than {DepthLimit} deep.");
        }
    }

    public bool IsIgnored(string pointer, string keyword) => _ignored.Count > 0 && _ignored.Contains((pointer, keyword));

    /// <summary>The one object for the schema at a place.</summary>
    public SchemaLocation At(JsonElement element, string pointer, SchemaResource parent)
    {
        if (!_locations.TryGetValue(pointer, out SchemaLocation? location))
            _locations[pointer] = location = new SchemaLocation(this, element, pointer, _resourcesByPointer.GetValueOrDefault(pointer, parent));
        return location;
    }

    /// <summary>The schema that a keyword of a schema refers to.</summary>
    /// <exception cref="JsonSchemaNotSupportedException">It is in another document, or depends on where an instance came from.</exception>
    /// <exception cref="GrammarException">There is nothing at that place.</exception>
    public SchemaLocation Resolve(SchemaLocation from, string keyword, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
            throw SchemaText.Malformed(from.Pointer, keyword, "must be a string");
        string reference = SchemaText.Text(value, from.Pointer);
        int hash = reference.IndexOf('#', StringComparison.Ordinal);
        string address = hash < 0 ? reference : reference[..hash];
        string fragment = hash < 0 ? "" : reference[(hash + 1)..];
        SchemaResource resource = from.Resource;
        if (address.Length > 0)
        {
            string uri = Combine(resource.Uri, address);
            resource = _resourcesByUri.GetValueOrDefault(uri)
                ?? throw from.NotSupported(keyword, $"it refers to another document, '{reference}', which is not read");
        }

        string name = Uri.UnescapeDataString(fragment);
        if (keyword == "$recursiveRef" && _recursiveAnchors > 1)
            throw from.NotSupported(keyword, "what it refers to depends on the way that led to it");
        if (name.Length > 0 && name[0] != '/')
        {
            if (keyword == "$dynamicRef" && _dynamicAnchors.GetValueOrDefault(name) > 1)
                throw from.NotSupported(keyword, "what it refers to depends on the way that led to it");
            if (!_anchors.TryGetValue((resource.Uri, name), out string? pointer))
                throw new GrammarException($"The JSON schema refers at '#{from.Pointer}' to '{reference}', which is not there.");
            return Walk(_resourcesByUri[UnknownUri], pointer)!;
        }

        return Walk(resource, name)
            ?? (resource.Draft is null or <= 4 ? Walk(_resourcesByUri[UnknownUri], name) : null)
            ?? throw new GrammarException($"The JSON schema refers at '#{from.Pointer}' to '{reference}', which is not there.");
    }

    /// <summary>The schema at a JSON pointer from a resource, or null.</summary>
    private SchemaLocation? Walk(SchemaResource resource, string relative)
    {
        string path = resource.Pointer + relative;
        string pointer = "";
        JsonElement element = _root;
        SchemaResource current = _resourcesByPointer.GetValueOrDefault("", resource);
        foreach (string token in path.Split('/').Skip(1))
        {
            string name = SchemaText.Unescape(token);
            if (element.ValueKind == JsonValueKind.Object && TryGetMember(element, pointer, name, out JsonElement member))
                element = member;
            else if (element.ValueKind == JsonValueKind.Array && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index < element.GetArrayLength())
                element = element[index];
            else
                return null;
            pointer = $"{pointer}/{token}";
            current = _resourcesByPointer.GetValueOrDefault(pointer, current);
        }

        return At(element, pointer, current);
    }

    /// <summary>A member of an object that references pass through. Looked up in a table, as there may be as many references as members.</summary>
    private bool TryGetMember(JsonElement element, string pointer, string name, out JsonElement member)
    {
        if (!_members.TryGetValue(pointer, out Dictionary<string, JsonElement>? members))
        {
            _members[pointer] = members = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
            foreach (JsonProperty property in element.EnumerateObject())
                members[SchemaText.Name(property, pointer)] = property.Value;
        }

        return members.TryGetValue(name, out member);
    }

    /// <summary>Finds the identifiers and anchors of all schemas in the document.</summary>
    private void Register(SchemaResource document)
    {
        Stack<(JsonElement Element, string Pointer, SchemaResource Resource)> todo = new([(_root, "", document)]);
        while (todo.TryPop(out (JsonElement Element, string Pointer, SchemaResource Resource) next))
        {
            (JsonElement element, string pointer, SchemaResource resource) = next;
            if (element.ValueKind != JsonValueKind.Object)
                continue;
            resource = RegisterOne(element, pointer, resource);
            foreach (string keyword in s_withSchema)
            {
                if (element.TryGetProperty(keyword, out JsonElement child))
                    todo.Push((child, $"{pointer}/{keyword}", resource));
            }

            foreach (string keyword in s_withSchemas)
            {
                if (!element.TryGetProperty(keyword, out JsonElement children) || children.ValueKind != JsonValueKind.Array)
                    continue;
                int index = 0;
                foreach (JsonElement child in children.EnumerateArray())
                    todo.Push((child, $"{pointer}/{keyword}/{index++}", resource));
            }

            foreach (string keyword in s_withNamedSchemas)
            {
                if (!element.TryGetProperty(keyword, out JsonElement children) || children.ValueKind != JsonValueKind.Object)
                    continue;
                foreach (JsonProperty child in children.EnumerateObject())
                    todo.Push((child.Value, $"{pointer}/{keyword}/{SchemaText.Escape(SchemaText.Name(child, pointer))}", resource));
            }
        }
    }

    private SchemaResource RegisterOne(JsonElement element, string pointer, SchemaResource resource)
    {
        bool isResource = pointer.Length == 0 || element.TryGetProperty("$id", out _) || element.TryGetProperty("id", out _);
        int? draft = isResource && String(element, "$schema", pointer) is { } schema ? SchemaResource.DraftOf(schema) : resource.Draft;
        // Until draft 7 a reference hides what is beside it; the document's own identifier is where it came from, and has been given nowhere else.
        bool isBesideReference = pointer.Length > 0 && draft <= 7 && element.TryGetProperty("$ref", out _);
        string? id = String(element, "$id", pointer) ?? (draft is null or <= 4 ? String(element, "id", pointer) : null);
        if (id is not null && !isBesideReference)
        {
            int hash = id.IndexOf('#', StringComparison.Ordinal);
            string address = hash < 0 ? id : id[..hash];
            if (address.Length > 0)
                resource = AddResource(new SchemaResource(Combine(resource.Uri, address), pointer, draft));
            if (hash >= 0 && hash + 1 < id.Length)
                _anchors.TryAdd((resource.Uri, id[(hash + 1)..]), pointer);
        }

        if (pointer.Length == 0 && draft != resource.Draft)
            resource = AddResource(resource with { Pointer = pointer, Draft = draft });
        if (String(element, "$anchor", pointer) is { } anchor)
            _anchors.TryAdd((resource.Uri, anchor), pointer);
        if (String(element, "$dynamicAnchor", pointer) is { } dynamicAnchor)
        {
            _anchors.TryAdd((resource.Uri, dynamicAnchor), pointer);
            _dynamicAnchors[dynamicAnchor] = _dynamicAnchors.GetValueOrDefault(dynamicAnchor) + 1;
        }

        if (element.TryGetProperty("$recursiveAnchor", out JsonElement recursive) && recursive.ValueKind == JsonValueKind.True)
            _recursiveAnchors++;
        return resource;
    }

    private SchemaResource AddResource(SchemaResource resource)
    {
        if (resource.Pointer.Length == 0)
            _resourcesByUri[UnknownUri] = resource;
        _resourcesByUri.TryAdd(resource.Uri, resource);
        _resourcesByPointer[resource.Pointer] = resource;
        return resource;
    }

    private static string? String(JsonElement element, string keyword, string pointer) =>
        element.TryGetProperty(keyword, out JsonElement value) && value.ValueKind == JsonValueKind.String ? SchemaText.Text(value, pointer) : null;

    /// <summary>A reference's address, made absolute (RFC 3986). One that is no URI stands for itself.</summary>
    private static string Combine(string baseUri, string address)
    {
        if (Uri.TryCreate(address, UriKind.Absolute, out Uri? absolute) && !address.StartsWith('/'))
            return absolute.IsFile || absolute.Scheme is "http" or "https" ? absolute.AbsoluteUri : address;
        return Uri.TryCreate(baseUri, UriKind.Absolute, out Uri? root) && Uri.TryCreate(root, address, out Uri? combined) ? combined.AbsoluteUri : address;
    }
}
