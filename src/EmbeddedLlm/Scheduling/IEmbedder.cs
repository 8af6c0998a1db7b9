namespace EmbeddedLlm.Scheduling;

/// <summary>
/// What the embedding engine needs of a model: compute a batch, read a vector per sequence. The seam between the engine and native code.
/// All members belong to the engine thread but the sizes and <see cref="RequestAbort"/>, which any thread may call.
/// </summary>
internal interface IEmbedder : IDisposable
{
    /// <summary>The numbers of one vector.</summary>
    int VectorLength { get; }

    /// <summary>How many inputs a batch may hold; their slots are 0 … <see cref="MaxSequences"/> - 1.</summary>
    int MaxSequences { get; }

    /// <summary>The most tokens of one input.</summary>
    int MaxTokens { get; }

    /// <summary>The tokens that several inputs together fill a batch with; one input alone may have more.</summary>
    int PackedTokens { get; }

    /// <summary>How the vectors of an input's pieces become the whole one's, where it is longer than a batch; null where an input has to be computed at once.</summary>
    PieceMerge? Merge { get; }

    /// <summary>The batch to fill before <see cref="Compute"/>; the same object each time. All tokens want an output.</summary>
    DecodeBatch Batch { get; }

    /// <summary>Computes the batch. Never throws.</summary>
    DecodeResult Compute();

    /// <summary>The pooled vector of a slot's tokens in the last batch, [<see cref="VectorLength"/>]; empty where there is none. Valid until the next <see cref="Compute"/>.</summary>
    ReadOnlySpan<float> GetVector(int slot);

    /// <summary>Forgets all tokens computed so far.</summary>
    void Clear();

    /// <summary>The same, and zeroes the memory: see <see cref="IDecoder.Wipe"/>.</summary>
    void Wipe();

    /// <summary>Makes the running <see cref="Compute"/>, or the next one where none runs, return <see cref="DecodeResult.Aborted"/> soon, where the device can. Any thread.</summary>
    void RequestAbort();

    /// <summary>Forgets a request to abort that came too late for the last <see cref="Compute"/>, so that the next one goes on.</summary>
    void ForgetAbort();
}

/// <summary>How the vectors of an input's pieces, each pooled alone, become the whole input's.</summary>
internal enum PieceMerge
{
    /// <summary>Their mean, weighted by their tokens.</summary>
    Mean,

    /// <summary>The first piece's.</summary>
    First,

    /// <summary>The last piece's.</summary>
    Last,
}
