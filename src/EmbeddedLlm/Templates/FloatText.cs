using System.Globalization;
using System.Numerics;

namespace EmbeddedLlm.Templates;

/// <summary>
/// Floats as Python prints them. Rounding to a number of digits is done on the exact binary value, ties to even, in
/// integers: .NET's own formatting rounds ties away from zero.
/// </summary>
internal static class FloatText
{
    /// <summary>The most digits that can be asked for; a double has no more than this many that are not zero.</summary>
    private const int MostDigits = 1100;

    /// <summary>Refuses too many digits, and counts the work of computing the others.</summary>
    public static int EnsurePrecision(Rendering rendering, long digits)
    {
        if (digits > MostDigits)
            throw TemplateFault.LimitExceeded("the precision of a number", MostDigits);
        rendering.Charge(digits);
        return (int)digits;
    }

    /// <summary>The shortest text that reads back as the same value.</summary>
    public static string Repr(double value)
    {
        if (!double.IsFinite(value))
            return NonFinite(value);

        (bool isNegative, string digits, int exponent) = Decompose(value);
        string sign = isNegative ? "-" : "";
        if (exponent is < -4 or >= 16)
            return sign + Scientific(digits, exponent, 'e');
        if (exponent < 0)
            return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        return exponent + 1 >= digits.Length
            ? $"{sign}{digits}{new string('0', exponent + 1 - digits.Length)}.0"
            : $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }

    public static string NonFinite(double value) => double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";

    /// <summary>The value with so many digits behind the point, without its sign.</summary>
    public static string Fixed(double value, int decimals, bool keepsPoint = false)
    {
        string digits = RoundScaled(value, decimals).ToString(CultureInfo.InvariantCulture).PadLeft(decimals + 1, '0');
        return decimals == 0 ? digits + (keepsPoint ? "." : "") : $"{digits[..^decimals]}.{digits[^decimals..]}";
    }

    /// <summary>The value in scientific notation with so many digits behind the point, without its sign.</summary>
    public static string Exponential(double value, int decimals, char e, bool keepsPoint = false)
    {
        (string digits, int exponent) = RoundToDigits(value, decimals + 1);
        return Scientific(digits, exponent, e, keepsPoint);
    }

    /// <summary>The value with so many significant digits in whichever notation is shorter, without its sign.</summary>
    /// <param name="value">The value.</param>
    /// <param name="precision">The significant digits.</param>
    /// <param name="e">The letter in front of the exponent.</param>
    /// <param name="keepsZeros">Whether zeros at the end stay.</param>
    /// <param name="mustLookFloat">Whether a whole number gets a <c>.0</c>.</param>
    public static string General(double value, int precision, char e, bool keepsZeros, bool mustLookFloat)
    {
        precision = Math.Max(precision, 1);
        (string digits, int exponent) = RoundToDigits(value, precision);
        bool isScientific = exponent < -4 || exponent >= precision - (mustLookFloat ? 1 : 0);
        if (!keepsZeros)
            digits = digits.TrimEnd('0') is { Length: > 0 } trimmed ? trimmed : "0";
        if (isScientific)
            return Scientific(digits, exponent, e, keepsZeros);

        string text = exponent < 0
            ? $"0.{new string('0', -exponent - 1)}{digits}"
            : exponent + 1 >= digits.Length
                ? digits.PadRight(exponent + 1, '0') + (keepsZeros ? "." : "")
                : $"{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
        return mustLookFloat && !text.Contains('.') ? text + ".0" : text;
    }

    /// <summary>|value| × 10^decimals, rounded half to even.</summary>
    public static BigInteger RoundScaled(double value, int decimals)
    {
        long bits = BitConverter.DoubleToInt64Bits(Math.Abs(value));
        int exponent = (int)(bits >> 52);
        BigInteger numerator = exponent == 0 ? bits & 0xFFFFFFFFFFFFF : (bits & 0xFFFFFFFFFFFFF) | 0x10000000000000;
        BigInteger denominator = BigInteger.One;
        int shift = Math.Max(exponent, 1) - 1075;
        if (shift >= 0)
            numerator <<= shift;
        else
            denominator <<= -shift;
        if (decimals >= 0)
            numerator *= BigInteger.Pow(10, decimals);
        else
            denominator *= BigInteger.Pow(10, -decimals);

        BigInteger quotient = BigInteger.DivRem(numerator, denominator, out BigInteger rest);
        int order = (rest << 1).CompareTo(denominator);
        return order > 0 || (order == 0 && !quotient.IsEven) ? quotient + 1 : quotient;
    }

    /// <summary>Python's <c>round(value, decimals)</c>.</summary>
    public static double Round(double value, long decimals)
    {
        if (!double.IsFinite(value) || decimals > 330)
            return value;
        if (decimals < -330)
            return Math.CopySign(0, value);

        string digits = RoundScaled(value, (int)decimals).ToString(CultureInfo.InvariantCulture);
        double rounded = double.Parse($"{digits}E{-decimals}", CultureInfo.InvariantCulture);
        return Math.CopySign(rounded, value);
    }

    private static (string Digits, int Exponent) RoundToDigits(double value, int count)
    {
        if (value == 0)
            return (new string('0', count), 0);

        int exponent = (int)Math.Floor(Math.Log10(Math.Abs(value)));
        while (true)
        {
            // The logarithm may be off by one, and rounding may carry into another digit.
            string digits = RoundScaled(value, count - 1 - exponent).ToString(CultureInfo.InvariantCulture);
            if (digits.Length == count)
                return (digits, exponent);
            exponent += digits.Length > count ? 1 : -1;
        }
    }

    private static (bool IsNegative, string Digits, int Exponent) Decompose(double value)
    {
        string shortest = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        int e = shortest.IndexOf('E');
        string mantissa = e < 0 ? shortest : shortest[..e];
        int point = mantissa.IndexOf('.');
        string digits = mantissa.Replace(".", "").TrimStart('0').TrimEnd('0');
        if (digits.Length == 0)
            return (double.IsNegative(value), "0", 0);

        int exponent = e < 0 ? 0 : int.Parse(shortest.AsSpan(e + 1), CultureInfo.InvariantCulture);
        int leadingZeros = mantissa.Replace(".", "").TakeWhile(c => c == '0').Count();
        exponent += (point < 0 ? mantissa.Length : point) - 1 - leadingZeros;
        return (double.IsNegative(value), digits, exponent);
    }

    private static string Scientific(string digits, int exponent, char e, bool keepsPoint = false)
    {
        string mantissa = digits.Length > 1 ? $"{digits[0]}.{digits[1..]}" : keepsPoint ? digits + "." : digits;
        string size = Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture);
        return $"{mantissa}{e}{(exponent < 0 ? '-' : '+')}{size}";
    }
}
