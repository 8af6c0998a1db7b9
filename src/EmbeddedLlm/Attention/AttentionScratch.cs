namespace EmbeddedLlm.Attention;

/// <summary>What one thread computes in, for the rows of a group and a block of cells.</summary>
internal unsafe struct AttentionScratch
{
    /// <summary>The cells that are computed at once: their keys and values stay in a core's first cache.</summary>
    public const int BlockLength = 64;

    // The most that vectors have.
    private const int SumWidth = 16;
    private const int Rows = AttentionWork.MostRows;

    /// <summary>[key length × cells], single precision.</summary>
    public float* Keys;

    /// <summary>[cells × value length], single precision, in the vectors' order.</summary>
    public float* Values;

    /// <summary>[cells × key or value length], half precision: the last cells where they are no whole block.</summary>
    public byte* Rest;

    /// <summary>[rows × cells]: the scores, then the weights.</summary>
    public float* Scores;

    /// <summary>[rows × value length], in the vectors' order: the weighted sums of values.</summary>
    public float* Sums;

    /// <summary>[rows × vector]: the sums of weights.</summary>
    public float* Weights;

    /// <summary>[rows]: the highest score.</summary>
    public float* Highest;

    /// <summary>[rows]: what the sums so far count times, now that there is a higher score.</summary>
    public float* Shrinks;

    /// <summary>[rows]: what the mask counts times.</summary>
    public float* Slopes;

    /// <summary>[tokens × cells]: the mask in single precision, of those that do not see all.</summary>
    public float* Masks;

    /// <summary>[rows]: where the queries are.</summary>
    public float** Queries;

    /// <summary>[rows]: the rows that see some of the block.</summary>
    public int* Seeing;

    /// <summary>[rows]: the masks of these; null where a row sees all.</summary>
    public float** SeeingMasks;

    public AttentionScratch(byte* memory, int keyLength, int valueLength)
    {
        byte* next = memory;
        Keys = (float*)Take(ref next, BlockLength * keyLength * sizeof(float));
        Values = (float*)Take(ref next, BlockLength * valueLength * sizeof(float));
        Rest = Take(ref next, BlockLength * Math.Max(keyLength, valueLength) * sizeof(ushort));
        Scores = (float*)Take(ref next, Rows * BlockLength * sizeof(float));
        Sums = (float*)Take(ref next, Rows * valueLength * sizeof(float));
        Weights = (float*)Take(ref next, Rows * SumWidth * sizeof(float));
        Highest = (float*)Take(ref next, Rows * sizeof(float));
        Shrinks = (float*)Take(ref next, Rows * sizeof(float));
        Slopes = (float*)Take(ref next, Rows * sizeof(float));
        Masks = (float*)Take(ref next, Rows * BlockLength * sizeof(float));
        Queries = (float**)Take(ref next, Rows * sizeof(float*));
        Seeing = (int*)Take(ref next, Rows * sizeof(int));
        SeeingMasks = (float**)Take(ref next, Rows * sizeof(float*));
        Size = (nint)(next - memory);
    }

    private nint Size { get; }

    public static nint SizeOf(int keyLength, int valueLength) => new AttentionScratch(null, keyLength, valueLength).Size;

    private static byte* Take(ref byte* next, int bytes)
    {
        byte* taken = next;
        next += (bytes + 63) / 64 * 64;
        return taken;
    }
}
