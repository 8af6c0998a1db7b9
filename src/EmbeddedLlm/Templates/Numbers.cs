using System.Numerics;

namespace EmbeddedLlm.Templates;

/// <summary>Python's numeric tower: bool, int and float convert and compare among each other.</summary>
internal static class Numbers
{
    public static bool IsNumber(TemplateValue value) => value is TemplateInteger or TemplateFloat or TemplateBoolean;

    public static bool TryGetInteger(TemplateValue value, out BigInteger integer)
    {
        integer = value switch
        {
            TemplateInteger i => i.Value,
            TemplateBoolean b => b.Value ? BigInteger.One : BigInteger.Zero,
            _ => default,
        };
        return value is TemplateInteger or TemplateBoolean;
    }

    /// <summary>An integer that fits a position; a larger one is clamped, as it lies behind every end anyway.</summary>
    public static bool TryGetIndex(TemplateValue value, out long index)
    {
        bool isInteger = TryGetInteger(value, out BigInteger integer);
        index = (long)BigInteger.Clamp(integer, long.MinValue / 4, long.MaxValue / 4);
        return isInteger;
    }

    public static bool TryGetDouble(TemplateValue value, out double number)
    {
        if (value is TemplateFloat f)
        {
            number = f.Value;
            return true;
        }

        bool isInteger = TryGetInteger(value, out BigInteger integer);
        number = isInteger ? ToDouble(integer) : 0;
        return isInteger;
    }

    public static double ToDouble(BigInteger value)
    {
        double number = Math.Abs(value.GetBitLength()) <= 53 ? (double)value : Round(value);
        return double.IsInfinity(number) ? throw new TemplateFault("int too large to convert to float") : number;
    }

    /// <summary>The quotient, rounded once, as Python divides integers of any size.</summary>
    public static double Divide(BigInteger dividend, BigInteger divisor)
    {
        if (dividend.GetBitLength() <= 53 && divisor.GetBitLength() <= 53)
            return (double)dividend / (double)divisor;

        bool isNegative = dividend.Sign * divisor.Sign < 0;
        BigInteger a = BigInteger.Abs(dividend), b = BigInteger.Abs(divisor);
        // 66 bits of quotient and a sticky bit decide every rounding; where the result is subnormal, fewer do.
        long shift = Math.Min(66 - ((long)a.GetBitLength() - (long)b.GetBitLength()), 1140);
        BigInteger quotient = shift >= 0 ? BigInteger.DivRem(a << (int)shift, b, out BigInteger rest) : BigInteger.DivRem(a, b << (int)-shift, out rest);
        double result = Scale((quotient << 1) | (rest.IsZero ? 0 : 1), -shift - 1);
        if (double.IsInfinity(result))
            throw new TemplateFault("integer division result too large for a float");
        return isNegative ? -result : result;
    }

    public static bool AreEqual(TemplateValue left, TemplateValue right)
    {
        if (TryGetInteger(left, out BigInteger a) && TryGetInteger(right, out BigInteger b))
            return a == b;
        return IsNumber(left) && IsNumber(right) && Compare(left, right) == 0;
    }

    /// <summary>The order of two numbers, exact also between int and float; null where one is not a number.</summary>
    public static int? Compare(TemplateValue left, TemplateValue right)
    {
        if (TryGetInteger(left, out BigInteger a))
        {
            if (TryGetInteger(right, out BigInteger b))
                return a.CompareTo(b);
            return right is TemplateFloat f ? CompareExactly(a, f.Value) : null;
        }

        double x = ((TemplateFloat)left).Value;
        if (TryGetInteger(right, out BigInteger c))
            return -CompareExactly(c, x);

        double y = ((TemplateFloat)right).Value;
        return x < y ? -1 : x > y ? 1 : x == y ? 0 : null;
    }

    public static int GetHashCode(BigInteger value) => value.GetHashCode();

    private static int? CompareExactly(BigInteger integer, double number)
    {
        if (double.IsNaN(number))
            return null;
        if (double.IsInfinity(number))
            return number > 0 ? -1 : 1;

        int order = integer.CompareTo(new BigInteger(Math.Floor(number)));
        return order != 0 || double.IsInteger(number) ? order : -1;
    }

    private static double Round(BigInteger value)
    {
        long excess = (long)BigInteger.Abs(value).GetBitLength() - 66;
        if (excess <= 0)
            return Scale(BigInteger.Abs(value), 0) * value.Sign;

        BigInteger magnitude = BigInteger.Abs(value);
        BigInteger kept = magnitude >> (int)excess;
        return Scale((kept << 1) | ((kept << (int)excess) == magnitude ? 0 : 1), excess - 1) * value.Sign;
    }

    /// <summary>The double nearest to mantissa × 2^exponent, ties to even.</summary>
    private static double Scale(BigInteger mantissa, long exponent)
    {
        if (mantissa.IsZero)
            return 0;

        long bits = (long)mantissa.GetBitLength();
        // A double's last place is 53 bits below the first, or 2^-1074 where it is subnormal.
        long drop = Math.Max(bits - 53, -1074 - exponent);
        if (drop > 0)
        {
            BigInteger half = BigInteger.One << (int)(drop - 1);
            BigInteger kept = mantissa >> (int)drop;
            BigInteger rest = mantissa - (kept << (int)drop);
            int order = rest.CompareTo(half);
            if (order > 0 || (order == 0 && !kept.IsEven))
                kept++;
            mantissa = kept;
            exponent += drop;
        }

        return Math.ScaleB((double)mantissa, (int)Math.Clamp(exponent, -5000, 5000));
    }
}
