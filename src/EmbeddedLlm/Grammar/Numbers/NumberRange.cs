namespace EmbeddedLlm.Grammars;

/// <summary>A set of numbers: those between two bounds that are multiples of some numbers, and perhaps whole.</summary>
internal sealed record NumberRange
{
    /// <summary>All numbers.</summary>
    public static NumberRange Any { get; } = new();

    /// <summary>Whether only whole numbers are in the set.</summary>
    public bool IsInteger { get; init; }

    public DecimalBound? Minimum { get; init; }

    public DecimalBound? Maximum { get; init; }

    /// <summary>What each number is a multiple of; each more than zero.</summary>
    public IReadOnlyList<ExactDecimal> MultipleOf { get; init; } = [];

    /// <summary>Whether no number is in the set.</summary>
    public bool IsEmpty => throw new NotImplementedException();

    /// <summary>The numbers that are in both sets.</summary>
    public NumberRange And(NumberRange other) => throw new NotImplementedException();

    public bool Contains(ExactDecimal value) => throw new NotImplementedException();

    /// <summary>All numbers of the set in order, if there are at most <paramref name="limit"/>; else null.</summary>
    public IReadOnlyList<ExactDecimal>? Enumerate(int limit) => throw new NotImplementedException();
}
