using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Runtime;

/// <summary>A batch as llama.cpp takes it: it points into pinned arrays that never move, so it is built once, and a step only sets the count.</summary>
internal sealed unsafe class NativeBatch
{
    private readonly DecodeBatch _batch;
    private readonly int[] _sequenceCounts;
    private readonly nint[] _sequencePointers;
    private readonly llama_batch _native;

    public NativeBatch(DecodeBatch batch)
    {
        _batch = batch;
        _sequenceCounts = GC.AllocateArray<int>(batch.Capacity, pinned: true);
        _sequencePointers = GC.AllocateArray<nint>(batch.Capacity, pinned: true);
        Array.Fill(_sequenceCounts, 1);
        for (int i = 0; i < batch.Capacity; i++)
            _sequencePointers[i] = (nint)(Pinned(batch.Slots) + i);
        _native = new llama_batch
        {
            token = Pinned(batch.Tokens),
            pos = Pinned(batch.Positions),
            n_seq_id = Pinned(_sequenceCounts),
            seq_id = (int**)Pinned(_sequencePointers),
            logits = (sbyte*)Pinned(batch.WantsLogits),
        };
    }

    /// <summary>With the tokens that are in the batch now; valid as long as this object lives.</summary>
    public llama_batch Filled => _native with { n_tokens = _batch.Count };

    private static T* Pinned<T>(T[] array)
        where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array));
}
