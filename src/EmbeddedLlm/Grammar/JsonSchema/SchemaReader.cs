using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// Finds out what formulas mean: reads the keywords of a schema, and joins what they say. Only what applies to the same place of an instance is followed; the schemas of
/// properties and items stay formulas, so recursive schemas come to an end.
/// </summary>
internal sealed partial class SchemaReader(FormulaTable formulas, ValueAlgebra algebra, SchemaBudget budget, bool allowsLocalTimes, bool writesForDotNet, bool isForWriting)
{
    /// <summary>The keywords that make many alternatives.</summary>
    private static readonly string[] s_joining = ["anyOf", "oneOf", "allOf", "not", "if", "dependentSchemas", "dependencies"];

    /// <summary>What is being read, with how many others were before it.</summary>
    private readonly Dictionary<Formula, int> _inProgress = [];

    /// <summary>How many were being read when somebody last asked for what may be unknown.</summary>
    private int _asked;

    /// <summary>What a formula means, or null where that rests on what is being read right now.</summary>
    public ValueSet? TryValues(Formula formula)
    {
        if (formula.Values is { } known)
            return known;
        int outer = _asked;
        _asked = _inProgress.Count;
        try
        {
            return Values(formula);
        }
        catch (PendingException)
        {
            return null;
        }
        finally
        {
            _asked = outer;
        }
    }

    /// <summary>What a formula means.</summary>
    /// <exception cref="JsonSchemaNotSupportedException">A keyword cannot be enforced.</exception>
    /// <exception cref="GrammarException">The schema is malformed, refers to itself without end, or goes over a limit.</exception>
    public ValueSet Values(Formula formula)
    {
        if (formula == Formula.Any)
            return ValueSet.Any;
        if (formula == Formula.None)
            return ValueSet.None;
        if (formula.Values is { } known)
            return known;
        if (!_inProgress.TryAdd(formula, _inProgress.Count))
        {
            throw _inProgress[formula] < _asked
                ? new PendingException()
                : new GrammarException($"The JSON schema refers to itself without end at '#{Place(formula)}'.");
        }

        if (_inProgress.Count > SchemaDocument.DepthLimit || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new GrammarException($"More than {SchemaDocument.DepthLimit} schemas apply to one place of an instance because of one another.");

        (SchemaLocation Location, string Keyword) outer = algebra.Reading;
        if (_inProgress.Count == 1)
            algebra.Reading = PlaceToName(formula) ?? outer;
        try
        {
            return formula.Values = Find(formula);
        }
        catch (PatternNotSupportedException e)
        {
            throw algebra.NotSupported(e.Message);
        }
        finally
        {
            algebra.Reading = outer;
            _inProgress.Remove(formula);
        }
    }

    private static string Place(Formula formula) => formula is SchemaFormula schema ? schema.Location.Pointer : "";

    /// <summary>A schema inside of a formula with one of its keywords: what errors name where no schema is being read, since the formula was made on the way to the grammar.</summary>
    public static (SchemaLocation Location, string Keyword)? PlaceToName(Formula? formula)
    {
        while (true)
        {
            switch (formula)
            {
                case SchemaFormula { Location: { Keywords: [(var first, _), ..] } location }:
                    return (location, Array.Find(s_joining, keyword => location.TryGet(keyword, out _)) ?? first);
                case NotFormula not:
                    formula = not.Inner;
                    break;
                case AndFormula and:
                    formula = Array.FindLast(and.Parts, part => part is not ConstantFormula);
                    break;
                case OrFormula or:
                    formula = Array.FindLast(or.Parts, part => part is not ConstantFormula);
                    break;
                default:
                    return null;
            }
        }
    }

    private ValueSet Find(Formula formula)
    {
        budget.Spend();
        switch (formula)
        {
            case SchemaFormula schema:
                return Read(schema.Location);
            case ConstantFormula constant:
                return Constants([constant.Constant]);
            case AndFormula and:
                ValueSet all = ValueSet.Any;
                foreach (Formula part in and.Parts)
                {
                    all = algebra.And(all, Values(part));
                    if (all.IsNone)
                        break;
                }

                return all;
            case OrFormula or:
                return Any([.. or.Parts.Select(Values)]);
            case NotFormula not:
                return algebra.Except(ValueSet.Any, Values(not.Inner));
            default:
                throw new InvalidOperationException();
        }
    }

    /// <summary>The union of sets, joined pairwise so that many small ones stay cheap.</summary>
    private ValueSet Any(ReadOnlySpan<ValueSet> sets) => sets.Length switch
    {
        0 => ValueSet.None,
        1 => sets[0],
        _ => algebra.Or(Any(sets[..(sets.Length / 2)]), Any(sets[(sets.Length / 2)..])),
    };

    private ValueSet Read(SchemaLocation location)
    {
        if (location.Element.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return location.Element.ValueKind == JsonValueKind.True ? ValueSet.Any : ValueSet.None;

        algebra.Reading = (location, "type");
        ValueSet values = Types(location);
        if (location.TryGet("const", out JsonElement constant))
            values = algebra.And(values, Constants([JsonConstant.Create(constant, location.Pointer)]));
        if (location.TryGet("enum", out JsonElement constants))
        {
            algebra.Reading = (location, "enum");
            values = algebra.And(values, Enumeration(location, constants));
        }

        if (!values.Numbers.IsEmpty)
            values = algebra.And(values, Numbers(location));
        if (!values.Strings.IsEmpty)
            values = algebra.And(values, Strings(location));
        if (!values.Arrays.IsEmpty)
            values = algebra.And(values, Arrays(location));

        bool hasObjectRules = false;
        foreach ((string keyword, JsonElement value) in location.Keywords)
        {
            if (values.IsNone)
                break;
            algebra.Reading = (location, keyword);
            switch (keyword)
            {
                case "properties" or "patternProperties" or "additionalProperties" or "propertyNames" or "required" or "minProperties" or "maxProperties":
                    if (!hasObjectRules && !values.Objects.IsEmpty)
                        values = algebra.And(values, Objects(location));
                    hasObjectRules = true;
                    break;
                case "dependentRequired" or "dependentSchemas" or "dependencies":
                    values = Dependents(values, location, keyword, value);
                    break;
                default:
                    values = Apply(values, location, keyword, value);
                    break;
            }
        }

        // Last, since it depends on what all others have looked at.
        foreach ((string keyword, JsonElement value) in location.Keywords)
        {
            algebra.Reading = (location, keyword);
            if (keyword is "unevaluatedProperties" or "unevaluatedItems")
                values = Unevaluated(values, location, keyword, value);
        }

        return values;
    }

    /// <summary>The values of the types that a schema names.</summary>
    private static ValueSet Types(SchemaLocation location)
    {
        if (!location.TryGet("type", out JsonElement type))
            return ValueSet.Any;
        List<string> names = type.ValueKind == JsonValueKind.String ? [SchemaText.Text(type, location.Pointer)] : location.Strings("type", type);
        // OpenAPI 3.0 says it so.
        if (location.TryGetCompanion("nullable", out JsonElement nullable) && nullable.ValueKind == JsonValueKind.True)
            names.Add("null");
        ValueSet values = ValueSet.None;
        foreach (string name in names)
        {
            values = name switch
            {
                "null" => values with { HasNull = true },
                "boolean" => values with { HasTrue = true, HasFalse = true },
                "number" => values with { Numbers = [NumericPart.Any] },
                "integer" when values.Numbers.IsEmpty => values with { Numbers = [new NumericPart { Range = new NumberRange { IsInteger = true }, IsPlain = location.Resource.Draft <= 4 }] },
                "integer" => values,
                "string" => values with { Strings = [StringPart.Any] },
                "array" => values with { Arrays = [ArrayPart.Any] },
                "object" => values with { Objects = [ObjectPart.Any] },
                _ => throw SchemaText.Malformed(location.Pointer, "type", $"names no type of JSON: '{name}'"),
            };
        }

        return values;
    }

    private ValueSet Enumeration(SchemaLocation location, JsonElement values)
    {
        if (values.ValueKind != JsonValueKind.Array)
            throw SchemaText.Malformed(location.Pointer, "enum", "must be an array");
        List<JsonConstant> constants = [];
        foreach (JsonElement value in values.EnumerateArray())
        {
            budget.Spend();
            constants.Add(JsonConstant.Create(value, location.Pointer));
        }

        return Constants(constants);
    }

    private ValueSet Constants(List<JsonConstant> constants)
    {
        HashSet<JsonConstant> known = [];
        List<string> texts = [];
        SortedSet<ExactDecimal> numbers = [];
        ImmutableArray<ArrayPart>.Builder arrays = ImmutableArray.CreateBuilder<ArrayPart>();
        ImmutableArray<ObjectPart>.Builder objects = ImmutableArray.CreateBuilder<ObjectPart>();
        ValueSet values = ValueSet.None;
        foreach (JsonConstant constant in constants)
        {
            if (!known.Add(constant))
                continue;
            JsonElement element = constant.Element;
            switch (element.ValueKind)
            {
                case JsonValueKind.Null:
                    values = values with { HasNull = true };
                    break;
                case JsonValueKind.True:
                    values = values with { HasTrue = true };
                    break;
                case JsonValueKind.False:
                    values = values with { HasFalse = true };
                    break;
                case JsonValueKind.String:
                    texts.Add(SchemaText.Text(element, constant.Pointer));
                    break;
                case JsonValueKind.Number:
                    numbers.Add(SchemaText.Number(element, constant.Pointer));
                    break;
                case JsonValueKind.Array:
                    arrays.Add(ConstantArray(constant));
                    break;
                default:
                    objects.Add(ConstantObject(constant));
                    break;
            }

            if (arrays.Count > SchemaBudget.AlternativeLimit || objects.Count > SchemaBudget.AlternativeLimit)
                throw algebra.NotSupported($"it has more than {SchemaBudget.AlternativeLimit:N0} arrays or objects");
        }

        return values with
        {
            Strings = texts.Count == 0 ? [] : [new StringPart(TextAutomaton.Of(texts), 0, null)],
            Numbers = numbers.Count == 0 ? [] : [new NumericPart { Points = [.. numbers] }],
            Arrays = arrays.ToImmutable(),
            Objects = objects.ToImmutable(),
        };
    }

    private ArrayPart ConstantArray(JsonConstant constant)
    {
        Formula[] items = [.. constant.Element.EnumerateArray().Select(item => formulas.Of(JsonConstant.Create(item, constant.Pointer)))];
        budget.Spend(items.Length);
        return new ArrayPart { Prefix = [.. items], Rest = Formula.None, Min = items.Length, Max = items.Length };
    }

    private ObjectPart ConstantObject(JsonConstant constant)
    {
        Dictionary<string, Formula> members = new(StringComparer.Ordinal);
        foreach (JsonProperty member in constant.Element.EnumerateObject())
        {
            budget.Spend();
            members[SchemaText.Name(member, constant.Pointer)] = formulas.Of(JsonConstant.Create(member.Value, constant.Pointer));
        }

        return new ObjectPart
        {
            Rules = [new PropertyRules { Names = [.. members], Additional = Formula.None }],
            Required = ObjectPart.NoNames.Union(members.Keys),
        };
    }

    /// <summary>What was asked for rests on what is being read.</summary>
    private sealed class PendingException : Exception;
}
