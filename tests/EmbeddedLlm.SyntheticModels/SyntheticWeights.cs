using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.SyntheticModels;

/// <summary>
/// Random weights made directly in a tensor's block format: the quants are random bits, only the scales are computed. Layouts are those of
/// ggml-common.h. Where quants lie around −½ rather than 0 (q − 8 for q from 0 to 15), the scale's sign is random, so that weights are
/// centred on 0.
/// </summary>
internal sealed class SyntheticWeights
{
    // Blocks that share one generator; the writer's pieces are multiples of it, so bytes do not depend on how a tensor is cut.
    private const int GranuleBlocks = GgufWriter.PieceBlocks;

    private readonly GgmlType _type;
    private readonly ulong _seed;
    private readonly float _deviation;
    private readonly float _mean;
    private readonly int _blockBytes;

    public SyntheticWeights(GgmlType type, ulong seed, ulong tensorIndex, float deviation, float mean = 0)
    {
        (_type, _deviation, _mean) = (type, deviation, mean);
        _seed = Mix(seed ^ Mix(tensorIndex + 1));
        _blockBytes = GgmlTypes.BlockBytes(type);
    }

    public unsafe void Fill(long offset, Span<byte> destination)
    {
        int granuleBytes = GranuleBlocks * _blockBytes;
        int granules = (destination.Length + granuleBytes - 1) / granuleBytes;
        int length = destination.Length;

        // A span cannot be captured; the pointer lives for this call only, in which the destination is pinned.
        fixed (byte* pinned = destination)
        {
            byte* start = pinned;
            Parallel.For(0, granules, granule =>
            {
                int begin = granule * granuleBytes;
                Span<byte> bytes = new(start + begin, Math.Min(granuleBytes, length - begin));
                FillGranule((ulong)((offset + begin) / granuleBytes), bytes);
            });
        }
    }

    private void FillGranule(ulong granule, Span<byte> bytes)
    {
        FillRandom(Mix(_seed + granule), bytes);
        if (_type == GgmlType.F32)
            ToSingles(MemoryMarshal.Cast<byte, int>(bytes));
        else if (_type == GgmlType.F16)
            ToHalves(MemoryMarshal.Cast<byte, ushort>(bytes));
        else
            SetAllScales(bytes);
    }

    // Uniform over ±√3 deviations.
    private void ToSingles(Span<int> random)
    {
        float scale = _deviation * 1.7320508f / int.MaxValue;
        foreach (ref int bits in random)
            bits = BitConverter.SingleToInt32Bits(_mean + (bits * scale));
    }

    // A random sign and fraction at the exponent for which ±[1, 2) has about the deviation.
    private void ToHalves(Span<ushort> random)
    {
        int exponent = Math.Clamp((int)MathF.Round(MathF.Log2(_deviation / 1.53f)) + 15, 1, 30);
        ushort high = (ushort)(exponent << 10);
        Span<Vector256<ushort>> whole = MemoryMarshal.Cast<ushort, Vector256<ushort>>(random);
        foreach (ref Vector256<ushort> bits in whole)
            bits = (bits & Vector256.Create((ushort)0x83FF)) | Vector256.Create(high);
        foreach (ref ushort bits in random[(whole.Length * Vector256<ushort>.Count)..])
            bits = (ushort)((bits & 0x83FF) | high);
    }

    private void SetAllScales(Span<byte> bytes)
    {
        for (; bytes.Length > 0; bytes = bytes[_blockBytes..])
            SetScales(bytes[.._blockBytes]);
    }

    private void SetScales(Span<byte> block)
    {
        switch (_type)
        {
            case GgmlType.Q8_0:
                WriteHalf(block, _deviation / 73.9f);
                break;
            case GgmlType.Q4_0:
                WriteHalf(block, RandomSign(block[2]) * _deviation / 4.64f);
                break;
            case GgmlType.Q5_0:
                WriteHalf(block, RandomSign(block[6]) * _deviation / 9.25f);
                break;
            case GgmlType.Q5_1:
                // w = d·q + m: the 32 levels lie evenly around 0.
                WriteHalf(block, _deviation / 9.23f);
                WriteHalf(block[2..], -15.5f * _deviation / 9.23f);
                break;
            case GgmlType.Q4_K:
                SetScalesOfSuperBlock(block, deviation: 4.61f, mean: 7.5f);
                break;
            case GgmlType.Q5_K:
                SetScalesOfSuperBlock(block, deviation: 9.23f, mean: 15.5f);
                break;
            case GgmlType.Q6_K:
                // 16 signed scales between 64 and 95 before the block's own.
                foreach (ref byte scale in block.Slice(192, 16))
                    scale = (byte)(RandomSign(scale) * (64 + (scale & 31)));
                WriteHalf(block[208..], _deviation / (18.5f * 80));
                break;
            default:
                throw new NotSupportedException($"No random weights are made for {_type}.");
        }
    }

    // w = d·scale·q − dmin·min: with min = scale and dmin = d times the mean of q, the levels lie evenly around 0.
    private void SetScalesOfSuperBlock(Span<byte> block, float deviation, float mean)
    {
        float d = _deviation / (deviation * 48.4f);
        WriteHalf(block, d);
        WriteHalf(block[2..], mean * d);
        Span<byte> packed = block.Slice(4, 12);
        Span<byte> scales = stackalloc byte[8];
        for (int i = 0; i < scales.Length; i++)
            scales[i] = (byte)(32 + (packed[i] & 31));
        for (int i = 0; i < 4; i++)
        {
            // The upper two bits of scales 4 to 7 ride on those of 0 to 3, their lower four share a byte.
            packed[i] = (byte)(scales[i] | ((scales[i + 4] >> 4) << 6));
            packed[i + 4] = packed[i];
            packed[i + 8] = (byte)((scales[i + 4] & 0xF) | ((scales[i + 4] & 0xF) << 4));
        }
    }

    private static float RandomSign(byte random) => 1 - (2 * (random & 1));

    private static void WriteHalf(Span<byte> destination, float value) => BinaryPrimitives.WriteHalfLittleEndian(destination, (Half)value);

    // Four xorshift generators side by side.
    private static void FillRandom(ulong seed, Span<byte> bytes)
    {
        Vector256<ulong> state = Vector256.Create(Mix(seed), Mix(seed + 1), Mix(seed + 2), Mix(seed + 3)) | Vector256<ulong>.One;
        Span<Vector256<ulong>> whole = MemoryMarshal.Cast<byte, Vector256<ulong>>(bytes);
        for (int i = 0; i < whole.Length; i++)
            whole[i] = state = Next(state);

        Span<byte> rest = bytes[(whole.Length * Vector256<byte>.Count)..];
        Vector256<ulong> last = Next(state);
        MemoryMarshal.AsBytes(new ReadOnlySpan<Vector256<ulong>>(in last))[..rest.Length].CopyTo(rest);
    }

    private static Vector256<ulong> Next(Vector256<ulong> state)
    {
        state ^= state << 13;
        state ^= state >> 7;
        return state ^ (state << 17);
    }

    // The finaliser of SplitMix64, by Sebastiano Vigna, in the public domain.
    private static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
