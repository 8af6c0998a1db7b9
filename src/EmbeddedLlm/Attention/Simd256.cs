using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V = System.Runtime.Intrinsics.Vector256<float>;

namespace EmbeddedLlm.Attention;

/// <summary>AVX2 and FMA.</summary>
internal readonly unsafe struct Simd256 : ISimd<Vector256<float>>
{
    /// <summary>Whether the processor has them, and .NET uses them.</summary>
    public static bool IsSupported => Vector256.IsHardwareAccelerated && Avx2.IsSupported && Fma.IsSupported;

    public static int Width => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load(float* from) => Vector256.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(V vector, float* to) => vector.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Create(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Add(V a, V b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Subtract(V a, V b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Multiply(V a, V b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Divide(V a, V b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V MultiplyAdd(V a, V b, V c) => Fma.MultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Max(V a, V b) => Vector256.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Abs(V a) => Vector256.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V CopySign(V magnitude, V sign) => Vector256.CopySign(magnitude, sign);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Round(V a) => Vector256.Round(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V PowerOfTwo(V n) => ((Vector256.ConvertToInt32Native(n) + Vector256.Create(127)) << 23).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ZeroWhereLess(V something, V limit, V value) => Vector256.ConditionalSelect(Vector256.LessThan(something, limit), V.Zero, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V SelectWhereEqual(V a, V b, V value, V other) => Vector256.ConditionalSelect(Vector256.Equals(a, b), value, other);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong EqualBits(V a, V b) => Vector256.Equals(a, b).ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxOf(V a)
    {
        Vector128<float> lanes = Vector128.MaxNative(a.GetLower(), a.GetUpper());
        lanes = Vector128.MaxNative(lanes, Vector128.Shuffle(lanes, Vector128.Create(2, 3, 0, 1)));
        return Vector128.MaxNative(lanes, Vector128.Shuffle(lanes, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SumOf(V a) => Vector256.Sum(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadHalves(byte* from) => EvenHalves(Avx2.ConvertToVector256Int32(Vector128.Load((ushort*)from)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V EvenHalves(V halves) => OddHalves((halves.AsInt32() << 16).AsSingle());

    /// <remarks>The sign stays, exponent and mantissa go to where single precision has them, and the product makes up for what the exponents of the two count from; it also makes subnormal numbers right.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V OddHalves(V halves) =>
        ((halves.AsInt32() >> 3) & Vector256.Create(unchecked((int)0x8FFFE000))).AsSingle() * Vector256.Create(BitConverter.UInt32BitsToSingle((127u + 112) << 23));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V MaxHalves(V greatest, V halves) => Vector256.Max(greatest.AsUInt16(), halves.AsUInt16() & Vector256.Create((ushort)0x7FFF)).AsSingle();

    public static bool HasSpecial(V greatest) => Vector256.GreaterThanOrEqualAny(greatest.AsUInt16(), Vector256.Create((ushort)0x7C00));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadLanes(byte* from, nint stride) => Vector256.Create(Vector128.Load(from), Vector128.Load(from + stride)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(ref V a, ref V b, ref V c, ref V d)
    {
        Vector256<double> lowAB = Avx.UnpackLow(a, b).AsDouble();
        Vector256<double> highAB = Avx.UnpackHigh(a, b).AsDouble();
        Vector256<double> lowCD = Avx.UnpackLow(c, d).AsDouble();
        Vector256<double> highCD = Avx.UnpackHigh(c, d).AsDouble();
        a = Avx.UnpackLow(lowAB, lowCD).AsSingle();
        b = Avx.UnpackHigh(lowAB, lowCD).AsSingle();
        c = Avx.UnpackLow(highAB, highCD).AsSingle();
        d = Avx.UnpackHigh(highAB, highCD).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Interleave(ref V a, ref V b)
    {
        V low = Avx.UnpackLow(a, b);
        V high = Avx.UnpackHigh(a, b);
        a = Avx.Permute2x128(low, high, 0x20);
        b = Avx.Permute2x128(low, high, 0x31);
    }
}
