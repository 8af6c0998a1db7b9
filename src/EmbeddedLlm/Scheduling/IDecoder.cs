namespace EmbeddedLlm.Scheduling;

/// <summary>
/// What the scheduler needs of a model: compute a batch, read logits, forget cells. The seam between the engine and native code.
/// All members belong to the engine thread but <see cref="RequestAbort"/>, which any thread may call.
/// </summary>
internal interface IDecoder : IDisposable
{
    /// <summary>The number of logits in a row.</summary>
    int VocabularySize { get; }

    /// <summary>How many sequences may have cells at once, cached ones included; their slots are 0 … <see cref="MaxSequences"/> - 1.</summary>
    int MaxSequences { get; }

    /// <summary>Whether a slot's first cells can be used without the rest as a rule; false for recurrent models, whose state stands for all tokens so far.</summary>
    bool HasCellPerToken { get; }

    /// <summary>
    /// Whether a slot that has gone on cannot be relied on to share what it began with (recurrent and hybrid models, sliding windows), so that copies of it are to be kept on its way. Any thread.
    /// </summary>
    bool NeedsCheckpoints { get; }

    /// <summary>How many tokens, of all sequences together, the KV cache holds.</summary>
    int CellCount { get; }

    /// <summary>The batch to fill before <see cref="Decode"/>; the same object each time.</summary>
    DecodeBatch Batch { get; }

    /// <summary>
    /// Sets the adapters of the following decodes; before the first call there are none. Costs time with the next decode. What a slot's cells were computed with is the caller's business.
    /// </summary>
    void UseAdapters(AdapterSet adapters);

    /// <summary>
    /// Computes the batch. Unless the result is <see cref="DecodeResult.Done"/>, the cells of the batch's sequences are in doubt and have to be removed or
    /// cut back before the next call; and so are those of all slots where <see cref="HasCellPerToken"/> is false and the batch has several sequences. Never throws.
    /// </summary>
    DecodeResult Decode();

    /// <summary>The logits of a batch entry that asked for them, [vocabulary]; valid until the next <see cref="Decode"/>.</summary>
    ReadOnlySpan<float> GetLogits(int batchIndex);

    /// <summary>Forgets a slot's cells from a position to the end.</summary>
    /// <returns>False where the model's memory cannot be cut there (recurrent models); then only position 0 works.</returns>
    bool RemoveCells(int slot, int fromPosition);

    /// <summary>
    /// Zeroes the memory of all cells, of which no slot has any. Cells that are forgotten keep their numbers until others take their place, and where those are NaN they reach others: attention multiplies what it
    /// does not look at by zero, and so is a state begun anew.
    /// </summary>
    void Wipe();

    /// <summary>Whether a slot's first cells are all that computing on after them needs, seen from what the slot holds now.</summary>
    /// <param name="slot">A slot with at least so many cells.</param>
    /// <param name="count">How many cells, at least one.</param>
    bool CanShare(int slot, int count);

    /// <summary>Lets another slot, which has no cells, use a slot's first cells as its own. Nothing is computed or moved.</summary>
    /// <remarks>Only for counts that <see cref="CanShare"/> allows.</remarks>
    void CopyCells(int from, int to, int count);

    /// <summary>The bytes of a slot's state, as <see cref="TryGetState"/> gives it.</summary>
    long GetStateSize(int slot);

    /// <summary>Writes a slot's state, to be set by a decoder of the same model, options and build.</summary>
    /// <param name="slot">A slot with cells.</param>
    /// <param name="state">As long as <see cref="GetStateSize"/> says.</param>
    bool TryGetState(int slot, Span<byte> state);

    /// <summary>Fills a slot without cells with a state that was written by <see cref="TryGetState"/>. The bytes are trusted.</summary>
    /// <param name="slot">The slot; it has no cells where the state is refused.</param>
    /// <param name="count">How many tokens the state is of.</param>
    /// <param name="state">The state.</param>
    /// <returns>False where the state is not one of so many tokens, or does not fit the model.</returns>
    bool TrySetState(int slot, int count, ReadOnlySpan<byte> state);

    /// <summary>Makes the running <see cref="Decode"/>, or the next one where none runs, return <see cref="DecodeResult.Aborted"/> soon, where the device can. Any thread.</summary>
    void RequestAbort();

    /// <summary>Forgets a request to abort that came too late for the last <see cref="Decode"/>, so that the next one goes on.</summary>
    void ForgetAbort();
}

/// <summary>How a decode ended.</summary>
internal enum DecodeResult
{
    /// <summary>All entries are computed.</summary>
    Done,

    /// <summary>Ended early by <see cref="IDecoder.RequestAbort"/>.</summary>
    Aborted,

    /// <summary>No place was found for the batch in the KV cache.</summary>
    NoCells,

    /// <summary>The native computation failed.</summary>
    Failed,
}
