using System.Text.Json;

namespace EmbeddedLlm.Grammars;

internal sealed partial class SchemaReader
{
    /// <summary>Narrows a set by a keyword that applies whole schemas to the same place.</summary>
    private ValueSet Apply(ValueSet values, SchemaLocation location, string keyword, JsonElement value)
    {
        switch (keyword)
        {
            case "$ref" or "$dynamicRef" or "$recursiveRef":
                return algebra.And(values, Values(formulas.Of(location.Document.Resolve(location, keyword, value))));
            case "allOf":
                foreach (SchemaLocation child in Children(location, keyword, value))
                    values = algebra.And(values, Values(formulas.Of(child)));
                return values;
            case "anyOf":
                ValueSet[] choices = [.. Children(location, keyword, value).Select(child => Values(formulas.Of(child)))];
                return algebra.And(values, Any(choices));
            case "oneOf":
                ValueSet[] branches = [.. Children(location, keyword, value).Select(child => algebra.And(values, Values(formulas.Of(child))))];
                return ExactlyOne(branches);
            case "not":
                return algebra.Except(values, Values(formulas.Of(location.Child(keyword, value))));
            case "if":
                bool hasThen = location.TryGetCompanion("then", out JsonElement then);
                bool hasElse = location.TryGetCompanion("else", out JsonElement otherwise);
                if (!hasThen && !hasElse)
                    return values;
                ValueSet condition = Values(formulas.Of(location.Child(keyword, value)));
                ValueSet met = algebra.And(values, condition);
                ValueSet unmet = algebra.Except(values, condition);
                if (hasThen)
                    met = algebra.And(met, Values(formulas.Of(location.Child("then", then))));
                if (hasElse)
                    unmet = algebra.And(unmet, Values(formulas.Of(location.Child("else", otherwise))));
                return algebra.Or(met, unmet);
            default:
                return values;
        }
    }

    private static List<SchemaLocation> Children(SchemaLocation location, string keyword, JsonElement array)
    {
        List<SchemaLocation> children = location.Children(keyword, array);
        return children.Count > 0 ? children : throw SchemaText.Malformed(location.Pointer, keyword, "must have a schema");
    }

    /// <summary>What is in one of the sets and in no other.</summary>
    private ValueSet ExactlyOne(ValueSet[] sets)
    {
        ValueSet[] alone = new ValueSet[sets.Length];
        for (int i = 0; i < sets.Length; i++)
        {
            alone[i] = sets[i];
            for (int other = 0; other < sets.Length && !alone[i].IsNone; other++)
            {
                budget.Spend();
                if (other != i)
                    alone[i] = algebra.Except(alone[i], sets[other]);
            }
        }

        return Any(alone);
    }
}
