using System.Numerics;

namespace EmbeddedLlm.Grammars;

/// <summary>Which part of a number was read last.</summary>
internal enum NumberPart
{
    /// <summary>Nothing yet.</summary>
    Start,

    /// <summary>A zero ahead of the point.</summary>
    Zero,

    /// <summary>Digits ahead of the point that begin with another one.</summary>
    Whole,

    /// <summary>The point.</summary>
    Point,

    /// <summary>Digits behind the point.</summary>
    Fraction,
}

/// <summary>The beginning of a number, without sign and exponent.</summary>
/// <param name="Part">Where it ends.</param>
/// <param name="Digits">Its digits, as a whole number.</param>
/// <param name="Count">How many digits there are from the first that is not zero.</param>
/// <param name="Places">How many of all digits are behind the point.</param>
internal readonly record struct NumberPrefix(NumberPart Part, BigInteger Digits, int Count, int Places)
{
    public NumberPrefix Append(int digit)
    {
        BigInteger digits = Digits * 10 + digit;
        return new NumberPrefix(
            Part is NumberPart.Point or NumberPart.Fraction ? NumberPart.Fraction : digits.IsZero ? NumberPart.Zero : NumberPart.Whole,
            digits,
            digits.IsZero ? 0 : Count + 1,
            Part is NumberPart.Point or NumberPart.Fraction ? Places + 1 : 0);
    }

    public NumberPrefix AppendPoint() => this with { Part = NumberPart.Point };
}

/// <summary>What tells the states of numbers' automata apart. What does not matter in a state has its default value, or -1.</summary>
internal readonly record struct NumberStateKey
{
    /// <summary>A comparison's result: the digits are less, or greater, than those of a bound, whatever follows.</summary>
    public const int Less = -1;

    /// <inheritdoc cref="Less"/>
    public const int Greater = -2;

    public NumberPart Part { get; init; }

    public bool IsZero { get; init; }

    public bool AllowsExponent { get; init; }

    public int Count { get; init; }

    public int Places { get; init; }

    /// <summary>The comparison with the lower bound; null where that says nothing anymore.</summary>
    public int? Least { get; init; }

    /// <inheritdoc cref="Least"/>
    public int? Most { get; init; }

    /// <summary>The digits modulo the step.</summary>
    public BigInteger Rest { get; init; }

    /// <summary>By how many powers of ten the digits are more than a multiple of the step, negated.</summary>
    public int Trailing { get; init; }
}
