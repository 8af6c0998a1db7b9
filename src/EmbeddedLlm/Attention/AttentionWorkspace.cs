using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EmbeddedLlm.Attention;

/// <summary>The memory of one context's attention: what threads share, and what each computes in. It must live as long as native code has its address.</summary>
internal sealed unsafe class AttentionWorkspace
{
    private const int Alignment = 64;

    // Of a group with the most rows, as one token has them in latent attention with 128 heads: so many threads can compute it at once.
    private const int MostParts = 32;

    // Pinned, since native code has its address.
    private readonly byte[] _memory;

    /// <param name="threads">The most threads that may compute at once.</param>
    /// <param name="keyLength">The most numbers of a head's key.</param>
    /// <param name="valueLength">The most numbers of a head's value.</param>
    public AttentionWorkspace(int threads, int keyLength, int valueLength)
    {
        nint scratchSize = AttentionScratch.SizeOf(keyLength, valueLength);
        int partialCapacity = MostParts * AttentionWork.MostRows * AttentionWork.PartialLength(valueLength);
        nint partialSize = (nint)partialCapacity * sizeof(float);
        nint jobSize = (sizeof(AttentionJob) + Alignment - 1) / Alignment * Alignment;
        _memory = GC.AllocateArray<byte>(checked((int)(jobSize + partialSize + (threads * scratchSize) + Alignment)), pinned: true);
        byte* start = (byte*)(((nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_memory)) + Alignment - 1) / Alignment * Alignment);
        Job = (AttentionJob*)start;
        *Job = new AttentionJob
        {
            Threads = threads,
            KeyLength = keyLength,
            ValueLength = valueLength,
            PartialCapacity = partialCapacity,
            Partials = (float*)(start + jobSize),
            Scratch = start + jobSize + partialSize,
            ScratchSize = scratchSize,
        };
    }

    /// <summary>What the threads of an operation share.</summary>
    public AttentionJob* Job { get; }
}
