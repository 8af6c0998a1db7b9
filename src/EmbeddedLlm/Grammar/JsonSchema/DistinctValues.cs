namespace EmbeddedLlm.Grammars;

/// <summary>The values of a set without arrays and objects, one by one where they are few.</summary>
internal static class DistinctValues
{
    /// <summary>How many values of a type are told apart.</summary>
    public const int Limit = 1_000;

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
            if (part.Min > 0 || part.Max is not null || part.Text.Enumerate(Limit) is not { } listed)
                return null;
            texts.UnionWith(listed);
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
}
