using System.Collections.Frozen;
using System.Globalization;
using System.Numerics;

namespace EmbeddedLlm.Templates;

/// <summary>Python's <c>bool</c>, which counts as 0 or 1 wherever a number is expected.</summary>
internal sealed class TemplateBoolean : TemplateValue
{
    private TemplateBoolean(bool value) => Value = value;

    public static TemplateBoolean TrueInstance { get; } = new(true);

    public static TemplateBoolean FalseInstance { get; } = new(false);

    public bool Value { get; }

    public override string TypeName => "bool";

    public override bool IsTrue => Value;

    public override FrozenDictionary<string, Builtin> Methods => NumberMethods.IntegerTable;

    public override TemplateValue? GetAttribute(Rendering rendering, string name) => NumberMethods.GetAttribute(this, name);

    public override bool IsEqualTo(TemplateValue other) => other is TemplateBoolean b ? b.Value == Value : Numbers.AreEqual(this, other);

    public override int GetValueHashCode() => Numbers.GetHashCode(Value ? 1 : 0);

    public override void WriteRepr(ReprWriter writer) => writer.Write(Value ? "True" : "False");

    public override void WriteText(Rendering rendering, MarkedTextBuilder output) => output.Append(Value ? "True" : "False", PromptPartKind.Template);
}

/// <summary>Python's <c>int</c>: of any size up to <see cref="MostDigits"/>, where Python too refuses to print it.</summary>
internal sealed class TemplateInteger : TemplateValue
{
    /// <summary>The most decimal digits, from CPython's <c>sys.get_int_max_str_digits</c>.</summary>
    public const int MostDigits = 4300;

    private const int MostBits = 14284;
    private const int SmallestShared = -16;
    private const int LargestShared = 1024;
    private static readonly TemplateInteger[] Shared = CreateShared();

    private TemplateInteger(BigInteger value)
    {
        Value = value;
        Size = 1 + value.GetBitLength() / 16;
    }

    public BigInteger Value { get; }

    public override string TypeName => "int";

    public override bool IsTrue => !Value.IsZero;

    public override long Size { get; }

    public override FrozenDictionary<string, Builtin> Methods => NumberMethods.IntegerTable;

    public static TemplateInteger Create(BigInteger value)
    {
        if (value >= SmallestShared && value <= LargestShared)
            return Shared[(int)value - SmallestShared];

        EnsureBits(value.GetBitLength());
        return new TemplateInteger(value);
    }

    /// <summary>Refuses an integer before it is computed.</summary>
    public static void EnsureBits(double bits)
    {
        if (bits > MostBits)
            throw TemplateFault.LimitExceeded("the digits of an integer", MostDigits);
    }

    public override TemplateValue? GetAttribute(Rendering rendering, string name) => NumberMethods.GetAttribute(this, name);

    public override bool IsEqualTo(TemplateValue other) => other is TemplateInteger i ? i.Value == Value : Numbers.AreEqual(this, other);

    public override int GetValueHashCode() => Numbers.GetHashCode(Value);

    public override void WriteRepr(ReprWriter writer) => writer.Write(Value.ToString(CultureInfo.InvariantCulture));

    public override void WriteText(Rendering rendering, MarkedTextBuilder output)
    {
        rendering.Charge(Size);
        output.Append(Value.ToString(CultureInfo.InvariantCulture), PromptPartKind.Template);
    }

    private static TemplateInteger[] CreateShared()
    {
        TemplateInteger[] shared = new TemplateInteger[LargestShared - SmallestShared + 1];
        for (int i = 0; i < shared.Length; i++)
            shared[i] = new TemplateInteger(i + SmallestShared);
        return shared;
    }
}

/// <summary>Python's <c>float</c>.</summary>
internal sealed class TemplateFloat(double value) : TemplateValue
{
    public double Value => value;

    public override string TypeName => "float";

    public override bool IsTrue => value != 0;

    public override FrozenDictionary<string, Builtin> Methods => NumberMethods.FloatTable;

    public override TemplateValue? GetAttribute(Rendering rendering, string name) => NumberMethods.GetAttribute(this, name);

    public override bool IsEqualTo(TemplateValue other) => other is TemplateFloat f ? f.Value == value : Numbers.AreEqual(this, other);

    public override int GetValueHashCode() =>
        double.IsInteger(value) ? Numbers.GetHashCode(new BigInteger(value)) : value.GetHashCode();

    public override void WriteRepr(ReprWriter writer) => writer.Write(FloatText.Repr(value));
}
