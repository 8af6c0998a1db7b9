using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace EmbeddedLlm.Tests.Grammars;

/// <summary>
/// Judges an instance by looking at it, keyword by keyword: the plain way, with nothing in common with the compiler. Knows no formats and no <c>unevaluated…</c>, and references
/// within the document by JSON pointer only.
/// </summary>
internal sealed class SchemaOracle(JsonElement root)
{
    public bool IsValid(JsonElement instance) => IsValid(root, instance);

    private bool IsValid(JsonElement schema, JsonElement instance)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return schema.ValueKind == JsonValueKind.True;
        return schema.EnumerateObject().All(keyword => Holds(schema, keyword.Name, keyword.Value, instance))
            && (instance.ValueKind != JsonValueKind.Object || PropertiesHold(schema, instance))
            && (instance.ValueKind != JsonValueKind.Array || ItemsHold(schema, instance));
    }

    private bool Holds(JsonElement schema, string keyword, JsonElement value, JsonElement instance)
    {
        bool isNumber = instance.ValueKind == JsonValueKind.Number;
        bool isString = instance.ValueKind == JsonValueKind.String;
        bool isArray = instance.ValueKind == JsonValueKind.Array;
        bool isObject = instance.ValueKind == JsonValueKind.Object;
        return keyword switch
        {
            "$ref" => IsValid(Resolve(value.GetString()!), instance),
            "type" => value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().Any(type => IsOfType(type.GetString()!, instance)) : IsOfType(value.GetString()!, instance),
            "enum" => value.EnumerateArray().Any(constant => AreEqual(constant, instance)),
            "const" => AreEqual(value, instance),
            "minimum" => !isNumber || Number(instance) >= Number(value),
            "maximum" => !isNumber || Number(instance) <= Number(value),
            "exclusiveMinimum" => !isNumber || Number(instance) > Number(value),
            "exclusiveMaximum" => !isNumber || Number(instance) < Number(value),
            "multipleOf" => !isNumber || Number(instance) % Number(value) == 0,
            "minLength" => !isString || instance.GetString()!.EnumerateRunes().Count() >= value.GetInt32(),
            "maxLength" => !isString || instance.GetString()!.EnumerateRunes().Count() <= value.GetInt32(),
            "pattern" => !isString || Regex.IsMatch(instance.GetString()!, value.GetString()!),
            "minItems" => !isArray || instance.GetArrayLength() >= value.GetInt32(),
            "maxItems" => !isArray || instance.GetArrayLength() <= value.GetInt32(),
            "uniqueItems" => !isArray || value.ValueKind == JsonValueKind.False || AreDistinct([.. instance.EnumerateArray()]),
            "minProperties" => !isObject || instance.EnumerateObject().Count() >= value.GetInt32(),
            "maxProperties" => !isObject || instance.EnumerateObject().Count() <= value.GetInt32(),
            "required" => !isObject || value.EnumerateArray().All(name => instance.TryGetProperty(name.GetString()!, out _)),
            "propertyNames" => !isObject || instance.EnumerateObject().All(property => IsValid(value, JsonSerializer.SerializeToElement(property.Name))),
            "dependentRequired" => !isObject || value.EnumerateObject().All(dependent =>
                !instance.TryGetProperty(dependent.Name, out _) || dependent.Value.EnumerateArray().All(name => instance.TryGetProperty(name.GetString()!, out _))),
            "dependentSchemas" => !isObject || value.EnumerateObject().All(dependent => !instance.TryGetProperty(dependent.Name, out _) || IsValid(dependent.Value, instance)),
            "allOf" => value.EnumerateArray().All(part => IsValid(part, instance)),
            "anyOf" => value.EnumerateArray().Any(part => IsValid(part, instance)),
            "oneOf" => value.EnumerateArray().Count(part => IsValid(part, instance)) == 1,
            "not" => !IsValid(value, instance),
            "if" => !schema.TryGetProperty(IsValid(value, instance) ? "then" : "else", out JsonElement branch) || IsValid(branch, instance),
            _ => true,
        };
    }

    private bool PropertiesHold(JsonElement schema, JsonElement instance)
    {
        foreach (JsonProperty property in instance.EnumerateObject())
        {
            bool isKnown = false;
            if (schema.TryGetProperty("properties", out JsonElement properties) && properties.TryGetProperty(property.Name, out JsonElement named))
            {
                isKnown = true;
                if (!IsValid(named, property.Value))
                    return false;
            }

            if (schema.TryGetProperty("patternProperties", out JsonElement patterns))
            {
                foreach (JsonProperty pattern in patterns.EnumerateObject())
                {
                    if (!Regex.IsMatch(property.Name, pattern.Name))
                        continue;
                    isKnown = true;
                    if (!IsValid(pattern.Value, property.Value))
                        return false;
                }
            }

            if (!isKnown && schema.TryGetProperty("additionalProperties", out JsonElement additional) && !IsValid(additional, property.Value))
                return false;
        }

        return true;
    }

    private bool ItemsHold(JsonElement schema, JsonElement instance)
    {
        JsonElement[] items = [.. instance.EnumerateArray()];
        JsonElement[] prefix = schema.TryGetProperty("prefixItems", out JsonElement schemas) ? [.. schemas.EnumerateArray()] : [];
        for (int i = 0; i < items.Length; i++)
        {
            if (i < prefix.Length ? !IsValid(prefix[i], items[i]) : schema.TryGetProperty("items", out JsonElement rest) && !IsValid(rest, items[i]))
                return false;
        }

        if (!schema.TryGetProperty("contains", out JsonElement contained))
            return true;
        int found = items.Count(item => IsValid(contained, item));
        return found >= (schema.TryGetProperty("minContains", out JsonElement least) ? least.GetInt32() : 1)
            && found <= (schema.TryGetProperty("maxContains", out JsonElement most) ? most.GetInt32() : int.MaxValue);
    }

    private JsonElement Resolve(string reference)
    {
        JsonElement target = root;
        foreach (string token in reference.TrimStart('#').Split('/', StringSplitOptions.RemoveEmptyEntries))
            target = target.ValueKind == JsonValueKind.Array ? target[int.Parse(token, CultureInfo.InvariantCulture)] : target.GetProperty(token);
        return target;
    }

    private static bool IsOfType(string type, JsonElement instance) => type switch
    {
        "null" => instance.ValueKind == JsonValueKind.Null,
        "boolean" => instance.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "integer" => instance.ValueKind == JsonValueKind.Number && Number(instance) % 1 == 0,
        "number" => instance.ValueKind == JsonValueKind.Number,
        "string" => instance.ValueKind == JsonValueKind.String,
        "array" => instance.ValueKind == JsonValueKind.Array,
        _ => instance.ValueKind == JsonValueKind.Object,
    };

    /// <summary>The value, or one of the same sign and kind where a decimal cannot hold it: far beyond the bounds that tests use, or a fraction that is not zero.</summary>
    private static decimal Number(JsonElement number)
    {
        double approximate = number.GetDouble();
        if (approximate != 0 && Math.Abs(approximate) < 1e-20)
            return Math.Sign(approximate) * 1e-20m;
        return number.TryGetDecimal(out decimal value) ? value : (decimal)Math.Clamp(approximate, -1e27, 1e27);
    }

    private static bool AreEqual(JsonElement left, JsonElement right) =>
        left.ValueKind == JsonValueKind.Number && right.ValueKind == JsonValueKind.Number ? Number(left) == Number(right) : JsonElement.DeepEquals(left, right);

    private static bool AreDistinct(JsonElement[] items)
    {
        for (int i = 0; i < items.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (AreEqual(items[i], items[j]))
                    return false;
            }
        }

        return true;
    }
}
