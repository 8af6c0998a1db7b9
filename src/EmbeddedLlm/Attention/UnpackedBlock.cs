using System.Numerics;
using System.Runtime.CompilerServices;

namespace EmbeddedLlm.Attention;

/// <summary>Makes single-precision numbers of a block's keys and values, in the order in which they are multiplied. Done once for all rows that look at the block.</summary>
internal static unsafe class UnpackedBlock<TSimd, TVector>
    where TSimd : ISimd<TVector>
    where TVector : struct
{
    private const int Cells = AttentionScratch.BlockLength;
    private const int HalvesPerLane = 8;

    /// <summary>[cells × length], with gaps, becomes [length × cells], so that a vector holds the same number of many cells.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void UnpackKeys(byte* keys, nint stride, int length, float* to)
    {
        TVector greatest = default;
        nint next = 4 * stride;
        for (int cell = 0; cell < Cells; cell += TSimd.Width)
        {
            byte* from = keys + (cell * stride);
            float* column = to + cell;
            for (int i = 0; i < length; i += HalvesPerLane, from += HalvesPerLane * sizeof(ushort), column += HalvesPerLane * Cells)
            {
                TVector a = TSimd.LoadLanes(from, next);
                TVector b = TSimd.LoadLanes(from + stride, next);
                TVector c = TSimd.LoadLanes(from + (2 * stride), next);
                TVector d = TSimd.LoadLanes(from + (3 * stride), next);
                greatest = TSimd.MaxHalves(TSimd.MaxHalves(greatest, a), b);
                greatest = TSimd.MaxHalves(TSimd.MaxHalves(greatest, c), d);
                TSimd.Transpose(ref a, ref b, ref c, ref d);
                TSimd.Store(TSimd.EvenHalves(a), column);
                TSimd.Store(TSimd.OddHalves(a), column + Cells);
                TSimd.Store(TSimd.EvenHalves(b), column + (2 * Cells));
                TSimd.Store(TSimd.OddHalves(b), column + (3 * Cells));
                TSimd.Store(TSimd.EvenHalves(c), column + (4 * Cells));
                TSimd.Store(TSimd.OddHalves(c), column + (5 * Cells));
                TSimd.Store(TSimd.EvenHalves(d), column + (6 * Cells));
                TSimd.Store(TSimd.OddHalves(d), column + (7 * Cells));
            }
        }

        if (TSimd.HasSpecial(greatest))
            UnpackSpecialKeys(keys, stride, length, to);
    }

    /// <summary>[cells × length], with gaps, becomes the same without: of each two vectors' numbers first those at even places, then the others.</summary>
    /// <param name="values">The values.</param>
    /// <param name="stride">From one cell to the next, in bytes.</param>
    /// <param name="length">The numbers of a cell; a multiple of two vectors'.</param>
    /// <param name="visible">The cells that a row sees: those of others become 0, since what a cell held before may be no number, which not even a weight of 0 takes away.</param>
    /// <param name="to">Where they go.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void UnpackValues(byte* values, nint stride, int length, ulong visible, float* to)
    {
        TVector greatest = default;
        float* next = to;
        for (int cell = 0; cell < Cells; cell++, values += stride)
        {
            for (int i = 0; i < length; i += 2 * TSimd.Width, next += 2 * TSimd.Width)
            {
                TVector halves = TSimd.Load((float*)(values + (i * sizeof(ushort))));
                greatest = TSimd.MaxHalves(greatest, halves);
                TSimd.Store(TSimd.EvenHalves(halves), next);
                TSimd.Store(TSimd.OddHalves(halves), next + TSimd.Width);
            }
        }

        if (TSimd.HasSpecial(greatest))
            UnpackSpecialValues(values - (Cells * stride), stride, length, to);
        for (ulong hidden = ~visible; hidden != 0; hidden &= hidden - 1)
            new Span<float>(to + (BitOperations.TrailingZeroCount(hidden) * length), length).Clear();
    }

    private static void UnpackSpecialKeys(byte* keys, nint stride, int length, float* to)
    {
        for (int cell = 0; cell < Cells; cell++)
        {
            for (int i = 0; i < length; i++)
                to[(i * Cells) + cell] = (float)((Half*)(keys + (cell * stride)))[i];
        }
    }

    private static void UnpackSpecialValues(byte* values, nint stride, int length, float* to)
    {
        for (int cell = 0; cell < Cells; cell++)
        {
            for (int i = 0; i < length; i++)
                to[(cell * length) + i] = (float)((Half*)(values + (cell * stride)))[PlaceOf(i)];
        }
    }

    /// <summary>Where a value of a vector's order belongs.</summary>
    private static int PlaceOf(int index)
    {
        int width = TSimd.Width;
        int inPair = index % (2 * width);
        return index - inPair + (inPair < width ? 2 * inPair : (2 * (inPair - width)) + 1);
    }
}
