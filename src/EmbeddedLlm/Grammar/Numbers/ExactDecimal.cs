using System.Globalization;
using System.Numerics;
using System.Text;

namespace EmbeddedLlm.Grammars;

/// <summary>A decimal number, exact, of up to <see cref="MaxDigits"/> digits written out; equal by value, so 1.0 is 1 and -0 is 0.</summary>
internal readonly struct ExactDecimal : IEquatable<ExactDecimal>, IComparable<ExactDecimal>
{
    /// <summary>How many digits there may be ahead of the point, and behind it.</summary>
    public const int MaxDigits = 1000;

    private static readonly BigInteger[] Powers = CreatePowers(256);

    private readonly BigInteger _mantissa;
    private readonly int _exponent;

    /// <summary>Neither a zero at the mantissa's end nor a zero with an exponent: so there is one form of each number.</summary>
    private ExactDecimal(BigInteger mantissa, int exponent)
    {
        _mantissa = mantissa;
        _exponent = exponent;
    }

    public static ExactDecimal Zero => default;

    public bool IsInteger => _exponent >= 0;

    public bool IsZero => _mantissa.IsZero;

    public bool IsNegative => _mantissa.Sign < 0;

    /// <summary>The digits behind the point that are needed to write the number.</summary>
    public int FractionDigits => Math.Max(-_exponent, 0);

    /// <summary>The number without its point and the zeros at its ends; negative for a negative number.</summary>
    public BigInteger Significand => _mantissa;

    /// <summary>How many digits the significand has; none for zero.</summary>
    public int SignificantDigits => CountDigits(_mantissa);

    /// <summary>The position of the first digit that is not zero: the least g with |number| &lt; 10^g; 0 for zero.</summary>
    public int Magnitude => IsZero ? 0 : SignificantDigits + _exponent;

    /// <summary>Reads a number as JSON spells it.</summary>
    /// <exception cref="GrammarException">The text is no JSON number, or has too many digits.</exception>
    public static ExactDecimal Parse(ReadOnlySpan<char> json)
    {
        int at = 0;
        bool isNegative = at < json.Length && json[at] == '-';
        if (isNegative)
            at++;
        ReadOnlySpan<char> whole = Digits(json, ref at);
        if (whole.IsEmpty || (whole.Length > 1 && whole[0] == '0'))
            throw NotANumber(json);
        ReadOnlySpan<char> fraction = [];
        if (at < json.Length && json[at] == '.')
        {
            at++;
            fraction = Digits(json, ref at);
            if (fraction.IsEmpty)
                throw NotANumber(json);
        }

        // An exponent of any length is read, for 0e99999999999 is a number; what it makes of another is seen below.
        const int ExponentLimit = 10_000_000;
        int exponent = 0;
        if (at < json.Length && json[at] is 'e' or 'E')
        {
            at++;
            bool isDown = at < json.Length && json[at] == '-';
            if (isDown || (at < json.Length && json[at] == '+'))
                at++;
            ReadOnlySpan<char> digits = Digits(json, ref at);
            if (digits.IsEmpty)
                throw NotANumber(json);
            foreach (char digit in digits)
                exponent = Math.Min(exponent * 10 + (digit - '0'), ExponentLimit);
            if (isDown)
                exponent = -exponent;
        }

        if (at != json.Length)
            throw NotANumber(json);
        if (whole.Length > ExponentLimit || fraction.Length > ExponentLimit)
            throw TooLong();

        ReadOnlySpan<char> firsts = whole.TrimStart('0');
        if (firsts.IsEmpty)
            fraction = Cut(fraction, out exponent, exponent);
        ReadOnlySpan<char> lasts = fraction.TrimEnd('0');
        exponent -= lasts.Length;
        if (lasts.IsEmpty)
        {
            int zeros = firsts.Length;
            firsts = firsts.TrimEnd('0');
            exponent += zeros - firsts.Length;
        }

        int count = firsts.Length + lasts.Length;
        if (count == 0)
            return Zero;
        if (count + exponent > MaxDigits || -exponent > MaxDigits || count > 2 * MaxDigits)
            throw TooLong();
        BigInteger mantissa = BigInteger.Parse(string.Concat(firsts, lasts), NumberStyles.None, CultureInfo.InvariantCulture);
        return new ExactDecimal(isNegative ? -mantissa : mantissa, exponent);

        // Zeros between the point and the first digit count for the exponent, by the digits that are left.
        static ReadOnlySpan<char> Cut(ReadOnlySpan<char> fraction, out int exponent, int before)
        {
            ReadOnlySpan<char> cut = fraction.TrimStart('0');
            exponent = before - (fraction.Length - cut.Length);
            return cut;
        }
    }

    /// <inheritdoc cref="Parse(ReadOnlySpan{char})"/>
    public static ExactDecimal Parse(ReadOnlySpan<byte> utf8Json) => Parse(Encoding.Latin1.GetString(utf8Json));

    /// <summary>A whole number times a power of ten.</summary>
    public static ExactDecimal Create(BigInteger mantissa, int exponent)
    {
        if (mantissa.IsZero)
            return Zero;
        while (true)
        {
            (BigInteger quotient, BigInteger remainder) = BigInteger.DivRem(mantissa, 10);
            if (!remainder.IsZero)
                return new ExactDecimal(mantissa, exponent);
            mantissa = quotient;
            exponent++;
        }
    }

    /// <summary>10 to a power of at least 0.</summary>
    public static BigInteger PowerOfTen(int power) => power < Powers.Length ? Powers[power] : BigInteger.Pow(10, power);

    /// <summary>How many digits a whole number has; none for zero.</summary>
    public static int CountDigits(BigInteger value)
    {
        if (value.IsZero)
            return 0;
        value = BigInteger.Abs(value);
        // The number of bits tells it but for one.
        int least = (int)((value.GetBitLength() - 1) * 0.30102999566398119);
        return value >= PowerOfTen(least) ? value >= PowerOfTen(least + 1) ? least + 2 : least + 1 : least;
    }

    /// <summary>The number times 10^places, which is at least <see cref="FractionDigits"/>.</summary>
    public BigInteger Scaled(int places) => _mantissa * PowerOfTen(_exponent + places);

    /// <summary>The least number that is a whole multiple of both, each more than zero.</summary>
    public static ExactDecimal LeastCommonMultiple(ExactDecimal left, ExactDecimal right)
    {
        int places = Math.Max(left.FractionDigits, right.FractionDigits);
        BigInteger a = left.Scaled(places);
        BigInteger b = right.Scaled(places);
        ExactDecimal common = Create(a / BigInteger.GreatestCommonDivisor(a, b) * b, -places);
        return common.Magnitude > MaxDigits ? throw TooLong() : common;
    }

    public static implicit operator ExactDecimal(long value) => Create(value, 0);

    public static ExactDecimal operator -(ExactDecimal value) => new(-value._mantissa, value._exponent);

    public static bool operator ==(ExactDecimal left, ExactDecimal right) => left.Equals(right);

    public static bool operator !=(ExactDecimal left, ExactDecimal right) => !left.Equals(right);

    public static bool operator <(ExactDecimal left, ExactDecimal right) => left.CompareTo(right) < 0;

    public static bool operator >(ExactDecimal left, ExactDecimal right) => left.CompareTo(right) > 0;

    public static bool operator <=(ExactDecimal left, ExactDecimal right) => left.CompareTo(right) <= 0;

    public static bool operator >=(ExactDecimal left, ExactDecimal right) => left.CompareTo(right) >= 0;

    public int CompareTo(ExactDecimal other)
    {
        if (_mantissa.Sign != other._mantissa.Sign)
            return _mantissa.Sign.CompareTo(other._mantissa.Sign);
        int least = Math.Min(_exponent, other._exponent);
        return (_mantissa * PowerOfTen(_exponent - least)).CompareTo(other._mantissa * PowerOfTen(other._exponent - least));
    }

    public bool Equals(ExactDecimal other) => _exponent == other._exponent && _mantissa == other._mantissa;

    public override bool Equals(object? obj) => obj is ExactDecimal other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(_mantissa, _exponent);

    /// <summary>The shortest JSON number without an exponent.</summary>
    public override string ToString()
    {
        string digits = BigInteger.Abs(_mantissa).ToString(CultureInfo.InvariantCulture);
        string sign = IsNegative ? "-" : "";
        if (_exponent >= 0)
            return sign + digits + new string('0', _exponent);
        digits = digits.PadLeft(1 - _exponent, '0');
        return $"{sign}{digits.AsSpan(0, digits.Length + _exponent)}.{digits.AsSpan(digits.Length + _exponent)}";
    }

    private static ReadOnlySpan<char> Digits(ReadOnlySpan<char> text, scoped ref int at)
    {
        int start = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
            at++;
        return text[start..at];
    }

    private static BigInteger[] CreatePowers(int count)
    {
        BigInteger[] powers = new BigInteger[count];
        powers[0] = BigInteger.One;
        for (int i = 1; i < count; i++)
            powers[i] = powers[i - 1] * 10;
        return powers;
    }

    private static GrammarException NotANumber(ReadOnlySpan<char> text) =>
        new($"'{(text.Length > 40 ? string.Concat(text[..40], "…") : text.ToString())}' is not a JSON number.");

    private static GrammarException TooLong() => new($"A number has more than {MaxDigits} digits ahead of its point or behind it.");
}
