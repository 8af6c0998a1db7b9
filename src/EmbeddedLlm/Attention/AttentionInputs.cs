namespace EmbeddedLlm.Attention;

/// <summary>
/// What one operation of attention computes from: <c>output = softmax(scale · queries · keysᵀ + mask) · values</c> for each head, where several heads of queries may share one of keys and values. Strides are in
/// bytes, keys, values and the mask are half-precision numbers, all else is single precision. The memory is somebody else's.
/// </summary>
internal unsafe struct AttentionInputs
{
    /// <summary>The numbers of a head's query and key.</summary>
    public int KeyLength;

    /// <summary>The numbers of a head's value.</summary>
    public int ValueLength;

    /// <summary>The heads of queries; a multiple of <see cref="KvHeads"/>.</summary>
    public int Heads;

    /// <summary>The heads of keys and values.</summary>
    public int KvHeads;

    /// <summary>The tokens that ask.</summary>
    public int Tokens;

    /// <summary>The cells that are looked at.</summary>
    public int Cells;

    public byte* Queries;
    public nint QueryTokenStride;
    public nint QueryHeadStride;

    public byte* Keys;
    public nint KeyCellStride;
    public nint KeyHeadStride;

    public byte* Values;
    public nint ValueCellStride;
    public nint ValueHeadStride;

    /// <summary>[tokens × cells], what is added to the scores: 0 where a token sees a cell, minus infinity where it does not. Null where each token sees all.</summary>
    public byte* Mask;
    public nint MaskTokenStride;

    /// <summary>A score for each head that takes a share of the attention and gives no value (StreamingLLM's sinks); null for none.</summary>
    public float* Sinks;

    /// <summary>[tokens × heads × <see cref="ValueLength"/>], without gaps.</summary>
    public float* Output;

    public float Scale;

    /// <summary>Above 0, the mask counts times a slope that falls from head to head: ALiBi (Press et al. 2021), as ggml has it.</summary>
    public float MaxBias;

    /// <summary>Above 0, scores are bent to stay within plus and minus this (Gemma 2): <c>cap · tanh(score / cap)</c>.</summary>
    public float Softcap;

    /// <summary>The heads of queries that share one of keys and values.</summary>
    public readonly int HeadsPerKv => Heads / KvHeads;

    public readonly float* Query(int token, int head) => (float*)(Queries + (token * QueryTokenStride) + (head * QueryHeadStride));

    public readonly float* Result(int token, int head) => Output + ((((nint)token * Heads) + head) * ValueLength);

    /// <summary>What a head's mask counts times.</summary>
    public readonly float SlopeOf(int head)
    {
        if (MaxBias <= 0)
            return 1;
        int power = 1 << int.Log2(Heads);
        return head < power
            ? MathF.Pow(MathF.Pow(2, -MaxBias / power), head + 1)
            : MathF.Pow(MathF.Pow(2, -MaxBias / 2 / power), (2 * (head - power)) + 1);
    }
}
