using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;

namespace EmbeddedLlm.Runtime;

/// <summary>
/// How fast main memory is read by all cores that the process may use, in bytes per second. To make one token each weight is read once, and on a CPU that is what takes the time; so a model whose tokens
/// read so many bytes makes at most this many bytes' worth of tokens in a second.
/// </summary>
internal static class MemoryBandwidth
{
    // Far more than caches hold.
    private const int BufferBytes = 128 << 20;
    private static readonly TimeSpan Duration = TimeSpan.FromMilliseconds(150);

    /// <summary>Measures for some 150 ms, after a buffer of 128 MiB was filled. Blocks the caller; others that compute at the same time lower the result.</summary>
    public static double Measure()
    {
        int threads = Math.Max(1, CpuCores.CountUsable());
        using Buffer buffer = new(BufferBytes);
        int part = BufferBytes / threads / 64 * 64;
        long total = 0;
        long start = Stopwatch.GetTimestamp();
        Thread[] readers = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            int offset = i * part;
            readers[i] = new Thread(() => Interlocked.Add(ref total, ReadFor(buffer, offset, part, start))) { IsBackground = true, Name = "EmbeddedLlm bandwidth" };
        }

        foreach (Thread reader in readers)
            reader.Start();
        foreach (Thread reader in readers)
            reader.Join();
        return total / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static long ReadFor(Buffer buffer, int offset, int length, long start)
    {
        long read = 0;
        do
        {
            buffer.Sink(Sum(buffer.Span.Slice(offset, length)));
            read += length;
        }
        while (Stopwatch.GetElapsedTime(start) < Duration);
        return read;
    }

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
