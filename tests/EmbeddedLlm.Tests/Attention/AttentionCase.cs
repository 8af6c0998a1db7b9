using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using EmbeddedLlm.Attention;

namespace EmbeddedLlm.Tests.Attention;

/// <summary>One operation of attention in memory of its own, and what it should give, computed in double precision in the plainest way.</summary>
internal sealed unsafe class AttentionCase : IDisposable
{
    /// <summary>Behind the last cell: whoever reads it, gets no number.</summary>
    private const int GuardCells = 64;

    private readonly List<nint> _memory = [];
    private readonly AttentionWorkspace _workspace;
    private readonly int _vectorBits;
    private AttentionInputs _inputs;

    /// <param name="random">Where numbers come from.</param>
    /// <param name="vectorBits">The width of vectors.</param>
    /// <param name="keyLength">The numbers of a head's key.</param>
    /// <param name="valueLength">The numbers of a head's value.</param>
    /// <param name="heads">The heads of queries.</param>
    /// <param name="kvHeads">The heads of keys and values.</param>
    /// <param name="tokens">The tokens that ask.</param>
    /// <param name="cells">The cells.</param>
    /// <param name="threads">The threads that compute.</param>
    public AttentionCase(Random random, int vectorBits, int keyLength, int valueLength, int heads, int kvHeads, int tokens, int cells, int threads = 1)
    {
        _vectorBits = vectorBits;
        Threads = threads;
        _workspace = new AttentionWorkspace(Math.Max(1, threads), keyLength, valueLength);
        int keyStride = kvHeads * keyLength * sizeof(ushort);
        int valueStride = kvHeads * valueLength * sizeof(ushort);
        _inputs = new AttentionInputs
        {
            KeyLength = keyLength,
            ValueLength = valueLength,
            Heads = heads,
            KvHeads = kvHeads,
            Tokens = tokens,
            Cells = cells,
            Queries = (byte*)Allocate<float>(tokens * heads * keyLength),
            QueryTokenStride = heads * keyLength * sizeof(float),
            QueryHeadStride = keyLength * sizeof(float),
            Keys = (byte*)Allocate<Half>((cells + GuardCells) * kvHeads * keyLength),
            KeyCellStride = keyStride,
            KeyHeadStride = keyLength * sizeof(ushort),
            Values = (byte*)Allocate<Half>((cells + GuardCells) * kvHeads * valueLength),
            ValueCellStride = valueStride,
            ValueHeadStride = valueLength * sizeof(ushort),
            Output = Allocate<float>(tokens * heads * valueLength),
            Scale = 1 / MathF.Sqrt(keyLength),
        };
        for (int i = 0; i < tokens * heads * keyLength; i++)
            ((float*)_inputs.Queries)[i] = (float)((random.NextDouble() * 6) - 3);
        Fill((Half*)_inputs.Keys, cells * kvHeads * keyLength, GuardCells * kvHeads * keyLength);
        Fill((Half*)_inputs.Values, cells * kvHeads * valueLength, GuardCells * kvHeads * valueLength);

        void Fill(Half* halves, int count, int guards)
        {
            for (int i = 0; i < count; i++)
                halves[i] = (Half)((random.NextDouble() * 4) - 2);
            new Span<Half>(halves + count, guards).Fill(Half.NaN);
        }
    }

    public int Threads { get; }

    public ref AttentionInputs Inputs => ref _inputs;

    public Half* Key(int cell, int kvHead) => (Half*)(_inputs.Keys + (cell * _inputs.KeyCellStride) + (kvHead * _inputs.KeyHeadStride));

    public Half* Value(int cell, int kvHead) => (Half*)(_inputs.Values + (cell * _inputs.ValueCellStride) + (kvHead * _inputs.ValueHeadStride));

    /// <summary>The widths that this processor has.</summary>
    public static IEnumerable<int> Widths()
    {
        if (Simd256.IsSupported)
            yield return 256;
        if (Simd512.IsSupported)
            yield return 512;
    }

    /// <summary>Gives each token and cell what is added to the score.</summary>
    public AttentionCase Masked(Func<int, int, float> mask)
    {
        // Rows with a gap between them, as llama.cpp pads them.
        int stride = _inputs.Cells + 5;
        Half* halves = Allocate<Half>(stride * _inputs.Tokens);
        for (int token = 0; token < _inputs.Tokens; token++)
        {
            for (int cell = 0; cell < _inputs.Cells; cell++)
                halves[(token * stride) + cell] = (Half)mask(token, cell);
        }

        _inputs.Mask = (byte*)halves;
        _inputs.MaskTokenStride = stride * sizeof(ushort);
        return this;
    }

    public AttentionCase WithSinks(Random random)
    {
        _inputs.Sinks = Allocate<float>(_inputs.Heads);
        for (int head = 0; head < _inputs.Heads; head++)
            _inputs.Sinks[head] = (float)((random.NextDouble() * 8) - 4);
        return this;
    }

    /// <summary>[tokens × heads × value length], by the kernel, on so many threads at once.</summary>
    public float[] Compute()
    {
        int count = _inputs.Tokens * _inputs.Heads * _inputs.ValueLength;
        new Span<float>(_inputs.Output, count).Fill(float.NaN);
        Thread[] others = [.. Enumerable.Range(1, Math.Max(0, Threads - 1)).Select(thread => new Thread(() => ComputeOn(thread)))];
        foreach (Thread other in others)
            other.Start();
        ComputeOn(0);
        foreach (Thread other in others)
            other.Join();
        return new Span<float>(_inputs.Output, count).ToArray();
    }

    /// <summary>A thread's share.</summary>
    public void ComputeOn(int thread)
    {
        if (_vectorBits == 512)
            FlashAttention<Simd512, Vector512<float>>.Compute(_inputs, _workspace.Job, thread, Threads);
        else
            FlashAttention<Simd256, Vector256<float>>.Compute(_inputs, _workspace.Job, thread, Threads);
    }

    /// <summary>The same, by the formula.</summary>
    public double[] Expect()
    {
        int length = _inputs.ValueLength;
        double[] results = new double[_inputs.Tokens * _inputs.Heads * length];
        double[] scores = new double[_inputs.Cells];
        for (int row = 0; row < _inputs.Tokens * _inputs.Heads; row++)
        {
            int token = row / _inputs.Heads;
            int head = row % _inputs.Heads;
            for (int cell = 0; cell < _inputs.Cells; cell++)
                scores[cell] = ScoreOf(token, head, cell);
            double sink = _inputs.Sinks is null ? double.NegativeInfinity : _inputs.Sinks[head];
            double highest = Math.Max(sink, scores.Max());
            double sum = double.IsNegativeInfinity(sink) ? 0 : Math.Exp(sink - highest);
            for (int cell = 0; cell < _inputs.Cells; cell++)
            {
                if (double.IsNegativeInfinity(scores[cell]))
                    continue;
                double weight = Math.Exp(scores[cell] - highest);
                sum += weight;
                for (int i = 0; i < length; i++)
                    results[(row * length) + i] += weight * (double)Value(cell, head / _inputs.HeadsPerKv)[i];
            }

            for (int i = 0; i < length; i++)
                results[(row * length) + i] = sum == 0 ? 0 : results[(row * length) + i] / sum;
        }

        return results;
    }

    public void Dispose()
    {
        foreach (nint memory in _memory)
            NativeMemory.Free((void*)memory);
    }

    private double ScoreOf(int token, int head, int cell)
    {
        double mask = _inputs.Mask is null ? 0 : (double)((Half*)(_inputs.Mask + (token * _inputs.MaskTokenStride)))[cell];
        if (double.IsNegativeInfinity(mask))
            return mask;
        double product = 0;
        for (int i = 0; i < _inputs.KeyLength; i++)
            product += _inputs.Query(token, head)[i] * (double)Key(cell, head / _inputs.HeadsPerKv)[i];
        double score = product * _inputs.Scale;
        if (_inputs.Softcap > 0)
            score = _inputs.Softcap * Math.Tanh(score / _inputs.Softcap);
        return score + (mask * Slope(head));
    }

    /// <summary>The slopes of ALiBi's paper for a power of two of heads, and for others every second one of twice as many behind them.</summary>
    private double Slope(int head)
    {
        if (_inputs.MaxBias <= 0)
            return 1;
        int power = (int)Math.Pow(2, Math.Floor(Math.Log2(_inputs.Heads)));
        return head < power ? Math.Pow(2, -(double)_inputs.MaxBias * (head + 1) / power) : Math.Pow(2, -(double)_inputs.MaxBias * ((2 * (head - power)) + 1) / (2 * power));
    }

    private T* Allocate<T>(int count)
        where T : unmanaged
    {
        void* memory = NativeMemory.Alloc((nuint)count, (nuint)sizeof(T));
        _memory.Add((nint)memory);
        return (T*)memory;
    }
}
