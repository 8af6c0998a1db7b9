using System.Runtime.CompilerServices;

namespace EmbeddedLlm.Attention;

/// <summary>
/// The products of four rows at a time with a block: eight sums stay in registers, and each vector that is read is used four times. Where rows are no multiple of four, one is named several times: it is computed as
/// often, with the same result each time. The loops of this folder are optimised at once: as code that is to be replaced when it has run often, they would make the first prompts slow.
/// </summary>
internal static unsafe class RowProducts<TSimd, TVector>
    where TSimd : ISimd<TVector>
    where TVector : struct
{
    private const int Cells = AttentionScratch.BlockLength;

    /// <summary>Queries times keys, [length × cells].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Score(float* query0, float* query1, float* query2, float* query3, float* keys, int length, float* scores0, float* scores1, float* scores2, float* scores3)
    {
        int width = TSimd.Width;
        for (int cell = 0; cell < Cells; cell += 2 * width)
        {
            TVector a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default;
            float* key = keys + cell;
            for (nint i = 0; i < length; i++, key += Cells)
            {
                TVector key0 = TSimd.Load(key), key1 = TSimd.Load(key + width);
                TVector query = TSimd.Create(query0[i]);
                a0 = TSimd.MultiplyAdd(query, key0, a0);
                a1 = TSimd.MultiplyAdd(query, key1, a1);
                query = TSimd.Create(query1[i]);
                b0 = TSimd.MultiplyAdd(query, key0, b0);
                b1 = TSimd.MultiplyAdd(query, key1, b1);
                query = TSimd.Create(query2[i]);
                c0 = TSimd.MultiplyAdd(query, key0, c0);
                c1 = TSimd.MultiplyAdd(query, key1, c1);
                query = TSimd.Create(query3[i]);
                d0 = TSimd.MultiplyAdd(query, key0, d0);
                d1 = TSimd.MultiplyAdd(query, key1, d1);
            }

            Store(a0, a1, scores0 + cell);
            Store(b0, b1, scores1 + cell);
            Store(c0, c1, scores2 + cell);
            Store(d0, d1, scores3 + cell);
        }
    }

    /// <summary>Weights times values, [cells × length], added to the sums so far, which count less by now.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sum(
        float* weights0, float* weights1, float* weights2, float* weights3, float* values, int length, float* sums0, float* sums1, float* sums2, float* sums3, float shrink0, float shrink1, float shrink2, float shrink3)
    {
        int width = TSimd.Width;
        for (int i = 0; i < length; i += 2 * width)
        {
            TVector shrink = TSimd.Create(shrink0);
            TVector a0 = TSimd.Multiply(shrink, TSimd.Load(sums0 + i)), a1 = TSimd.Multiply(shrink, TSimd.Load(sums0 + i + width));
            shrink = TSimd.Create(shrink1);
            TVector b0 = TSimd.Multiply(shrink, TSimd.Load(sums1 + i)), b1 = TSimd.Multiply(shrink, TSimd.Load(sums1 + i + width));
            shrink = TSimd.Create(shrink2);
            TVector c0 = TSimd.Multiply(shrink, TSimd.Load(sums2 + i)), c1 = TSimd.Multiply(shrink, TSimd.Load(sums2 + i + width));
            shrink = TSimd.Create(shrink3);
            TVector d0 = TSimd.Multiply(shrink, TSimd.Load(sums3 + i)), d1 = TSimd.Multiply(shrink, TSimd.Load(sums3 + i + width));
            float* value = values + i;
            for (nint cell = 0; cell < Cells; cell++, value += length)
            {
                TVector value0 = TSimd.Load(value), value1 = TSimd.Load(value + width);
                TVector weight = TSimd.Create(weights0[cell]);
                a0 = TSimd.MultiplyAdd(weight, value0, a0);
                a1 = TSimd.MultiplyAdd(weight, value1, a1);
                weight = TSimd.Create(weights1[cell]);
                b0 = TSimd.MultiplyAdd(weight, value0, b0);
                b1 = TSimd.MultiplyAdd(weight, value1, b1);
                weight = TSimd.Create(weights2[cell]);
                c0 = TSimd.MultiplyAdd(weight, value0, c0);
                c1 = TSimd.MultiplyAdd(weight, value1, c1);
                weight = TSimd.Create(weights3[cell]);
                d0 = TSimd.MultiplyAdd(weight, value0, d0);
                d1 = TSimd.MultiplyAdd(weight, value1, d1);
            }

            Store(a0, a1, sums0 + i);
            Store(b0, b1, sums1 + i);
            Store(c0, c1, sums2 + i);
            Store(d0, d1, sums3 + i);
        }
    }

    private static void Store(TVector first, TVector second, float* to)
    {
        TSimd.Store(first, to);
        TSimd.Store(second, to + TSimd.Width);
    }
}
