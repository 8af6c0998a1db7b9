using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EmbeddedLlm.Runtime;

/// <summary>
/// What llama.cpp asks between two operations of a step: whether to give the step up. Any thread may want that; a deadline is set by the thread that computes. Must live as long as the context
/// that has its <see cref="Data"/>.
/// </summary>
internal sealed unsafe class StepAbort
{
    private const int Request = 0;
    private const int Deadline = 1;
    private const int Questions = 2;

    // Each layer has a dozen operations or more. Those of a small model take microseconds, so that to read the clock for each would be a hundredth of them.
    private const int QuestionsPerReading = 8;

    // Pinned, since native code has its address.
    private readonly long[] _state = GC.AllocateArray<long>(3, pinned: true);

    /// <summary>The function to give a context for its abort callback.</summary>
    public static delegate* unmanaged[Cdecl]<void*, byte> Callback => &ShouldAbort;

    /// <summary>What to give a context for its abort callback's data.</summary>
    public void* Data => Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_state));

    /// <summary>Has the step that runs given up, or the next one where none does.</summary>
    public void RequestNow() => Volatile.Write(ref _state[Request], 1);

    /// <summary>Has a step that is about to begin given up when it lasts until then.</summary>
    /// <param name="timestamp">As <see cref="Stopwatch.GetTimestamp"/> has it; null for a step that may take any time.</param>
    public void SetDeadline(long? timestamp) => Volatile.Write(ref _state[Deadline], timestamp ?? 0);

    /// <summary>Forgets what was wanted of the step that has ended.</summary>
    /// <returns>Whether somebody had wanted it to be given up, whatever its deadline.</returns>
    public bool Reset() => Interlocked.Exchange(ref _state[Request], 0) != 0;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte ShouldAbort(void* state)
    {
        long* values = (long*)state;
        if (Volatile.Read(ref values[Request]) != 0)
            return 1;
        long deadline = Volatile.Read(ref values[Deadline]);
        // By the one thread that computes the step with others.
        if (deadline == 0 || ++values[Questions] % QuestionsPerReading != 0)
            return 0;
        return Stopwatch.GetTimestamp() > deadline ? (byte)1 : (byte)0;
    }
}
