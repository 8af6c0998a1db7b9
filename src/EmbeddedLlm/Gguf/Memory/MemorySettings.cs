namespace EmbeddedLlm.Gguf;

/// <summary>What a context is made with, as far as memory depends on it.</summary>
internal sealed record MemorySettings
{
    /// <summary>The KV cache's size in tokens.</summary>
    public required int CacheLength { get; init; }

    /// <summary>The sequences in the cache.</summary>
    public required int Sequences { get; init; }

    /// <summary>The most tokens in one step.</summary>
    public required int BatchSize { get; init; }

    /// <summary>The most tokens in one step that have logits.</summary>
    public required int Outputs { get; init; }

    public required GgmlType KeyType { get; init; }

    public required GgmlType ValueType { get; init; }

    /// <summary>Whether attention is one operation, in which the products of all queries and keys never lie in memory.</summary>
    public required bool FlashAttention { get; init; }

    /// <summary>Whether main memory has the weights in <see cref="AmxLayout"/>.</summary>
    public bool Amx { get; init; }

    /// <summary>The KV cache's cells: llama.cpp rounds up to a multiple of 256.</summary>
    public int Cells => (int)Math.Min(((long)CacheLength + 255) / 256 * 256, int.MaxValue);

    /// <summary>The tokens of the largest graph, as many for each sequence.</summary>
    public int GraphTokens => (int)Math.Min(((long)Math.Min(BatchSize, Cells) + Sequences - 1) / Sequences * Sequences, int.MaxValue);
}
