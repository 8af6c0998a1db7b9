using System.Collections.Frozen;
using System.Numerics;

namespace EmbeddedLlm.Templates;

/// <summary>The methods and attributes of Python's numbers.</summary>
internal static class NumberMethods
{
    public static FrozenDictionary<string, Builtin> IntegerTable { get; } = Builtin.CreateTable(
        new("bit_length", [], 0, static (_, self, _) => TemplateValue.From((BigInteger)BigInteger.Abs(Integer(self)).GetBitLength())),
        new("conjugate", [], 0, static (_, self, _) => TemplateValue.From(Integer(self))));

    public static FrozenDictionary<string, Builtin> FloatTable { get; } = Builtin.CreateTable(
        new("is_integer", [], 0, static (_, self, _) => TemplateValue.From(double.IsInteger(((TemplateFloat)self).Value))),
        new("conjugate", [], 0, static (_, self, _) => self));

    public static TemplateValue? GetAttribute(TemplateValue number, string name) => name switch
    {
        "real" => number is TemplateFloat ? number : TemplateValue.From(Integer(number)),
        "imag" => number is TemplateFloat ? TemplateValue.From(0.0) : TemplateValue.From(BigInteger.Zero),
        "numerator" when number is not TemplateFloat => TemplateValue.From(Integer(number)),
        "denominator" when number is not TemplateFloat => TemplateValue.From(BigInteger.One),
        _ => null,
    };

    private static BigInteger Integer(TemplateValue value) => Numbers.TryGetInteger(value, out BigInteger integer) ? integer : default;
}
