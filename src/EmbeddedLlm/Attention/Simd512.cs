using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace EmbeddedLlm.Attention;

/// <summary>AVX-512.</summary>
internal readonly unsafe struct Simd512 : ISimd<Vector512<float>>
{
    /// <summary>Whether the processor has them, and .NET uses them.</summary>
    public static bool IsSupported => Vector512.IsHardwareAccelerated && Avx512BW.IsSupported && Avx512DQ.IsSupported;

    public static int Width => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(float* from) => Vector512.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(V vector, float* to) => vector.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Create(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Add(V a, V b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Subtract(V a, V b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Multiply(V a, V b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Divide(V a, V b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V MultiplyAdd(V a, V b, V c) => Avx512F.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Max(V a, V b) => Vector512.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Abs(V a) => Vector512.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V CopySign(V magnitude, V sign) => Vector512.CopySign(magnitude, sign);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Round(V a) => Vector512.Round(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V PowerOfTwo(V n) => ((Vector512.ConvertToInt32Native(n) + Vector512.Create(127)) << 23).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ZeroWhereLess(V something, V limit, V value) => Vector512.ConditionalSelect(Vector512.LessThan(something, limit), V.Zero, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V SelectWhereEqual(V a, V b, V value, V other) => Vector512.ConditionalSelect(Vector512.Equals(a, b), value, other);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong EqualBits(V a, V b) => Vector512.Equals(a, b).ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxOf(V a)
    {
        Vector256<float> half = Vector256.MaxNative(a.GetLower(), a.GetUpper());
        Vector128<float> lanes = Vector128.MaxNative(half.GetLower(), half.GetUpper());
        lanes = Vector128.MaxNative(lanes, Vector128.Shuffle(lanes, Vector128.Create(2, 3, 0, 1)));
        return Vector128.MaxNative(lanes, Vector128.Shuffle(lanes, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SumOf(V a) => Vector512.Sum(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadHalves(byte* from) => EvenHalves(Avx512F.ConvertToVector512UInt32(Vector256.Load((ushort*)from)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V EvenHalves(V halves) => OddHalves((halves.AsInt32() << 16).AsSingle());

    /// <remarks>The sign stays, exponent and mantissa go to where single precision has them, and the product makes up for what the exponents of the two count from; it also makes subnormal numbers right.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V OddHalves(V halves) =>
        ((halves.AsInt32() >> 3) & Vector512.Create(unchecked((int)0x8FFFE000))).AsSingle() * Vector512.Create(BitConverter.UInt32BitsToSingle((127u + 112) << 23));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V MaxHalves(V greatest, V halves) => Vector512.Max(greatest.AsUInt16(), halves.AsUInt16() & Vector512.Create((ushort)0x7FFF)).AsSingle();

    public static bool HasSpecial(V greatest) => Vector512.GreaterThanOrEqualAny(greatest.AsUInt16(), Vector512.Create((ushort)0x7C00));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadLanes(byte* from, nint stride) => Vector512.Create(
        Vector256.Create(Vector128.Load(from), Vector128.Load(from + stride)),
        Vector256.Create(Vector128.Load(from + (2 * stride)), Vector128.Load(from + (3 * stride)))).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(ref V a, ref V b, ref V c, ref V d)
    {
        Vector512<double> lowAB = Avx512F.UnpackLow(a, b).AsDouble();
        Vector512<double> highAB = Avx512F.UnpackHigh(a, b).AsDouble();
        Vector512<double> lowCD = Avx512F.UnpackLow(c, d).AsDouble();
        Vector512<double> highCD = Avx512F.UnpackHigh(c, d).AsDouble();
        a = Avx512F.UnpackLow(lowAB, lowCD).AsSingle();
        b = Avx512F.UnpackHigh(lowAB, lowCD).AsSingle();
        c = Avx512F.UnpackLow(highAB, highCD).AsSingle();
        d = Avx512F.UnpackHigh(highAB, highCD).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Interleave(ref V a, ref V b)
    {
        // From 16 on, the second vector's.
        V low = Avx512F.PermuteVar16x32x2(a, Vector512.Create(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), b);
        V high = Avx512F.PermuteVar16x32x2(a, Vector512.Create(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), b);
        a = low;
        b = high;
    }
}
