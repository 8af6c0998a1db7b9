using System.Collections.Immutable;
using System.Text.Json;

namespace EmbeddedLlm.Grammars;

internal sealed partial class SchemaReader
{
    /// <summary>Up to how many keys of a pattern are taken one by one.</summary>
    private const int ListedKeyLimit = 64;

    private ValueSet Arrays(SchemaLocation location)
    {
        ArrayPart part = new() { ContainsPlace = new SchemaPlace(location.Pointer, "contains"), UniquePlace = new SchemaPlace(location.Pointer, "uniqueItems") };
        foreach ((string keyword, JsonElement value) in location.Keywords)
        {
            algebra.Reading = (location, keyword);
            part = keyword switch
            {
                "prefixItems" when location.Resource.Draft is null or 2020 => part with { Prefix = Schemas(location, keyword, value) },
                "items" when value.ValueKind == JsonValueKind.Array => part with { Prefix = Schemas(location, keyword, value), Rest = Additional(location) },
                "items" => part with { Rest = formulas.Of(location.Child(keyword, value)) },
                "minItems" => part with { Min = location.Count(keyword)!.Value },
                "maxItems" => part with { Max = location.Count(keyword) is < int.MaxValue and var max ? max : null },
                "uniqueItems" => part with { IsUnique = value.ValueKind == JsonValueKind.True },
                "contains" => part with
                {
                    Contains = [new ContainsRule(0, formulas.Of(location.Child(keyword, value)), location.Count("minContains") ?? 1, location.Count("maxContains"))],
                },
                _ => part,
            };
        }

        if (part.IsAny)
            return ValueSet.Any;
        return ValueSet.Any with { Arrays = algebra.Normalize(part) is { } normal ? [normal] : [] };
    }

    /// <summary>What follows an array of item schemas.</summary>
    private Formula Additional(SchemaLocation location) =>
        location.TryGet("additionalItems", out JsonElement value) ? formulas.Of(location.Child("additionalItems", value)) : Formula.Any;

    private ImmutableArray<Formula> Schemas(SchemaLocation location, string keyword, JsonElement array)
    {
        List<SchemaLocation> children = location.Children(keyword, array);
        budget.Spend(children.Count);
        return [.. children.Select(formulas.Of)];
    }

    private ValueSet Objects(SchemaLocation location)
    {
        ImmutableArray<KeyValuePair<string, Formula>> names = [.. NamedSchemas(location, "properties")];
        ImmutableArray<(TextAutomaton Keys, Formula Value)> patterns =
            [.. NamedSchemas(location, "patternProperties").Select(pattern => (Pattern(location, "patternProperties", pattern.Key), pattern.Value))];
        Formula additional = location.TryGet("additionalProperties", out JsonElement value) ? formulas.Of(location.Child("additionalProperties", value)) : Formula.Any;
        TextAutomaton keys = TextAutomaton.Any;
        if (location.TryGet("propertyNames", out JsonElement keySchema))
        {
            algebra.Reading = (location, "propertyNames");
            keys = Keys(Values(formulas.Of(location.Child("propertyNames", keySchema))));
        }

        PropertyRules rules = Listed(new PropertyRules { Names = names, Patterns = patterns, Additional = additional, Keys = keys });
        ImmutableSortedSet<string> required = Required(location);
        bool hasRules = names.Any(name => name.Value != Formula.Any) || patterns.Any(pattern => pattern.Value != Formula.Any) || additional != Formula.Any || !keys.IsAny;
        ObjectPart part = new()
        {
            // Properties that say nothing still give the order of keys.
            Rules = hasRules || names.Length > 0 ? [rules] : [],
            Required = required,
            Min = location.Count("minProperties") ?? 0,
            Max = location.Count("maxProperties") is < int.MaxValue and var max ? max : null,
            MinPlace = new SchemaPlace(location.Pointer, "minProperties"),
            Pointer = location.Pointer,
        };
        if (part.IsAny)
            return ValueSet.Any;
        return ValueSet.Any with { Objects = algebra.Normalize(part) is { } normal ? [normal] : [] };
    }

    /// <summary>The keys that an object must have. Until draft 3, a property says by a flag of its own that it is required, as many a tool's parameters still do.</summary>
    private static ImmutableSortedSet<string> Required(SchemaLocation location)
    {
        ImmutableSortedSet<string> required = ObjectPart.NoNames;
        if (location.TryGet("required", out JsonElement listed) && !IsFlag(listed))
            required = required.Union(location.Strings("required", listed));
        if (!location.TryGet("properties", out JsonElement properties))
            return required;
        foreach (JsonProperty property in properties.EnumerateObject())
        {
            if (property.Value.ValueKind == JsonValueKind.Object && property.Value.TryGetProperty("required", out JsonElement flag) && flag.ValueKind == JsonValueKind.True)
                required = required.Add(SchemaText.Name(property, location.Pointer));
        }

        return required;

        static bool IsFlag(JsonElement value) => value.ValueKind is JsonValueKind.True or JsonValueKind.False;
    }

    /// <summary>The same rules with names in the place of patterns that few keys match: named keys can be counted.</summary>
    private PropertyRules Listed(PropertyRules rules)
    {
        List<string> names = [.. rules.Names.Select(name => name.Key)];
        List<(TextAutomaton Keys, Formula Value)> patterns = [];
        bool hasAllKeys = !rules.Keys.IsAny && AddNames(rules.Keys);
        foreach ((TextAutomaton Keys, Formula Value) pattern in rules.Patterns)
        {
            if (!hasAllKeys && !AddNames(pattern.Keys))
                patterns.Add(pattern);
        }

        if (!hasAllKeys && patterns.Count == rules.Patterns.Length)
            return rules;
        return new PropertyRules
        {
            Names = [.. names.Distinct(StringComparer.Ordinal).Select(name => new KeyValuePair<string, Formula>(name, rules.Value(name, formulas)))],
            Patterns = [.. patterns],
            Additional = hasAllKeys ? Formula.None : rules.Additional,
            Keys = hasAllKeys ? TextAutomaton.Any : rules.Keys,
        };

        bool AddNames(TextAutomaton keys)
        {
            if (keys.Enumerate(ListedKeyLimit) is not { } listed)
                return false;
            names.AddRange(listed);
            return true;
        }
    }

    private List<KeyValuePair<string, Formula>> NamedSchemas(SchemaLocation location, string keyword)
    {
        List<KeyValuePair<string, Formula>> schemas = [];
        if (!location.TryGet(keyword, out JsonElement members))
            return schemas;
        algebra.Reading = (location, keyword);
        if (members.ValueKind != JsonValueKind.Object)
            throw SchemaText.Malformed(location.Pointer, keyword, "must be an object of schemas");
        Dictionary<string, int> places = new(StringComparer.Ordinal);
        foreach (JsonProperty member in members.EnumerateObject())
        {
            budget.Spend();
            string name = SchemaText.Name(member, location.Pointer);
            KeyValuePair<string, Formula> schema = new(name, formulas.Of(location.Child(keyword, name, member.Value)));
            if (places.TryAdd(name, schemas.Count))
                schemas.Add(schema);
            else
                schemas[places[name]] = schema;
        }

        return schemas;
    }

    /// <summary>What the presence of a key brings with it.</summary>
    private ValueSet Dependents(ValueSet values, SchemaLocation location, string keyword, JsonElement dependents)
    {
        if (dependents.ValueKind != JsonValueKind.Object)
            throw SchemaText.Malformed(location.Pointer, keyword, "must be an object");
        foreach (JsonProperty dependent in dependents.EnumerateObject())
        {
            if (values.Objects.IsEmpty)
                break;
            string name = SchemaText.Name(dependent, location.Pointer);
            ObjectPart with = algebra.WithProperty(name, Formula.Any);
            IEnumerable<string>? needed = null;
            if (keyword != "dependentSchemas" && dependent.Value.ValueKind == JsonValueKind.Array)
                needed = location.Strings(keyword, dependent.Value);
            else if (keyword == "dependencies" && dependent.Value.ValueKind == JsonValueKind.String)
                needed = [SchemaText.Text(dependent.Value, location.Pointer)];
            else if (keyword == "dependentRequired")
                throw SchemaText.Malformed(location.Pointer, keyword, "must be an object of arrays of strings");

            ValueSet? schema = needed is null ? Values(formulas.Of(location.Child(keyword, name, dependent.Value))) : null;
            algebra.Reading = (location, keyword);
            if (schema is { Objects: [{ Rules.IsEmpty: true, Forbidden.IsEmpty: true, Dependents.IsEmpty: true, Exists.IsEmpty: true, Min: 0, Max: null } only] })
                needed = only.Required;
            if (needed is not null)
            {
                ObjectPart pairs = ObjectPart.Any with { Dependents = ObjectPart.Any.Dependents.Union(needed.Where(other => other != name).Select(other => (name, other))) };
                values = algebra.And(values, ValueSet.Any with { Objects = [pairs] });
                continue;
            }

            ObjectPart without = ObjectPart.Any with { Forbidden = ObjectPart.NoNames.Add(name) };
            ValueSet present = algebra.And(new ValueSet { Objects = [with] }, schema!);
            values = algebra.And(values, ValueSet.Any with { Objects = [without, .. present.Objects] });
        }

        return values;
    }
}
