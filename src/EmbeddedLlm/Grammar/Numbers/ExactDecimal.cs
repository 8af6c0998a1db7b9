namespace EmbeddedLlm.Grammars;

/// <summary>A decimal number of any size and precision, within limits; equal by value, so 1.0 is 1 and -0 is 0.</summary>
internal readonly struct ExactDecimal : IEquatable<ExactDecimal>, IComparable<ExactDecimal>
{
    public static ExactDecimal Zero => default;

    /// <summary>Reads a number as JSON spells it.</summary>
    /// <exception cref="GrammarException">The text is no JSON number, or too long to be computed with.</exception>
    public static ExactDecimal Parse(ReadOnlySpan<char> json) => throw new NotImplementedException();

    /// <inheritdoc cref="Parse(ReadOnlySpan{char})"/>
    public static ExactDecimal Parse(ReadOnlySpan<byte> utf8Json) => throw new NotImplementedException();

    public static implicit operator ExactDecimal(long value) => throw new NotImplementedException();

    public bool IsInteger => throw new NotImplementedException();

    public bool IsZero => throw new NotImplementedException();

    public bool IsNegative => throw new NotImplementedException();

    public int CompareTo(ExactDecimal other) => throw new NotImplementedException();

    public bool Equals(ExactDecimal other) => throw new NotImplementedException();

    public override bool Equals(object? obj) => obj is ExactDecimal other && Equals(other);

    public override int GetHashCode() => throw new NotImplementedException();

    /// <summary>The shortest JSON number without an exponent.</summary>
    public override string ToString() => throw new NotImplementedException();

    public static bool operator ==(ExactDecimal left, ExactDecimal right) => left.Equals(right);

    public static bool operator !=(ExactDecimal left, ExactDecimal right) => !left.Equals(right);

    public static bool operator <(ExactDecimal left, ExactDecimal right) => left.CompareTo(right) < 0;

    public static bool operator >(ExactDecimal left, ExactDecimal right) => left.CompareTo(right) > 0;

    public static bool operator <=(ExactDecimal left, ExactDecimal right) => left.CompareTo(right) <= 0;

    public static bool operator >=(ExactDecimal left, ExactDecimal right) => left.CompareTo(right) >= 0;
}
