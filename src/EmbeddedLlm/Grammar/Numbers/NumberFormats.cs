namespace EmbeddedLlm.Grammars;

/// <summary>The values of <c>format</c> that say which integers a number is one of, as OpenAPI's registry of formats has them. Those of floating-point numbers leave none out that can be read.</summary>
internal static class NumberFormats
{
    private const long MostExactInDouble = (1L << 53) - 1;

    /// <summary>The numbers of a format; null for one that is not of numbers, or not known.</summary>
    public static NumberRange? Find(string format) => format switch
    {
        "int8" => Integers(sbyte.MinValue, sbyte.MaxValue),
        "uint8" => Integers(byte.MinValue, byte.MaxValue),
        "int16" => Integers(short.MinValue, short.MaxValue),
        "uint16" => Integers(ushort.MinValue, ushort.MaxValue),
        "int32" => Integers(int.MinValue, int.MaxValue),
        "uint32" => Integers(uint.MinValue, uint.MaxValue),
        "int64" => Integers(long.MinValue, long.MaxValue),
        "uint64" => Integers(ulong.MinValue, ulong.MaxValue),
        "double-int" => Integers(-MostExactInDouble, MostExactInDouble),
        _ => null,
    };

    private static NumberRange Integers(Int128 least, Int128 most) => new()
    {
        IsInteger = true,
        Minimum = new DecimalBound(ExactDecimal.Create(least, 0), IsExclusive: false),
        Maximum = new DecimalBound(ExactDecimal.Create(most, 0), IsExclusive: false),
    };
}
