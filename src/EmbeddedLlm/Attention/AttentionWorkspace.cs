using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EmbeddedLlm.Attention;

/// <summary>The memory of one context's attention: what threads share, and what each computes in. It must live as long as native code has its address.</summary>
internal sealed unsafe class AttentionWorkspace
{
    private const int Alignment = 64;

    // 1 MB: parts of some thousand cells for the rows of a short prompt, of more for more.
    private const int PartialCapacity = 1 << 18;

    // Pinned, since native code has its address.
    private readonly byte[] _memory;

    /// <param name="threads">The most threads that may compute at once.</param>
    /// <param name="keyLength">The most numbers of a head's key.</param>
    /// <param name="valueLength">The most numbers of a head's value.</param>
    public AttentionWorkspace(int threads, int keyLength, int valueLength)
    {
        nint scratchSize = AttentionScratch.SizeOf(keyLength, valueLength);
        nint partialSize = PartialCapacity * sizeof(float);
        nint jobSize = (sizeof(AttentionJob) + Alignment - 1) / Alignment * Alignment;
        _memory = GC.AllocateArray<byte>(checked((int)(jobSize + partialSize + (threads * scratchSize) + Alignment)), pinned: true);
        byte* start = (byte*)(((nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_memory)) + Alignment - 1) / Alignment * Alignment);
        Job = (AttentionJob*)start;
        *Job = new AttentionJob
        {
            Threads = threads,
            KeyLength = keyLength,
            ValueLength = valueLength,
            PartialCapacity = PartialCapacity,
            Partials = (float*)(start + jobSize),
            Scratch = start + jobSize + partialSize,
            ScratchSize = scratchSize,
        };
    }

    /// <summary>What the threads of an operation share.</summary>
    public AttentionJob* Job { get; }
}

/// <summary>What the threads of an operation share. One operation runs at a time, and none begins before all threads have left the one before.</summary>
internal unsafe struct AttentionJob
{
    /// <summary>The first unit that no thread has taken.</summary>
    public int NextUnit;

    /// <summary>The threads that found no unit any more.</summary>
    public int Left;

    /// <summary>How many parts of each group are computed.</summary>
    public fixed int PartsDone[AttentionWork.MostDividedGroups];

    /// <summary>The threads that there is scratch memory for.</summary>
    public int Threads;

    public int KeyLength;
    public int ValueLength;
    public int PartialCapacity;
    public float* Partials;
    public byte* Scratch;
    public nint ScratchSize;
}

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
