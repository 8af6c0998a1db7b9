using System.Numerics;

namespace EmbeddedLlm.Grammars;

/// <summary>A set of numbers: those between two bounds that are whole multiples of some numbers. Immutable; its arithmetic is exact.</summary>
internal sealed record NumberRange
{
    /// <summary>All numbers.</summary>
    public static NumberRange Any { get; } = new();

    /// <summary>Whether only whole numbers are in the set.</summary>
    public bool IsInteger { get; init; }

    public DecimalBound? Minimum { get; init; }

    public DecimalBound? Maximum { get; init; }

    /// <summary>What each number is a whole multiple of; each more than zero.</summary>
    public IReadOnlyList<ExactDecimal> MultipleOf { get; init; } = [];

    /// <summary>What the numbers of the set are the whole multiples of, within the bounds; null where they are dense.</summary>
    /// <exception cref="GrammarException">One of <see cref="MultipleOf"/> is not more than zero, or they have no common multiple that can be computed with.</exception>
    public ExactDecimal? Step
    {
        get
        {
            ExactDecimal? step = IsInteger ? 1 : null;
            foreach (ExactDecimal multiple in MultipleOf)
            {
                if (multiple <= ExactDecimal.Zero)
                    throw new GrammarException($"Numbers can be multiples of a number above zero only, not of {multiple}.");
                step = step is { } other ? ExactDecimal.LeastCommonMultiple(other, multiple) : multiple;
            }

            return step;
        }
    }

    /// <summary>Whether no number is in the set.</summary>
    public bool IsEmpty
    {
        get
        {
            if (Minimum is not { } least || Maximum is not { } most)
                return false;
            if (Step is { } step)
                return FirstMultiple(step) > LastMultiple(step);
            int order = least.Value.CompareTo(most.Value);
            return order > 0 || (order == 0 && (least.IsExclusive || most.IsExclusive));
        }
    }

    /// <summary>The numbers that are in both sets.</summary>
    public NumberRange And(NumberRange other) => new()
    {
        IsInteger = IsInteger || other.IsInteger,
        Minimum = Tighter(Minimum, other.Minimum, 1),
        Maximum = Tighter(Maximum, other.Maximum, -1),
        MultipleOf = [.. MultipleOf.Union(other.MultipleOf)],
    };

    public bool Contains(ExactDecimal value)
    {
        if (Minimum is { } least && (value < least.Value || (least.IsExclusive && value == least.Value)))
            return false;
        if (Maximum is { } most && (value > most.Value || (most.IsExclusive && value == most.Value)))
            return false;
        if (Step is not { } step)
            return true;
        int places = Math.Max(value.FractionDigits, step.FractionDigits);
        return (value.Scaled(places) % step.Scaled(places)).IsZero;
    }

    /// <summary>All numbers of the set in order, if there are at most <paramref name="limit"/>; else null.</summary>
    public IReadOnlyList<ExactDecimal>? Enumerate(int limit)
    {
        if (IsEmpty)
            return [];
        if (Minimum is not { } least || Maximum is not { } most)
            return null;
        if (Step is not { } step)
            return least.Value == most.Value && limit >= 1 ? [least.Value] : null;

        BigInteger first = FirstMultiple(step);
        BigInteger last = LastMultiple(step);
        if (last - first >= limit)
            return null;
        List<ExactDecimal> all = [];
        for (BigInteger i = first; i <= last; i++)
            all.Add(ExactDecimal.Create(i * step.Scaled(step.FractionDigits), -step.FractionDigits));
        return all;
    }

    public bool Equals(NumberRange? other) =>
        other is not null && IsInteger == other.IsInteger && Minimum == other.Minimum && Maximum == other.Maximum && MultipleOf.SequenceEqual(other.MultipleOf);

    public override int GetHashCode() => HashCode.Combine(IsInteger, Minimum, Maximum, MultipleOf.Count);

    private static DecimalBound? Tighter(DecimalBound? left, DecimalBound? right, int sign)
    {
        if (left is not { } a || right is not { } b)
            return left ?? right;
        int order = a.Value.CompareTo(b.Value) * sign;
        return order > 0 || (order == 0 && a.IsExclusive) ? a : b;
    }

    /// <summary>How many steps from zero the first number of the set is; there is a minimum.</summary>
    private BigInteger FirstMultiple(ExactDecimal step)
    {
        DecimalBound bound = Minimum!.Value;
        return -FloorSteps(-bound.Value, step, bound.IsExclusive);
    }

    private BigInteger LastMultiple(ExactDecimal step)
    {
        DecimalBound bound = Maximum!.Value;
        return FloorSteps(bound.Value, step, bound.IsExclusive);
    }

    private static BigInteger FloorSteps(ExactDecimal value, ExactDecimal step, bool isExclusive)
    {
        int places = Math.Max(value.FractionDigits, step.FractionDigits);
        (BigInteger steps, BigInteger rest) = BigInteger.DivRem(value.Scaled(places), step.Scaled(places));
        return rest.Sign < 0 || (rest.IsZero && isExclusive) ? steps - 1 : steps;
    }
}
