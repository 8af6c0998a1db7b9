using System.Globalization;
using System.Numerics;
using System.Text;

namespace EmbeddedLlm.Templates;

/// <summary>Python's format specification mini-language: <c>[[fill]align][sign][z][#][0][width][grouping][.precision][type]</c>.</summary>
internal readonly ref struct FormatSpec
{
    private readonly Rendering _rendering;

    private FormatSpec(Rendering rendering, ReadOnlySpan<char> spec)
    {
        _rendering = rendering;
        int i = 0;
        int fillLength = spec.IsEmpty ? 0 : CodePoints.LengthAt(spec, 0);
        if (fillLength > 0 && fillLength < spec.Length && IsAlign(spec[fillLength]))
        {
            Fill = spec[..fillLength].ToString();
            Align = spec[fillLength];
            i = fillLength + 1;
        }
        else if (spec is [char align, ..] && IsAlign(align))
        {
            Align = align;
            i = 1;
        }

        if (i < spec.Length && spec[i] is '+' or '-' or ' ')
            Sign = spec[i++];
        if (i < spec.Length && spec[i] == 'z')
        {
            HidesNegativeZero = true;
            i++;
        }

        if (i < spec.Length && spec[i] == '#')
        {
            IsAlternate = true;
            i++;
        }

        if (i < spec.Length && spec[i] == '0' && Fill is null)
        {
            Fill = "0";
            if (Align == '\0')
            {
                Align = '=';
                IsZeroPadded = true;
            }

            i++;
        }

        Width = ReadNumber(spec, ref i) ?? 0;
        if (i < spec.Length && spec[i] is ',' or '_')
            Grouping = spec[i++];
        if (i < spec.Length && spec[i] == '.')
        {
            i++;
            Precision = ReadNumber(spec, ref i) ?? throw new TemplateFault("Format specifier missing precision");
        }

        if (i < spec.Length)
            Type = spec[i++];
        if (i < spec.Length)
            throw new TemplateFault("Invalid format specifier");
        rendering.EnsureSize(Math.Max(Width, Precision ?? 0));
    }

    private string? Fill { get; }

    private char Align { get; }

    private char Sign { get; }

    private bool HidesNegativeZero { get; }

    private bool IsAlternate { get; }

    private bool IsZeroPadded { get; }

    private int Width { get; }

    private char Grouping { get; }

    private int? Precision { get; }

    private char Type { get; }

    /// <summary>Python's <c>format(value, spec)</c>.</summary>
    public static TemplateString Format(Rendering rendering, TemplateValue value, TemplateString spec)
    {
        if (spec.Length == 0)
            return value.ToText(rendering);

        FormatSpec format = new(rendering, spec.AsSpan());
        switch (value)
        {
            case TemplateString text:
                return format.FormatText(text);
            case TemplateFloat number:
                return format.FormatFloat(number.Value);
            case TemplateBoolean when format.Type is '\0' or 's' && spec.Length == 0:
                return value.ToText(rendering);
            case TemplateInteger or TemplateBoolean:
                Numbers.TryGetInteger(value, out BigInteger integer);
                return format.FormatInteger(integer);
            default:
                throw new TemplateFault($"unsupported format string passed to {value.TypeName}.__format__");
        }
    }

    private TemplateString FormatText(TemplateString text)
    {
        if (Type is not ('\0' or 's'))
            throw UnknownType("str");
        if (Sign != '\0')
            throw new TemplateFault("Sign not allowed in string format specifier");
        if (IsAlternate)
            throw new TemplateFault("Alternate form (#) not allowed in string format specifier");
        if (Grouping != '\0')
            throw new TemplateFault($"Cannot specify '{Grouping}' with 's'.");
        if (Align == '=' && !IsZeroPadded)
            throw new TemplateFault("'=' alignment not allowed in string format specifier");

        if (Precision is { } precision && precision < text.CodePointCount)
            text = text.Substring(0, text.PositionOf(precision));
        return Pad(text, Align is '\0' or '=' ? '<' : Align);
    }

    private TemplateString FormatInteger(BigInteger value)
    {
        if (Type is 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or '%')
            return FormatFloat(Numbers.ToDouble(value));
        if (Precision is not null)
            throw new TemplateFault("Precision not allowed in integer format specifier");

        EnsureGroupable();
        if (Type == 'c')
        {
            if (IsAlternate)
                throw new TemplateFault("Alternate form (#) not allowed with integer format specifier 'c'");
            if (Sign != '\0')
                throw new TemplateFault("Sign not allowed with integer format specifier 'c'");
            if (value.Sign < 0 || value > 0x10FFFF)
                throw new TemplateFault("%c arg not in range(0x110000)");
            return Pad(TemplateString.FromTemplate(CodePoints.ToText((int)value)), Align == '\0' ? '<' : Align);
        }

        (string prefix, string digits) = Type switch
        {
            '\0' or 'd' or 'n' => ("", BigInteger.Abs(value).ToString(CultureInfo.InvariantCulture)),
            'b' => ("0b", Digits(value, 1)),
            'o' => ("0o", Digits(value, 3)),
            'x' => ("0x", Digits(value, 4)),
            'X' => ("0X", Digits(value, 4).ToUpperInvariant()),
            _ => throw UnknownType("int"),
        };
        string sign = SignOf(value.Sign < 0) + (IsAlternate ? prefix : "");
        return PadNumber(sign, digits, "", Type is 'b' or 'o' or 'x' or 'X' ? 4 : 3);
    }

    private TemplateString FormatFloat(double value)
    {
        if (Type is not ('\0' or 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or 'n' or '%'))
            throw UnknownType("float");

        EnsureGroupable();
        bool isUpper = Type is 'E' or 'F' or 'G';
        string suffix = Type == '%' ? "%" : "";
        if (Type == '%')
            value *= 100;
        bool isNegative = double.IsNegative(value) && !double.IsNaN(value);
        if (!double.IsFinite(value))
        {
            string name = double.IsNaN(value) ? "nan" : "inf";
            return PadNumber(SignOf(isNegative), isUpper ? name.ToUpperInvariant() : name, suffix, 0);
        }

        int precision = FloatText.EnsurePrecision(_rendering, Precision ?? 6);
        char e = isUpper ? 'E' : 'e';
        string text = Type switch
        {
            'f' or 'F' or '%' => FloatText.Fixed(value, precision, IsAlternate),
            'e' or 'E' => FloatText.Exponential(value, precision, e, IsAlternate),
            '\0' when Precision is null => ReprWithPoint(Math.Abs(value)),
            _ => FloatText.General(value, precision, e, IsAlternate, mustLookFloat: Type == '\0'),
        };
        if (HidesNegativeZero && isNegative && !text.AsSpan().ContainsAnyInRange('1', '9'))
            isNegative = false;

        int end = text.AsSpan().IndexOfAny('.', 'e', 'E');
        return end < 0 ? PadNumber(SignOf(isNegative), text, suffix, 3) : PadNumber(SignOf(isNegative), text[..end], text[end..] + suffix, 3);
    }

    private string ReprWithPoint(double value)
    {
        string text = FloatText.Repr(value);
        int e = IsAlternate && !text.Contains('.') ? text.IndexOf('e') : -1;
        return e < 0 ? text : text.Insert(e, ".");
    }

    private void EnsureGroupable()
    {
        if (Grouping != '\0' && (Type is 'n' or 'c' || (Grouping == ',' && Type is 'b' or 'o' or 'x' or 'X')))
            throw new TemplateFault($"Cannot specify '{Grouping}' with '{Type}'.");
    }

    private string SignOf(bool isNegative) => isNegative ? "-" : Sign is '+' or ' ' ? Sign.ToString() : "";

    private TemplateString PadNumber(string sign, string digits, string rest, int groupSize)
    {
        bool isGrouped = Grouping != '\0' && groupSize > 0;
        if (Align == '=' && Fill == "0")
        {
            // Zeros in front count as digits, and are grouped like them.
            int room = Width - sign.Length - rest.Length;
            if (!isGrouped)
                digits = digits.PadLeft(Math.Max(room, 0), '0');
            else
                digits = Group(digits.PadLeft(Math.Max(DigitsIn(room, groupSize), 0), '0'), groupSize);
            return TemplateString.FromTemplate(sign + digits + rest);
        }

        if (isGrouped)
            digits = Group(digits, groupSize);
        if (Align == '=')
        {
            MarkedTextBuilder output = new(_rendering.Limits.ValueSize);
            output.Append(sign, PromptPartKind.Template);
            for (int i = sign.Length + digits.Length + rest.Length; i < Width; i++)
                output.Append(Fill ?? " ", PromptPartKind.Template);
            output.Append(digits + rest, PromptPartKind.Template);
            return output.ToTemplateString();
        }

        return Pad(TemplateString.FromTemplate(sign + digits + rest), Align == '\0' ? '>' : Align);
    }

    /// <summary>How many digits fill a room together with the separators between them, the first of which is never a separator.</summary>
    private static int DigitsIn(int room, int groupSize) => room - room / (groupSize + 1) + (room > 0 && room % (groupSize + 1) == 0 ? 1 : 0);

    private string Group(string digits, int groupSize)
    {
        StringBuilder grouped = new(digits.Length + digits.Length / groupSize);
        for (int i = 0; i < digits.Length; i++)
        {
            if (i > 0 && (digits.Length - i) % groupSize == 0)
                grouped.Append(Grouping);
            grouped.Append(digits[i]);
        }

        return grouped.ToString();
    }

    private TemplateString Pad(TemplateString text, char align)
    {
        int padding = Width - text.CodePointCount;
        if (padding <= 0)
            return text;

        int left = align == '<' ? 0 : align == '^' ? padding / 2 : padding;
        MarkedTextBuilder output = new(_rendering.Limits.ValueSize);
        for (int i = 0; i < left; i++)
            output.Append(Fill ?? " ", PromptPartKind.Template);
        output.Append(text);
        for (int i = left; i < padding; i++)
            output.Append(Fill ?? " ", PromptPartKind.Template);
        return output.ToTemplateString();
    }

    /// <summary>The digits of |value| in base 2^bits.</summary>
    public static string Digits(BigInteger value, int bits)
    {
        value = BigInteger.Abs(value);
        if (value.IsZero)
            return "0";

        StringBuilder digits = new();
        int mask = (1 << bits) - 1;
        for (; !value.IsZero; value >>= bits)
            digits.Insert(0, "0123456789abcdef"[(int)(value & mask)]);
        return digits.ToString();
    }

    private static int? ReadNumber(ReadOnlySpan<char> spec, ref int i)
    {
        int start = i;
        long number = 0;
        for (; i < spec.Length && CharUnicodeInfo.GetDecimalDigitValue(spec[i]) is >= 0 and int digit; i++)
        {
            number = number * 10 + digit;
            if (number > int.MaxValue)
                throw new TemplateFault("Too many decimal digits in format string");
        }

        return i == start ? null : (int)number;
    }

    private static bool IsAlign(char character) => character is '<' or '>' or '=' or '^';

    private TemplateFault UnknownType(string type) => new($"Unknown format code '{Type}' for object of type '{type}'");
}
