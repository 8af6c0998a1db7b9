using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace EmbeddedLlm.Sampling;

/// <summary>
/// One row of logits and the tokens allowed in it, seen in blocks of 64 tokens: one word of the mask each. The maximum of each block,
/// found in one pass, tells later passes which blocks can hold a token worth looking at.
/// </summary>
/// <remarks>NaN counts as negative infinity, and a token with negative infinity as not allowed.</remarks>
internal readonly ref partial struct LogitBlocks
{
    public const int BlockSize = 64;

    // 1, 2, 4, … : the bit of each lane in the part of a mask word that belongs to a vector.
    private static readonly Vector<int> LaneBits = new([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768]);

    private readonly ReadOnlySpan<float> _logits;
    private readonly ReadOnlySpan<float> _tail;
    private readonly ReadOnlySpan<ulong> _allowed;
    private readonly bool _masked;
    private readonly int _whole;

    /// <param name="logits">One number per token.</param>
    /// <param name="allowed">One bit per token, lowest first. Empty allows all; tokens beyond its end are not allowed.</param>
    /// <param name="tail">Room for one block: the last one is filled up to 64 tokens there, so that no loop needs an end of its own.</param>
    public LogitBlocks(ReadOnlySpan<float> logits, ReadOnlySpan<ulong> allowed, Span<float> tail)
    {
        _logits = logits;
        _allowed = allowed;
        _masked = !allowed.IsEmpty;
        _whole = logits.Length / BlockSize;
        int rest = logits.Length % BlockSize;
        Count = BlocksFor(logits.Length);
        if (rest > 0)
        {
            tail = tail[..BlockSize];
            tail.Fill(float.NegativeInfinity);
            logits[^rest..].CopyTo(tail);
            _tail = tail;
        }
    }

    public int Count { get; }

    /// <summary>The number of tokens, allowed or not.</summary>
    public int TokenCount => _logits.Length;

    public static int BlocksFor(int tokens) => tokens / BlockSize + (tokens % BlockSize == 0 ? 0 : 1);

    /// <summary>The logits of a block, with negative infinity beyond the last token. Those of tokens that are not allowed are there as well.</summary>
    public ReadOnlySpan<float> this[int block] => block < _whole ? _logits.Slice(block * BlockSize, BlockSize) : _tail;

    /// <summary>Writes the greatest allowed logit of each block and returns the greatest of all; negative infinity where there is none.</summary>
    public float Maxima(Span<float> maxima)
    {
        maxima = maxima[..Count];
        float greatest = float.NegativeInfinity;
        for (int block = 0; block < maxima.Length; block++)
        {
            ulong allowed = Allowed(block);
            float maximum = allowed switch
            {
                0 => float.NegativeInfinity,
                ulong.MaxValue => Maximum(this[block]),
                _ => Maximum(this[block], allowed),
            };
            maxima[block] = maximum;
            if (maximum > greatest)
                greatest = maximum;
        }

        return greatest;
    }

    /// <summary>The lowest allowed token whose logit is the given one, the greatest of all.</summary>
    public int IndexOf(float logit, ReadOnlySpan<float> maxima)
    {
        int block = maxima[..Count].IndexOf(logit);
        return block < 0 ? -1 : block * BlockSize + BitOperations.TrailingZeroCount(AtLeast(this[block], logit) & Allowed(block));
    }

    /// <summary>Appends every allowed token whose logit is at least the threshold. Blocks with a lower maximum are not looked at.</summary>
    /// <param name="threshold">The least logit.</param>
    /// <param name="below">Leaves out what is at least this; NaN leaves out nothing.</param>
    /// <param name="maxima">The greatest logit of each block.</param>
    /// <param name="candidates">Where to put them, see <see cref="Candidate"/>.</param>
    /// <returns>How many were appended.</returns>
    public int Collect(float threshold, float below, ReadOnlySpan<float> maxima, Span<ulong> candidates)
    {
        maxima = maxima[..Count];
        int count = 0;
        for (int block = 0; block < maxima.Length; block++)
        {
            if (!(maxima[block] >= threshold))
                continue;
            ReadOnlySpan<float> logits = this[block];
            ulong hits = AtLeast(logits, threshold) & Allowed(block);
            if (maxima[block] >= below)
                hits &= ~AtLeast(logits, below);
            for (; hits != 0; hits &= hits - 1)
            {
                int i = BitOperations.TrailingZeroCount(hits);
                candidates[count++] = Candidate.Create(logits[i], block * BlockSize + i);
            }
        }

        return count;
    }

    /// <summary>
    /// Writes the sum of <c>2^((x - origin) · scale)</c> over the allowed tokens of each block, and returns the sum of all. Blocks in which
    /// no token has 2⁻⁴⁰ of the first's weight count as 0: even a million of them together are less than 1e-6 of the whole.
    /// </summary>
    public double Weigh(float origin, float scale, ReadOnlySpan<float> maxima, Span<float> sums)
    {
        maxima = maxima[..Count];
        sums = sums[..Count];
        Span<float> weights = stackalloc float[BlockSize];
        double total = 0;
        for (int block = 0; block < maxima.Length; block++)
        {
            float sum = 0f;
            if ((maxima[block] - origin) * scale >= -40f)
            {
                WeighBlock(block, origin, scale, weights);
                sum = Exponential.SumBlock(weights);
            }

            sums[block] = sum;
            total += sum;
        }

        return total;
    }

    /// <summary>Writes <c>2^((x - origin) · scale)</c> for the 64 tokens of a block, 0 for those that are not allowed.</summary>
    public void WeighBlock(int block, float origin, float scale, Span<float> weights)
    {
        weights = weights[..BlockSize];
        Exponential.Weigh(this[block], origin, scale, weights);
        ulong allowed = Allowed(block);
        if (allowed == ulong.MaxValue)
            return;
        ref float first = ref MemoryMarshal.GetReference(weights);
        for (int i = 0; i < BlockSize; i += Vector<float>.Count)
            Vector.ConditionalSelect(Banned(allowed, i), Vector<float>.Zero, Vector.LoadUnsafe(ref first, (nuint)i)).StoreUnsafe(ref first, (nuint)i);
    }

    private ulong Allowed(int block) => !_masked ? ulong.MaxValue : block < _allowed.Length ? _allowed[block] : 0;

    private static float Maximum(ReadOnlySpan<float> block)
    {
        ref float first = ref MemoryMarshal.GetReference(block);
        Vector<float> even = new(float.NegativeInfinity);
        Vector<float> odd = even;
        for (nuint i = 0; i < BlockSize; i += 2 * (nuint)Vector<float>.Count)
        {
            even = Greater(Vector.LoadUnsafe(ref first, i), even);
            odd = Greater(Vector.LoadUnsafe(ref first, i + (nuint)Vector<float>.Count), odd);
        }

        return Maximum(Greater(even, odd));
    }

    private static float Maximum(ReadOnlySpan<float> block, ulong allowed)
    {
        ref float first = ref MemoryMarshal.GetReference(block);
        Vector<float> maximum = new(float.NegativeInfinity);
        for (int i = 0; i < BlockSize; i += Vector<float>.Count)
        {
            Vector<float> logits = Vector.LoadUnsafe(ref first, (nuint)i);
            maximum = Greater(Vector.ConditionalSelect(Banned(allowed, i), new Vector<float>(float.NegativeInfinity), logits), maximum);
        }

        return Maximum(maximum);
    }

    /// <summary>All ones in the lanes of the tokens from i on that are not allowed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<int> Banned(ulong allowed, int i) => Vector.Equals(new Vector<int>((int)(allowed >> i)) & LaneBits, Vector<int>.Zero);

    /// <summary>The greater of each pair, the second where the first is NaN: a processor's own maximum differs in that from one to the next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Greater(Vector<float> value, Vector<float> maximum)
        => Vector.ConditionalSelect(Vector.GreaterThan(value, maximum), value, maximum);

    /// <summary>The greatest lane of a vector without NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Maximum(Vector<float> vector)
    {
        Vector128<float> four;
        if (Vector<float>.Count == Vector256<float>.Count)
        {
            Vector256<float> eight = vector.AsVector256();
            four = Vector128.MaxNative(eight.GetLower(), eight.GetUpper());
        }
        else if (Vector<float>.Count == Vector128<float>.Count)
        {
            four = vector.AsVector128();
        }
        else
        {
            float greatest = vector[0];
            for (int i = 1; i < Vector<float>.Count; i++)
                greatest = MathF.Max(greatest, vector[i]);
            return greatest;
        }

        four = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        four = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(1, 0, 3, 2)));
        return four.ToScalar();
    }

    /// <summary>One bit for each of the 64 logits that is at least the threshold.</summary>
    private static ulong AtLeast(ReadOnlySpan<float> block, float threshold)
    {
        ref float first = ref MemoryMarshal.GetReference(block);
        ulong bits = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            Vector256<float> thresholds = Vector256.Create(threshold);
            for (int i = 0; i < BlockSize; i += Vector256<float>.Count)
                bits |= (ulong)Vector256.GreaterThanOrEqual(Vector256.LoadUnsafe(ref first, (nuint)i), thresholds).ExtractMostSignificantBits() << i;
        }
        else
        {
            Vector128<float> thresholds = Vector128.Create(threshold);
            for (int i = 0; i < BlockSize; i += Vector128<float>.Count)
                bits |= (ulong)Vector128.GreaterThanOrEqual(Vector128.LoadUnsafe(ref first, (nuint)i), thresholds).ExtractMostSignificantBits() << i;
        }

        return bits;
    }
}
