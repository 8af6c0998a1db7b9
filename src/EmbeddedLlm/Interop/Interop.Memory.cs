using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

// A range of positions is [p0, p1); p0 < 0 means from the start, p1 < 0 to the end. The context's owner keeps its handle open meanwhile.
internal static unsafe partial class NativeMethods
{
    [LibraryImport(Llama)]
    public static partial void llama_memory_clear(llama_memory_i* mem, [MarshalAs(UnmanagedType.U1)] bool data);

    /// <summary>False where a part of a sequence cannot be removed (recurrent state); a whole sequence always can. seq_id &lt; 0: any.</summary>
    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool llama_memory_seq_rm(llama_memory_i* mem, int seq_id, int p0, int p1);

    [LibraryImport(Llama)]
    public static partial void llama_memory_seq_cp(llama_memory_i* mem, int seq_id_src, int seq_id_dst, int p0, int p1);

    [LibraryImport(Llama)]
    public static partial void llama_memory_seq_keep(llama_memory_i* mem, int seq_id);

    [LibraryImport(Llama)]
    public static partial void llama_memory_seq_add(llama_memory_i* mem, int seq_id, int p0, int p1, int delta);

    /// <summary>The smallest position held for a sequence, −1 where it is empty. Above 0 as a rule only with sliding windows.</summary>
    [LibraryImport(Llama)]
    public static partial int llama_memory_seq_pos_min(llama_memory_i* mem, int seq_id);

    /// <summary>The largest position held for a sequence, −1 where it is empty.</summary>
    [LibraryImport(Llama)]
    public static partial int llama_memory_seq_pos_max(llama_memory_i* mem, int seq_id);

    [LibraryImport(Llama)]
    [return: MarshalAs(UnmanagedType.U1)]
    public static partial bool llama_memory_can_shift(llama_memory_i* mem);
}
