using System.Globalization;
using System.Numerics;

namespace EmbeddedLlm.Templates;

/// <summary>Python's <c>int(text, base)</c> and <c>float(text)</c>.</summary>
internal static class PythonNumber
{
    /// <summary>Parses what Python's <c>int</c> takes: spaces around, a sign, a prefix that fits the base, underscores between digits, digits of any script.</summary>
    public static bool TryParseInteger(ReadOnlySpan<char> text, int radix, out BigInteger value)
    {
        value = default;
        text = Trim(text);
        bool isNegative = text is ['-', ..];
        if (text is ['+' or '-', ..])
            text = text[1..];

        int prefixRadix = text is ['0', _, ..] ? char.ToLowerInvariant(text[1]) switch { 'b' => 2, 'o' => 8, 'x' => 16, _ => 0 } : 0;
        if (prefixRadix != 0 && (radix == 0 || radix == prefixRadix))
        {
            radix = prefixRadix;
            text = text[2..];
            if (text is ['_', ..])
                text = text[1..];
        }
        else if (radix == 0)
        {
            if (text is ['0', ..] && text.ContainsAnyExcept('0', '_'))
                return false;
            radix = 10;
        }

        if (text.Length > 4 * TemplateInteger.MostDigits || !TryReadDigits(text, radix, out string digits))
            return false;

        value = radix == 10 ? BigInteger.Parse(digits, CultureInfo.InvariantCulture) : FromDigits(digits, radix);
        if (isNegative)
            value = -value;
        return radix != 10 || digits.Length <= TemplateInteger.MostDigits;
    }

    public static bool TryParseFloat(ReadOnlySpan<char> text, out double value)
    {
        text = Trim(text);
        Span<char> buffer = text.Length <= 256 ? stackalloc char[256] : new char[text.Length];
        int length = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '_')
            {
                if (i == 0 || i + 1 == text.Length || !char.IsAsciiDigit(text[i - 1]) || !char.IsAsciiDigit(text[i + 1]))
                    break;
                continue;
            }

            int digit = text[i] > '\x7F' ? CharUnicodeInfo.GetDecimalDigitValue(text[i]) : -1;
            buffer[length++] = digit >= 0 ? (char)('0' + digit) : text[i];
        }

        ReadOnlySpan<char> number = buffer[..length];
        ReadOnlySpan<char> name = number is ['+' or '-', ..] ? number[1..] : number;
        double sign = number is ['-', ..] ? -1 : 1;
        if (name.Equals("inf", StringComparison.OrdinalIgnoreCase) || name.Equals("infinity", StringComparison.OrdinalIgnoreCase))
        {
            value = sign * double.PositiveInfinity;
            return true;
        }

        if (name.Equals("nan", StringComparison.OrdinalIgnoreCase))
        {
            value = double.NaN;
            return true;
        }

        value = 0;
        // A string cut short at a misplaced underscore is no number.
        return text.Count('_') == text.Length - length
            && !name.IsEmpty && (char.IsAsciiDigit(name[0]) || name[0] == '.')
            && double.TryParse(
                number, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value);
    }

    private static ReadOnlySpan<char> Trim(ReadOnlySpan<char> text)
    {
        while (text.Length > 0 && CodePoints.IsSpace(text[0]))
            text = text[1..];
        while (text.Length > 0 && CodePoints.IsSpace(text[^1]))
            text = text[..^1];
        return text;
    }

    private static bool TryReadDigits(ReadOnlySpan<char> text, int radix, out string digits)
    {
        digits = "";
        Span<char> buffer = new char[text.Length];
        int length = 0;
        bool wasDigit = false;
        foreach (char character in text)
        {
            if (character == '_')
            {
                if (!wasDigit)
                    return false;
                wasDigit = false;
                continue;
            }

            int digit = DigitOf(character);
            if (digit < 0 || digit >= radix)
                return false;
            buffer[length++] = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
            wasDigit = true;
        }

        digits = new string(buffer[..length]);
        return wasDigit;
    }

    private static int DigitOf(char character)
    {
        if (char.IsAsciiLetter(character))
            return char.ToLowerInvariant(character) - 'a' + 10;
        return char.IsAsciiDigit(character) ? character - '0' : CharUnicodeInfo.GetDecimalDigitValue(character);
    }

    private static BigInteger FromDigits(string digits, int radix)
    {
        BigInteger value = BigInteger.Zero;
        foreach (char digit in digits)
            value = value * radix + DigitOf(digit);
        return value;
    }
}
