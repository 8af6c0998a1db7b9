using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

internal static unsafe partial class NativeMethods
{
    /// <summary>
    /// 0: done. 1: no KV slot for the batch. 2: aborted. −1: the batch is malformed. Below −1: fatal. After 2 and below −1 some of the
    /// batch may already lie in memory; after the others memory is as before.
    /// </summary>
    [LibraryImport(Llama)]
    public static partial int llama_decode(ContextHandle ctx, llama_batch batch);

    /// <summary>0: done, below 0: failed and memory is as before. For encoders: no KV cache is used.</summary>
    [LibraryImport(Llama)]
    public static partial int llama_encode(ContextHandle ctx, llama_batch batch);

    [LibraryImport(Llama)]
    public static partial void llama_synchronize(ContextHandle ctx);

    /// <summary>
    /// The logits [vocabulary] of the token at index <paramref name="i"/> of the last batch, which must have asked for output; negative
    /// indices count outputs from the end. Null for an index without output. Valid until the next decode. Waits for the computation.
    /// </summary>
    [LibraryImport(Llama)]
    public static partial float* llama_get_logits_ith(ContextHandle ctx, int i);

    /// <summary>Like <see cref="llama_get_logits_ith"/>: the embedding [embedding size] of one token.</summary>
    [LibraryImport(Llama)]
    public static partial float* llama_get_embeddings_ith(ContextHandle ctx, int i);

    /// <summary>
    /// The pooled embedding [embedding size] of a sequence, or [classes] scores with <see cref="llama_pooling_type.RANK"/>; null without
    /// pooling. Valid until the next decode.
    /// </summary>
    [LibraryImport(Llama)]
    public static partial float* llama_get_embeddings_seq(ContextHandle ctx, int seq_id);
}
