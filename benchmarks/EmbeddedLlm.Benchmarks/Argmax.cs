using System.Numerics;
using System.Runtime.InteropServices;

namespace EmbeddedLlm.Benchmarks;

/// <summary>The index of the first of the greatest numbers, as fast as memory gives them: one pass for the maximum, one, as a rule shorter, for its place.</summary>
internal static class Argmax
{
    /// <param name="values">At least one; none is NaN.</param>
    public static int Of(ReadOnlySpan<float> values)
    {
        float greatest = Max(values);
        // Compared as bits, which the vectorised search needs; 0 and -0 alone are equal with different bits.
        int index = MemoryMarshal.Cast<float, int>(values).IndexOf(BitConverter.SingleToInt32Bits(greatest));
        return greatest == 0 ? values.IndexOf(0f) : index;
    }

    private static float Max(ReadOnlySpan<float> values)
    {
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        // Four at a time, since a maximum waits some cycles for the one before.
        Vector<float> a = new(float.NegativeInfinity), b = a, c = a, d = a;
        int i = 0;
        for (; i + 4 <= vectors.Length; i += 4)
        {
            a = Vector.MaxNative(a, vectors[i]);
            b = Vector.MaxNative(b, vectors[i + 1]);
            c = Vector.MaxNative(c, vectors[i + 2]);
            d = Vector.MaxNative(d, vectors[i + 3]);
        }

        for (; i < vectors.Length; i++)
            a = Vector.MaxNative(a, vectors[i]);
        a = Vector.MaxNative(Vector.MaxNative(a, b), Vector.MaxNative(c, d));

        float greatest = float.NegativeInfinity;
        for (int lane = 0; lane < Vector<float>.Count; lane++)
            greatest = MathF.Max(greatest, a[lane]);
        foreach (float value in values[(vectors.Length * Vector<float>.Count)..])
            greatest = MathF.Max(greatest, value);
        return greatest;
    }
}
