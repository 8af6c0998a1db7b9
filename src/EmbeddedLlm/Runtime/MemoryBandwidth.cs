using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EmbeddedLlm.Runtime;

/// <summary>
/// How fast main memory is read by all cores that the process may use, in bytes per second. To make one token each weight is read once, so a model whose tokens read so many bytes makes at most this many
/// bytes' worth of tokens in a second; fewer where the cores are too few to compute that fast.
/// </summary>
internal static class MemoryBandwidth
{
    // Far more than caches hold.
    private const int BufferBytes = 128 << 20;

    // Read in less time than a thread is left to run in one piece.
    private const int PieceBytes = 2 << 20;

    // What a core multiplies of weights in four to eight bits, in bytes a second: Qwen2.5-0.5B's shape at Q4_K_M, one thread of an AMD EPYC with AVX-512, 32 tokens a second of 0.4 GB.
    private const double DecodedPerCore = 12e9;

    private static readonly TimeSpan Duration = TimeSpan.FromMilliseconds(150);

    /// <summary>The bytes of weights that all cores together read and multiply in a second: the bandwidth as measured, or what so many cores compute where that is less. As <see cref="Measure"/> otherwise.</summary>
    public static double EstimateDecoding() => Math.Min(Measure(), Math.Max(1, CpuCores.CountUsable()) * DecodedPerCore);

    /// <summary>
    /// Measures for some 150 ms, after a buffer of 128 MiB was filled. Blocks the caller. Others that read memory at the same time lower the result; those that merely compute do not, since of
    /// each core the median of many short pieces counts.
    /// </summary>
    public static double Measure()
    {
        int threads = Math.Max(1, CpuCores.CountUsable());
        using Buffer buffer = new(BufferBytes);
        int part = Math.Max(PieceBytes, BufferBytes / threads / PieceBytes * PieceBytes);
        double[] rates = new double[threads];
        long start = Stopwatch.GetTimestamp();
        Thread[] readers = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            int index = i;
            int offset = (int)((long)i * part % BufferBytes);
            readers[i] = new Thread(() => rates[index] = ReadFor(buffer, offset, part, start)) { IsBackground = true, Name = "EmbeddedLlm bandwidth" };
        }

        foreach (Thread reader in readers)
            reader.Start();
        foreach (Thread reader in readers)
            reader.Join();
        return rates.Sum();
    }

    // The median of the pieces' rates.
    private static double ReadFor(Buffer buffer, int offset, int length, long start)
    {
        List<double> seconds = [];
        int position = 0;
        do
        {
            long piece = Stopwatch.GetTimestamp();
            buffer.Sink(Sum(buffer.Span.Slice(offset + position, PieceBytes)));
            seconds.Add(Stopwatch.GetElapsedTime(piece).TotalSeconds);
            position = (position + PieceBytes) % length;
        }
        while (Stopwatch.GetElapsedTime(start) < Duration);
        seconds.Sort();
        return PieceBytes / seconds[seconds.Count / 2];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static ulong Sum(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<Vector<ulong>> vectors = MemoryMarshal.Cast<byte, Vector<ulong>>(bytes);
        // Four sums, so that none waits for the one before it.
        Vector<ulong> a = default, b = default, c = default, d = default;
        int i = 0;
        for (; i + 4 <= vectors.Length; i += 4)
        {
            a += vectors[i];
            b += vectors[i + 1];
            c += vectors[i + 2];
            d += vectors[i + 3];
        }

        return Vector.Sum(a + b + c + d);
    }

    /// <summary>Memory whose pages are all there: of pages that were never written the kernel has one for all.</summary>
    private sealed unsafe class Buffer : IDisposable
    {
        private readonly void* _memory;
        private readonly int _length;
        private ulong _sink;

        public Buffer(int length)
        {
            _length = length;
            _memory = NativeMemory.AlignedAlloc((nuint)length, 64);
            Span.Fill(1);
        }

        public Span<byte> Span => new(_memory, _length);

        /// <summary>Keeps the compiler from leaving out a sum that nobody looks at.</summary>
        public void Sink(ulong sum) => Volatile.Write(ref _sink, sum);

        public void Dispose() => NativeMemory.AlignedFree(_memory);
    }
}
