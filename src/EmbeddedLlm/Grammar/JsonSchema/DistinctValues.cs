using System.Globalization;

namespace EmbeddedLlm.Grammars;

/// <summary>The values of a set without arrays and objects, one by one where they are few.</summary>
internal static class DistinctValues
{
    /// <summary>How many values of a type are told apart.</summary>
    public const int Limit = 1_000;

    /// <summary>Up to which length texts are counted.</summary>
    private const int CountedLength = 64;

    /// <summary>How many values there are; null where they cannot be told apart.</summary>
    public static int? Count(ValueSet values) => List(values)?.Count;

    /// <summary>Each value as a set of its own; null where they cannot be told apart.</summary>
    public static List<ValueSet>? List(ValueSet values)
    {
        if (!values.Arrays.IsEmpty || !values.Objects.IsEmpty)
            return null;
        List<ValueSet> all = [];
        if (values.HasNull)
            all.Add(new ValueSet { HasNull = true });
        if (values.HasTrue)
            all.Add(new ValueSet { HasTrue = true });
        if (values.HasFalse)
            all.Add(new ValueSet { HasFalse = true });

        HashSet<string> texts = new(StringComparer.Ordinal);
        foreach (StringPart part in values.Strings)
        {
            if (WithinLengths(part, part.Max).Enumerate(Limit) is not { } listed)
                return null;
            texts.UnionWith(listed.Where(text => text.EnumerateRunes().Count() is var length && length >= part.Min && length <= (part.Max ?? int.MaxValue)));
        }

        SortedSet<ExactDecimal> numbers = [];
        foreach (NumericPart part in values.Numbers)
        {
            if (part.Range is null)
                numbers.UnionWith(part.Points);
            else if (part.NotMultipleOf.IsEmpty && part.Range.Enumerate(Limit) is { } listed)
                numbers.UnionWith(listed);
            else
                return null;
        }

        if (texts.Count + numbers.Count > Limit)
            return null;
        all.AddRange(texts.Select(text => new ValueSet { Strings = [new StringPart(TextAutomaton.Of([text]), 0, null)] }));
        all.AddRange(numbers.Select(number => new ValueSet { Numbers = [new NumericPart { Points = [number] }] }));
        return all;
    }

    /// <summary>Whether the values can be told apart by their spelling, or by what they mean where the spelling is free: strings, whole numbers and words.</summary>
    public static bool HaveOneSpelling(ValueSet values, bool anySpelling) =>
        values.Arrays.IsEmpty && values.Objects.IsEmpty && (anySpelling || values.Numbers.All(part => part.Range is null or { IsInteger: true }));

    /// <summary>Whether there are that many values at least, as far as can be seen from one of their parts.</summary>
    public static bool AreAtLeast(ValueSet values, int count) =>
        values.Strings.Any(part => HasAtLeast(part, count))
        || values.Numbers.Any(part => part.Range is not null && part.NotMultipleOf.IsEmpty && part.Range.Enumerate(count - 1) is null);

    private static bool HasAtLeast(StringPart part, int count)
    {
        if (part.Max is null && !part.Text.IsFinite)
            return true;
        return part.Min <= CountedLength && WithinLengths(part, Math.Min(part.Max ?? CountedLength, CountedLength)).Enumerate(count - 1) is null;
    }

    /// <summary>The texts of a set up to a length; all texts of its automaton where the lengths are too great to be states of one.</summary>
    private static TextAutomaton WithinLengths(StringPart part, int? max) => part is { Min: 0, Max: null } || part.Min > CountedLength || max > CountedLength
        ? part.Text
        : part.Text.And(TextAutomaton.FromPattern(string.Create(CultureInfo.InvariantCulture, $"^[\\s\\S]{{{part.Min},{max}}}$")));
}
