namespace EmbeddedLlm.Attention;

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
