using System.Globalization;
using System.Numerics;

namespace EmbeddedLlm.Templates;

internal static partial class Filters
{
    private static IEnumerable<Builtin> NumberFilters =>
    [
        new("int", ["default", "base"], 0, ToInteger),
        new("float", ["default"], 0, ToFloat),
        new("abs", [], 0, Absolute),
        new("round", ["precision", "method"], 0, Round),
        new("filesizeformat", ["binary"], 0, FormatFileSize),
    ];

    private static TemplateValue ToInteger(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateValue otherwise = arguments[0] ?? TemplateValue.From(BigInteger.Zero);
        Operators.EnsureDefined(self, self);
        if (Numbers.TryGetInteger(self, out BigInteger integer))
            return TemplateValue.From(integer);

        double number = double.NaN;
        if (self is TemplateString text)
        {
            long radix = Arg.Index(arguments[1], 10, "int");
            if (radix is 0 or (>= 2 and <= 36) && PythonNumber.TryParseInteger(text.AsSpan(), (int)radix, out integer))
                return TemplateValue.From(integer);
            if (!PythonNumber.TryParseFloat(text.AsSpan(), out number) || !double.IsFinite(number))
                return otherwise;
        }
        else if (self is TemplateFloat f)
        {
            number = f.Value;
            if (double.IsInfinity(number))
                throw new TemplateFault("cannot convert float infinity to integer");
        }

        return double.IsNaN(number) ? otherwise : TemplateValue.From(new BigInteger(Math.Truncate(number)));
    }

    private static TemplateValue ToFloat(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        Operators.EnsureDefined(self, self);
        if (Numbers.TryGetDouble(self, out double number))
            return TemplateValue.From(number);
        if (self is TemplateString text && PythonNumber.TryParseFloat(text.AsSpan(), out number))
            return TemplateValue.From(number);
        return arguments[0] ?? TemplateValue.From(0.0);
    }

    private static TemplateValue Absolute(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        if (Numbers.TryGetInteger(self, out BigInteger integer))
            return TemplateValue.From(BigInteger.Abs(integer));
        if (self is TemplateFloat number)
            return TemplateValue.From(Math.Abs(number.Value));
        throw new TemplateFault($"bad operand type for abs(): '{self.TypeName}'");
    }

    private static TemplateValue Round(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        string method = arguments[1] is null ? "common" : (arguments[1] as TemplateString)?.Text ?? "";
        if (method is not ("common" or "ceil" or "floor"))
            throw new TemplateFault("method must be common, ceil or floor");

        Operators.EnsureDefined(self, self);
        if (method == "common")
        {
            long precision = Arg.Index(arguments[0], 0, "round");
            if (Numbers.TryGetInteger(self, out BigInteger integer))
                return TemplateValue.From(RoundInteger(integer, precision));
            return self is TemplateFloat number
                ? TemplateValue.From(FloatText.Round(number.Value, precision))
                : throw new TemplateFault($"type {self.TypeName} doesn't define __round__ method");
        }

        TemplateValue scale = Operators.Power(rendering, TemplateValue.From(10), arguments[0] ?? TemplateValue.From(BigInteger.Zero));
        TemplateValue scaled = Operators.Multiply(rendering, self, scale);
        return Operators.Divide(rendering, ToWhole(scaled, isUp: method == "ceil"), scale);
    }

    private static TemplateValue ToWhole(TemplateValue value, bool isUp)
    {
        if (value is not TemplateFloat { Value: double number })
            return Numbers.IsNumber(value) ? value : throw new TemplateFault($"must be real number, not {value.TypeName}");
        if (!double.IsFinite(number))
            throw new TemplateFault($"cannot convert float {(double.IsNaN(number) ? "NaN" : "infinity")} to integer");
        return TemplateValue.From(new BigInteger(isUp ? Math.Ceiling(number) : Math.Floor(number)));
    }

    private static BigInteger RoundInteger(BigInteger value, long precision)
    {
        if (precision >= 0)
            return value;
        if (-precision > TemplateInteger.MostDigits + 1)
            return BigInteger.Zero;

        BigInteger unit = BigInteger.Pow(10, (int)-precision);
        BigInteger quotient = BigInteger.DivRem(BigInteger.Abs(value), unit, out BigInteger rest);
        int order = (rest * 2).CompareTo(unit);
        if (order > 0 || (order == 0 && !quotient.IsEven))
            quotient++;
        return quotient * unit * value.Sign;
    }

    private static TemplateString FormatFileSize(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        Operators.EnsureDefined(self, self);
        if (!Numbers.TryGetDouble(self, out double bytes) && !(self is TemplateString text && PythonNumber.TryParseFloat(text.AsSpan(), out bytes)))
            throw TemplateFault.WrongArgument("filesizeformat()", "a number", self);

        bool isBinary = Arg.IsTrue(arguments[0]);
        double unit = isBinary ? 1024 : 1000;
        if (bytes == 1)
            return TemplateString.FromTemplate("1 Byte");
        if (double.IsNegativeInfinity(bytes))
            throw new TemplateFault("cannot convert float infinity to integer");
        if (bytes < unit)
            return TemplateString.FromTemplate(new BigInteger(bytes).ToString(CultureInfo.InvariantCulture) + " Bytes");

        string[] prefixes = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
        int power = 0;
        double next = unit * unit;
        for (; !(bytes < next) && power < prefixes.Length - 1; power++)
            next *= unit;
        string prefix = isBinary ? prefixes[power].ToUpperInvariant() + "i" : prefixes[power];
        double amount = unit * bytes / next;
        return TemplateString.FromTemplate($"{(double.IsFinite(amount) ? FloatText.Fixed(amount, 1) : FloatText.NonFinite(amount))} {prefix}B");
    }
}
