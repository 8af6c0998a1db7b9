using System.Runtime.CompilerServices;
using System.Text.Json;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// <c>unevaluatedProperties</c> and <c>unevaluatedItems</c>: what has been looked at depends on which branches of a schema an instance fits, so its instances are divided by
/// that into cases, each of which is an ordinary set.
/// </summary>
internal sealed partial class SchemaReader
{
    /// <summary>How many cases are told apart.</summary>
    private const int CaseLimit = 100;

    /// <summary>Holds a set to what a schema says about the properties or items that nothing else in it has looked at.</summary>
    /// <param name="values">What the schema's other keywords admit.</param>
    /// <param name="location">The schema.</param>
    /// <param name="keyword">One of the two keywords.</param>
    /// <param name="value">Its schema.</param>
    private ValueSet Unevaluated(ValueSet values, SchemaLocation location, string keyword, JsonElement value)
    {
        Formula rest = formulas.Of(location.Child(keyword, value));
        bool areItems = keyword == "unevaluatedItems";
        if (rest == Formula.Any || !HasContainers(values, areItems))
            return values;
        ValueSet result = ValueSet.None;
        foreach ((ValueSet matched, Evaluated seen) in Cases(values, location, areItems))
        {
            algebra.Reading = (location, keyword);
            if (seen.IsAll)
            {
                result = algebra.Or(result, matched);
                continue;
            }

            ValueSet rule = areItems
                ? ValueSet.Any with { Arrays = algebra.Normalize(ItemsAfter(seen, rest)) is { } part ? [part] : [] }
                : ValueSet.Any with { Objects = [ObjectPart.Any with { Rules = [PropertiesBeside(seen, rest)], Pointer = location.Pointer }] };
            result = algebra.Or(result, algebra.And(matched, rule));
        }

        return result;
    }

    /// <summary>Whether there are arrays, or objects, in a set.</summary>
    private static bool HasContainers(ValueSet values, bool areItems) => areItems ? !values.Arrays.IsEmpty : !values.Objects.IsEmpty;

    private ArrayPart ItemsAfter(Evaluated seen, Formula rest)
    {
        budget.Spend(seen.Prefix);
        return new ArrayPart
        {
            Prefix = [.. Enumerable.Repeat(Formula.Any, seen.Prefix)],
            Rest = formulas.Or([rest, .. seen.Contained]),
        };
    }

    private static PropertyRules PropertiesBeside(Evaluated seen, Formula rest) => new()
    {
        Names = [.. seen.Names.Order(StringComparer.Ordinal).Select(name => new KeyValuePair<string, Formula>(name, Formula.Any))],
        Patterns = [.. seen.Patterns.Select(pattern => (pattern, Formula.Any))],
        Additional = rest,
    };

    /// <summary>A set of a schema's instances, divided by what the schema's keywords have looked at in them.</summary>
    private List<(ValueSet Values, Evaluated Seen)> Cases(ValueSet values, SchemaLocation location, bool areItems)
    {
        budget.Spend();
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new GrammarException("Schemas apply to one place of an instance because of one another too deeply.");
        List<(ValueSet Values, Evaluated Seen)> cases = [(values, Own(location, areItems))];
        foreach ((string keyword, JsonElement value) in location.Keywords)
        {
            algebra.Reading = (location, keyword);
            cases = keyword switch
            {
                "$ref" or "$dynamicRef" or "$recursiveRef" => All(cases, [location.Document.Resolve(location, keyword, value)], areItems),
                "allOf" => All(cases, location.Children(keyword, value), areItems),
                "anyOf" or "oneOf" => Choose(cases, location.Children(keyword, value), areItems),
                "if" => Decide(cases, location, value, areItems),
                "dependentSchemas" or "dependencies" => Depend(cases, location, keyword, value, areItems),
                _ => cases,
            };
            if (cases.Count > CaseLimit)
                throw algebra.NotSupported($"what it has looked at in an instance has more than {CaseLimit} cases");
        }

        return cases;
    }

    /// <summary>What the keywords of a schema look at by themselves.</summary>
    private Evaluated Own(SchemaLocation location, bool areItems)
    {
        Evaluated seen = Evaluated.Nothing;
        foreach ((string keyword, JsonElement value) in location.Keywords)
        {
            seen = (areItems, keyword) switch
            {
                (false, "properties") => seen with { Names = seen.Names.Union(value.EnumerateObject().Select(member => SchemaText.Name(member, location.Pointer))) },
                (false, "patternProperties") => seen with
                {
                    Patterns = seen.Patterns.Union(value.EnumerateObject().Select(member => Pattern(location, keyword, SchemaText.Name(member, location.Pointer)))),
                },
                (false, "additionalProperties") => seen with { IsAll = true },
                (true, "prefixItems") when location.Resource.Draft is null or 2020 => seen with { Prefix = Math.Max(seen.Prefix, value.GetArrayLength()) },
                (true, "items") when value.ValueKind == JsonValueKind.Array => seen with { Prefix = value.GetArrayLength(), IsAll = location.TryGet("additionalItems", out _) },
                (true, "items") => seen with { IsAll = true },
                // Since draft 2020-12.
                (true, "contains") when location.Resource.Draft is null or 2020 => seen with { Contained = seen.Contained.Add(formulas.Of(location.Child(keyword, value))) },
                _ => seen,
            };
        }

        return seen;
    }

    /// <summary>The cases of a schema applied to the same place; all of its own, where it has such a keyword itself.</summary>
    private List<(ValueSet Values, Evaluated Seen)> CasesOf(SchemaLocation location, bool areItems)
    {
        ValueSet values = Values(formulas.Of(location));
        // Where there is none of what is looked into, the keywords have not been read either.
        if (!HasContainers(values, areItems))
            return [(values, Evaluated.Nothing)];
        if (location.TryGet(areItems ? "unevaluatedItems" : "unevaluatedProperties", out _))
            return [(values, Evaluated.Nothing with { IsAll = true })];
        return Cases(values, location, areItems);
    }

    private List<(ValueSet Values, Evaluated Seen)> All(List<(ValueSet Values, Evaluated Seen)> cases, List<SchemaLocation> schemas, bool areItems)
    {
        foreach (SchemaLocation schema in schemas)
            cases = Cross(cases, CasesOf(schema, areItems));
        return cases;
    }

    private List<(ValueSet Values, Evaluated Seen)> Cross(List<(ValueSet Values, Evaluated Seen)> left, List<(ValueSet Values, Evaluated Seen)> right)
    {
        List<(ValueSet Values, Evaluated Seen)> both = [];
        foreach ((ValueSet values, Evaluated seen) in left)
        {
            foreach ((ValueSet more, Evaluated also) in right)
                Add(both, algebra.And(values, more), seen.Union(also));
        }

        return both;
    }

    /// <summary>Divides by which of some schemas an instance fits. Whether it fits enough of them is known already.</summary>
    private List<(ValueSet Values, Evaluated Seen)> Choose(List<(ValueSet Values, Evaluated Seen)> cases, List<SchemaLocation> schemas, bool areItems)
    {
        foreach (SchemaLocation schema in schemas)
            cases = Split(cases, Values(formulas.Of(schema)), CasesOf(schema, areItems), [(ValueSet.Any, Evaluated.Nothing)]);
        return cases;
    }

    private List<(ValueSet Values, Evaluated Seen)> Decide(List<(ValueSet Values, Evaluated Seen)> cases, SchemaLocation location, JsonElement condition, bool areItems)
    {
        SchemaLocation tested = location.Child("if", condition);
        List<(ValueSet Values, Evaluated Seen)> met = CasesOf(tested, areItems);
        List<(ValueSet Values, Evaluated Seen)> unmet = [(ValueSet.Any, Evaluated.Nothing)];
        if (location.TryGetCompanion("then", out JsonElement then))
            met = Cross(met, CasesOf(location.Child("then", then), areItems));
        if (location.TryGetCompanion("else", out JsonElement otherwise))
            unmet = CasesOf(location.Child("else", otherwise), areItems);
        return Split(cases, Values(formulas.Of(tested)), met, unmet);
    }

    private List<(ValueSet Values, Evaluated Seen)> Depend(
        List<(ValueSet Values, Evaluated Seen)> cases, SchemaLocation location, string keyword, JsonElement dependents, bool areItems)
    {
        foreach (JsonProperty dependent in dependents.EnumerateObject())
        {
            if (dependent.Value.ValueKind is not (JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False))
                continue;
            string name = SchemaText.Name(dependent, location.Pointer);
            ValueSet with = new() { Objects = [algebra.WithProperty(name, Formula.Any)] };
            cases = Split(cases, with, CasesOf(location.Child(keyword, name, dependent.Value), areItems), [(ValueSet.Any, Evaluated.Nothing)]);
        }

        return cases;
    }

    /// <summary>Divides by whether an instance is in a set, as far as that makes a difference.</summary>
    private List<(ValueSet Values, Evaluated Seen)> Split(
        List<(ValueSet Values, Evaluated Seen)> cases, ValueSet condition, List<(ValueSet Values, Evaluated Seen)> met, List<(ValueSet Values, Evaluated Seen)> unmet)
    {
        List<(ValueSet Values, Evaluated Seen)> divided = [];
        foreach ((ValueSet values, Evaluated seen) in cases)
        {
            if (met.Concat(unmet).All(one => seen.Includes(one.Seen)))
            {
                divided.Add((values, seen));
                continue;
            }

            ValueSet inside = algebra.And(values, condition);
            foreach ((ValueSet more, Evaluated also) in met)
                Add(divided, algebra.And(inside, more), seen.Union(also));
            ValueSet outside = algebra.Except(values, condition);
            foreach ((ValueSet more, Evaluated also) in unmet)
                Add(divided, algebra.And(outside, more), seen.Union(also));
        }

        return divided;
    }

    private void Add(List<(ValueSet Values, Evaluated Seen)> cases, ValueSet values, Evaluated seen)
    {
        if (values.IsNone)
            return;
        budget.Spend();
        cases.Add((values, seen));
        if (cases.Count > CaseLimit)
            throw algebra.NotSupported($"what it has looked at in an instance has more than {CaseLimit} cases");
    }
}
