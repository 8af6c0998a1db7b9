using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace EmbeddedLlm.Sampling;

/// <summary>
/// Powers of two of non-positive numbers, and sums of them. Only additions, multiplications and integer operations in a fixed order,
/// no fused ones, so that the results are the same to the bit at every vector width and on every processor.
/// </summary>
internal static class Exponential
{
    /// <summary>log₂ e: <c>2^(x · Log2E)</c> is <c>e^x</c>.</summary>
    public const float Log2E = 1.44269504f;

    // Below 2^-126 a float is subnormal; such a weight beside one of 1 is nothing.
    private const float Smallest = -126f;

    // Adding 1.5 · 2^23 rounds to a whole number, which is then in the low bits of the float.
    private const float Rounder = 12582912f;

    /// <summary>
    /// Writes <c>2^((x - origin) · scale)</c> for every x, with a relative error of at most 2e-7 beside the rounding of the exponent itself.
    /// 0 for NaN and negative infinity, 1 for everything above the origin.
    /// </summary>
    /// <param name="source">At least as many numbers as a vector has, or a multiple of that.</param>
    /// <param name="origin">Finite; normally the greatest of the numbers.</param>
    /// <param name="scale">Above 0.</param>
    /// <param name="destination">As long as the source; may be the source.</param>
    public static void Weigh(ReadOnlySpan<float> source, float origin, float scale, Span<float> destination)
    {
        int length = source.Length;
        ref float input = ref MemoryMarshal.GetReference(source);
        ref float output = ref MemoryMarshal.GetReference(destination[..length]);
        Vector<float> origins = new(origin);
        Vector<float> scales = new(scale);
        int i = 0;
        for (; i <= length - Vector<float>.Count; i += Vector<float>.Count)
            Exp2((Vector.LoadUnsafe(ref input, (nuint)i) - origins) * scales).StoreUnsafe(ref output, (nuint)i);

        if (i < length)
            WeighRest(source[i..], origins, scales, destination[i..]);
    }

    /// <summary>Fewer numbers than a vector has go through the same operations in a vector of their own, since a scalar path could round otherwise.</summary>
    private static void WeighRest(ReadOnlySpan<float> source, Vector<float> origins, Vector<float> scales, Span<float> destination)
    {
        Span<float> rest = stackalloc float[Vector<float>.Count];
        source.CopyTo(rest);
        ref float first = ref MemoryMarshal.GetReference(rest);
        Exp2((Vector.LoadUnsafe(ref first) - origins) * scales).StoreUnsafe(ref first);
        rest[..source.Length].CopyTo(destination);
    }

    /// <summary>The sum of numbers, always added in the same order.</summary>
    public static double Sum(ReadOnlySpan<float> values)
    {
        double sum = 0;
        for (; values.Length >= LogitBlocks.BlockSize; values = values[LogitBlocks.BlockSize..])
            sum += SumBlock(values[..LogitBlocks.BlockSize]);
        foreach (float value in values)
            sum += value;
        return sum;
    }

    /// <summary>The sum of a block, always added in the same order.</summary>
    public static float SumBlock(ReadOnlySpan<float> values)
    {
        Debug.Assert(values.Length == LogitBlocks.BlockSize);
        ref float first = ref MemoryMarshal.GetReference(values);
        Vector128<float> a = default, b = default, c = default, d = default;
        for (nuint i = 0; i < LogitBlocks.BlockSize; i += 16)
        {
            a += Vector128.LoadUnsafe(ref first, i);
            b += Vector128.LoadUnsafe(ref first, i + 4);
            c += Vector128.LoadUnsafe(ref first, i + 8);
            d += Vector128.LoadUnsafe(ref first, i + 12);
        }

        Vector128<float> sum = a + b + (c + d);
        return sum.GetElement(0) + sum.GetElement(1) + (sum.GetElement(2) + sum.GetElement(3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Exp2(Vector<float> exponent)
    {
        // A comparison with NaN is false, so NaN and everything too small become -127, of which the last step makes exactly 0.
        exponent = Vector.ConditionalSelect(Vector.GreaterThanOrEqual(exponent, new Vector<float>(Smallest)), exponent, new Vector<float>(Smallest - 1f));
        exponent = Vector.MinNative(exponent, Vector<float>.Zero);

        Vector<float> rounded = exponent + new Vector<float>(Rounder);
        Vector<float> f = exponent - (rounded - new Vector<float>(Rounder));

        // 2^f for f in [-1/2, 1/2]: the polynomial of degree 5 through 1 with the least greatest relative error, 9e-8 (Lawson's algorithm).
        Vector<float> power = new Vector<float>(0.00132647285f) * f + new Vector<float>(0.00967151392f);
        power = power * f + new Vector<float>(0.0555073358f);
        power = power * f + new Vector<float>(0.240222424f);
        power = power * f + new Vector<float>(0.693147004f);
        power = power * f + Vector<float>.One;

        // The whole part goes into the exponent bits; the bits of the rounder itself are shifted out.
        return (power.As<float, int>() + (rounded.As<float, int>() << 23)).As<int, float>();
    }
}
