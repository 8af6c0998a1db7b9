using System.Collections.Immutable;

namespace EmbeddedLlm.Grammars;

/// <summary>A set of texts: those of an automaton whose length in code points is within bounds.</summary>
internal sealed record StringPart(TextAutomaton Text, int Min, int? Max)
{
    public static StringPart Any { get; } = new(TextAutomaton.Any, 0, null);

    /// <summary>Which of the texts are written, as far as there are such: those that readers agree on. No part of what the set is: its complement leaves it out.</summary>
    public TextAutomaton Written { get; init; } = TextAutomaton.Any;

    public bool IsAny => Text.IsAny && Written.IsAny && Min == 0 && Max is null;
}

/// <summary>A set of numbers: a range without the multiples of some numbers, or a few points.</summary>
internal sealed record NumericPart
{
    public static NumericPart Any { get; } = new() { Range = NumberRange.Any };

    /// <summary>The range; null where <see cref="Points"/> are the numbers.</summary>
    public NumberRange? Range { get; init; }

    /// <summary>The numbers one by one, in ascending order.</summary>
    public ImmutableArray<ExactDecimal> Points { get; init; } = [];

    /// <summary>What no number of the range is a multiple of.</summary>
    public ImmutableArray<ExactDecimal> NotMultipleOf { get; init; } = [];

    /// <summary>Whether a whole number must be written without a fraction or exponent: until draft 4, 1.0 is no integer.</summary>
    public bool IsPlain { get; init; }

    public bool IsAny => NotMultipleOf.IsEmpty && !IsPlain && Range is { IsInteger: false, Minimum: null, Maximum: null, MultipleOf.Count: 0 };

    public bool Equals(NumericPart? other) =>
        other is not null && Equals(Range, other.Range) && IsPlain == other.IsPlain && Points.SequenceEqual(other.Points) && NotMultipleOf.SequenceEqual(other.NotMultipleOf);

    public override int GetHashCode() => HashCode.Combine(Range, Points.Length, NotMultipleOf.Length);
}

/// <summary>A keyword of a schema, for errors to name: where something came from, no part of what it is.</summary>
internal readonly record struct SchemaPlace(string Pointer, string Keyword)
{
    public JsonSchemaNotSupportedException NotSupported(string reason) => new(Pointer, Keyword, reason);
}

/// <summary>How many items from a place on are of a kind.</summary>
internal readonly record struct ContainsRule(int From, Formula Kind, int Min, int? Max);

/// <summary>A set of arrays: those that fit all that is said here.</summary>
internal sealed record ArrayPart
{
    public static ArrayPart Any { get; } = new();

    /// <summary>The items at the beginning, as far as they are there.</summary>
    public ImmutableArray<Formula> Prefix { get; init; } = [];

    /// <summary>All items after those.</summary>
    public Formula Rest { get; init; } = Formula.Any;

    public int Min { get; init; }

    public int? Max { get; init; }

    public ImmutableArray<ContainsRule> Contains { get; init; } = [];

    /// <summary>Whether no two items are equal.</summary>
    public bool IsUnique { get; init; }

    /// <summary>What asks for <see cref="Contains"/>.</summary>
    public SchemaPlace ContainsPlace { get; init; }

    /// <summary>What asks for <see cref="IsUnique"/>.</summary>
    public SchemaPlace UniquePlace { get; init; }

    public bool IsAny => Prefix.IsEmpty && Rest == Formula.Any && Min == 0 && Max is null && Contains.IsEmpty && !IsUnique;

    public Formula Item(int index) => index < Prefix.Length ? Prefix[index] : Rest;

    public bool Equals(ArrayPart? other) =>
        other is not null && Rest == other.Rest && Min == other.Min && Max == other.Max && IsUnique == other.IsUnique
        && Prefix.SequenceEqual(other.Prefix) && Contains.SequenceEqual(other.Contains);

    public override int GetHashCode() => HashCode.Combine(Prefix.Length, Rest.Id, Min, Max, Contains.Length, IsUnique);
}

/// <summary>That a key of some kind is there, with a value in a set.</summary>
internal readonly record struct ExistsRule(KeyKind Keys, Formula Value);

/// <summary>A set of objects: those that fit all that is said here.</summary>
internal sealed record ObjectPart
{
    // First, since the initializers of what follows need them.
    public static ImmutableSortedSet<string> NoNames { get; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    private static ImmutableSortedSet<(string If, string Then)> NoDependents { get; } = ImmutableSortedSet.Create<(string If, string Then)>(OrdinalPairs.Instance);

    public static ObjectPart Any { get; } = new();

    /// <summary>What the values of keys are; all of these hold.</summary>
    public ImmutableArray<PropertyRules> Rules { get; init; } = [];

    public ImmutableSortedSet<string> Required { get; init; } = NoNames;

    /// <summary>Keys that are not there.</summary>
    public ImmutableSortedSet<string> Forbidden { get; init; } = NoNames;

    /// <summary>Where the first key is there, the second is.</summary>
    public ImmutableSortedSet<(string If, string Then)> Dependents { get; init; } = NoDependents;

    public ImmutableArray<ExistsRule> Exists { get; init; } = [];

    public int Min { get; init; }

    public int? Max { get; init; }

    /// <summary>What asks for <see cref="Min"/>.</summary>
    public SchemaPlace MinPlace { get; init; }

    /// <summary>What asks for <see cref="Exists"/>.</summary>
    public SchemaPlace ExistsPlace { get; init; }

    /// <summary>A JSON pointer to a schema that says something of this; no part of what it is.</summary>
    public string Pointer { get; init; } = "";

    public bool IsAny => Rules.IsEmpty && Required.IsEmpty && Forbidden.IsEmpty && Dependents.IsEmpty && Exists.IsEmpty && Min == 0 && Max is null;

    public bool Equals(ObjectPart? other) =>
        other is not null && Min == other.Min && Max == other.Max && Rules.SequenceEqual(other.Rules) && Exists.SequenceEqual(other.Exists)
        && Required.SequenceEqual(other.Required) && Forbidden.SequenceEqual(other.Forbidden) && Dependents.SequenceEqual(other.Dependents);

    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (PropertyRules rules in Rules)
            hash.Add(rules.GetHashCode());
        foreach (string name in Required)
            hash.Add(name);
        return HashCode.Combine(hash.ToHashCode(), Required.Count, Forbidden.Count, Dependents.Count, Exists.Length, Min, Max);
    }

    private sealed class OrdinalPairs : IComparer<(string If, string Then)>
    {
        public static OrdinalPairs Instance { get; } = new();

        public int Compare((string If, string Then) x, (string If, string Then) y)
        {
            int order = string.CompareOrdinal(x.If, y.If);
            return order != 0 ? order : string.CompareOrdinal(x.Then, y.Then);
        }
    }
}
