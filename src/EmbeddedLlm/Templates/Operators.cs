using System.Numerics;

namespace EmbeddedLlm.Templates;

/// <summary>Python's arithmetic on values.</summary>
internal static class Operators
{
    public static TemplateValue Add(Rendering rendering, TemplateValue left, TemplateValue right)
    {
        if (Numbers.TryGetInteger(left, out BigInteger a) && Numbers.TryGetInteger(right, out BigInteger b))
            return TemplateValue.From(a + b);
        if (left is TemplateString text && right is TemplateString other)
            return TemplateString.Concat(rendering, text, other);
        if (TryGetDoubles(left, right, out double x, out double y))
            return TemplateValue.From(x + y);
        if (left is TemplateSequence first && right is TemplateSequence second && first is TemplateList == second is TemplateList)
            return Join(rendering, first, second);

        EnsureDefined(left, right);
        throw left switch
        {
            TemplateString => new TemplateFault($"can only concatenate str (not \"{right.TypeName}\") to str"),
            TemplateList => new TemplateFault($"can only concatenate list (not \"{right.TypeName}\") to list"),
            _ => TemplateFault.UnsupportedOperands("+", left, right),
        };
    }

    public static TemplateValue Subtract(Rendering rendering, TemplateValue left, TemplateValue right)
    {
        if (Numbers.TryGetInteger(left, out BigInteger a) && Numbers.TryGetInteger(right, out BigInteger b))
            return TemplateValue.From(a - b);
        if (TryGetDoubles(left, right, out double x, out double y))
            return TemplateValue.From(x - y);
        throw Unsupported("-", left, right);
    }

    public static TemplateValue Multiply(Rendering rendering, TemplateValue left, TemplateValue right)
    {
        if (Numbers.TryGetInteger(left, out BigInteger a) && Numbers.TryGetInteger(right, out BigInteger b))
        {
            TemplateInteger.EnsureBits((double)a.GetBitLength() + b.GetBitLength() - 1);
            return TemplateValue.From(a * b);
        }

        if (TryGetDoubles(left, right, out double x, out double y))
            return TemplateValue.From(x * y);
        if (Numbers.TryGetIndex(right, out long times) && left is TemplateString or TemplateSequence)
            return Repeat(rendering, left, times);
        if (Numbers.TryGetIndex(left, out times) && right is TemplateString or TemplateSequence)
            return Repeat(rendering, right, times);
        throw Unsupported("*", left, right);
    }

    public static TemplateValue Divide(Rendering rendering, TemplateValue left, TemplateValue right)
    {
        if (Numbers.TryGetInteger(left, out BigInteger a) && Numbers.TryGetInteger(right, out BigInteger b))
            return b.IsZero ? throw DivisionByZero() : TemplateValue.From(Numbers.Divide(a, b));
        if (TryGetDoubles(left, right, out double x, out double y))
            return y == 0 ? throw DivisionByZero() : TemplateValue.From(x / y);
        throw Unsupported("/", left, right);
    }

    public static TemplateValue FloorDivide(Rendering rendering, TemplateValue left, TemplateValue right)
    {
        if (Numbers.TryGetInteger(left, out BigInteger a) && Numbers.TryGetInteger(right, out BigInteger b))
        {
            if (b.IsZero)
                throw DivisionByZero();
            BigInteger quotient = BigInteger.DivRem(a, b, out BigInteger rest);
            return TemplateValue.From(!rest.IsZero && rest.Sign != b.Sign ? quotient - 1 : quotient);
        }

        if (TryGetDoubles(left, right, out double x, out double y))
            return y == 0 ? throw DivisionByZero() : TemplateValue.From(FloorDivide(x, y).Quotient);
        throw Unsupported("//", left, right);
    }

    public static TemplateValue Modulo(Rendering rendering, TemplateValue left, TemplateValue right)
    {
        if (left is TemplateString format)
            return PercentFormat.Format(rendering, format, right);
        if (Numbers.TryGetInteger(left, out BigInteger a) && Numbers.TryGetInteger(right, out BigInteger b))
        {
            if (b.IsZero)
                throw DivisionByZero();
            BigInteger rest = BigInteger.Remainder(a, b);
            return TemplateValue.From(!rest.IsZero && rest.Sign != b.Sign ? rest + b : rest);
        }

        if (TryGetDoubles(left, right, out double x, out double y))
            return y == 0 ? throw DivisionByZero() : TemplateValue.From(FloorDivide(x, y).Modulus);
        throw Unsupported("%", left, right);
    }

    public static TemplateValue Power(Rendering rendering, TemplateValue left, TemplateValue right)
    {
        if (Numbers.TryGetInteger(left, out BigInteger a) && Numbers.TryGetInteger(right, out BigInteger b) && b.Sign >= 0)
        {
            if (b.IsZero || a.IsOne || a.IsZero || a == BigInteger.MinusOne)
                return TemplateValue.From(b.IsZero ? BigInteger.One : b.IsEven ? a * a : a);
            TemplateInteger.EnsureBits((BigInteger.Abs(a).GetBitLength() - 1.0) * (double)b);
            return TemplateValue.From(BigInteger.Pow(a, (int)b));
        }

        if (!TryGetDoubles(left, right, out double x, out double y))
            throw Unsupported("** or pow()", left, right);
        if (x == 0 && y < 0)
            throw new TemplateFault("0.0 cannot be raised to a negative power");
        if (x < 0 && double.IsFinite(x) && double.IsFinite(y) && !double.IsInteger(y))
            throw new TemplateFault("a negative number cannot be raised to a fractional power");

        double power = Math.Pow(x, y);
        return double.IsInfinity(power) && double.IsFinite(x) && double.IsFinite(y)
            ? throw new TemplateFault("(34, 'Numerical result out of range')")
            : TemplateValue.From(power);
    }

    public static TemplateValue Negate(Rendering rendering, TemplateValue operand)
    {
        if (Numbers.TryGetInteger(operand, out BigInteger integer))
            return TemplateValue.From(-integer);
        if (operand is TemplateFloat number)
            return TemplateValue.From(-number.Value);
        EnsureDefined(operand, operand);
        throw new TemplateFault($"bad operand type for unary -: '{operand.TypeName}'");
    }

    public static TemplateValue Affirm(Rendering rendering, TemplateValue operand)
    {
        if (Numbers.TryGetInteger(operand, out BigInteger integer))
            return TemplateValue.From(integer);
        if (operand is TemplateFloat)
            return operand;
        EnsureDefined(operand, operand);
        throw new TemplateFault($"bad operand type for unary +: '{operand.TypeName}'");
    }

    /// <summary>An operation on an undefined value fails with what was missing.</summary>
    public static void EnsureDefined(TemplateValue left, TemplateValue right)
    {
        if ((left as TemplateUndefined ?? right as TemplateUndefined) is { } undefined)
            throw undefined.Fault();
    }

    private static (double Quotient, double Modulus) FloorDivide(double x, double y)
    {
        double rest = x % y;
        double quotient = (x - rest) / y;
        if (rest != 0)
        {
            if (y < 0 != rest < 0)
            {
                rest += y;
                quotient -= 1;
            }
        }
        else
        {
            rest = Math.CopySign(0, y);
        }

        if (quotient == 0)
            return (Math.CopySign(0, x / y), rest);

        double floor = Math.Floor(quotient);
        return (quotient - floor > 0.5 ? floor + 1 : floor, rest);
    }

    private static TemplateSequence Join(Rendering rendering, TemplateSequence first, TemplateSequence second)
    {
        rendering.EnsureSize(first.Size + second.Size);
        return rendering.Made(first.Create([.. first.Items, .. second.Items]));
    }

    private static TemplateValue Repeat(Rendering rendering, TemplateValue value, long times)
    {
        times = Math.Max(times, 0);
        long size = (long)Math.Min((double)value.Size * times, long.MaxValue / 2);
        rendering.EnsureSize(size);
        rendering.Charge(size / 16);
        if (value is TemplateSequence sequence)
        {
            TemplateValue[] items = new TemplateValue[sequence.Items.Length * times];
            for (int i = 0; i < items.Length; i++)
                items[i] = sequence.Items[i % sequence.Items.Length];
            return rendering.Made(sequence.Create(items));
        }

        TemplateString text = (TemplateString)value;
        MarkedTextBuilder builder = new(rendering.Limits.ValueSize, capacity: (int)(text.Length * times));
        for (long i = 0; i < times && text.Length > 0; i++)
            builder.Append(text);
        TemplateString result = builder.ToTemplateString();
        return text.IsMarkup ? result.AsMarkup() : result;
    }

    private static bool TryGetDoubles(TemplateValue left, TemplateValue right, out double x, out double y)
    {
        y = 0;
        return Numbers.TryGetDouble(left, out x) && Numbers.TryGetDouble(right, out y);
    }

    private static TemplateFault DivisionByZero() => new("division by zero");

    private static TemplateFault Unsupported(string operation, TemplateValue left, TemplateValue right)
    {
        EnsureDefined(left, right);
        return TemplateFault.UnsupportedOperands(operation, left, right);
    }
}
