using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace EmbeddedLlm.Benchmarks;

/// <summary>The index of the first of the greatest numbers, at the speed of one pass over them: block maxima first, then a search in one block.</summary>
internal static class Argmax
{
    private const int Block = 1024;

    /// <param name="values">At least one; none is NaN.</param>
    public static int Of(ReadOnlySpan<float> values)
    {
        float greatest = float.NegativeInfinity;
        int start = 0;
        for (int i = 0; i < values.Length; i += Block)
        {
            float max = Max(values.Slice(i, Math.Min(Block, values.Length - i)));
            if (max > greatest)
            {
                greatest = max;
                start = i;
            }
        }

        return start + values[start..].IndexOf(greatest);
    }

    private static float Max(ReadOnlySpan<float> values)
    {
        ReadOnlySpan<Vector512<float>> vectors = MemoryMarshal.Cast<float, Vector512<float>>(values);
        // Four at a time, since a maximum waits some cycles for the one before.
        Vector512<float> a = Vector512.Create(float.NegativeInfinity), b = a, c = a, d = a;
        int i = 0;
        for (; i + 4 <= vectors.Length; i += 4)
        {
            a = Vector512.MaxNative(a, vectors[i]);
            b = Vector512.MaxNative(b, vectors[i + 1]);
            c = Vector512.MaxNative(c, vectors[i + 2]);
            d = Vector512.MaxNative(d, vectors[i + 3]);
        }

        for (; i < vectors.Length; i++)
            a = Vector512.MaxNative(a, vectors[i]);
        a = Vector512.MaxNative(Vector512.MaxNative(a, b), Vector512.MaxNative(c, d));

        Vector256<float> half = Vector256.MaxNative(a.GetLower(), a.GetUpper());
        Vector128<float> quarter = Vector128.MaxNative(half.GetLower(), half.GetUpper());
        float greatest = quarter[0];
        for (int lane = 1; lane < Vector128<float>.Count; lane++)
            greatest = MathF.Max(greatest, quarter[lane]);
        foreach (float value in values[(vectors.Length * Vector512<float>.Count)..])
            greatest = MathF.Max(greatest, value);
        return greatest;
    }
}
