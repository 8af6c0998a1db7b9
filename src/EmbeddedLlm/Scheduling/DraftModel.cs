using EmbeddedLlm.Sampling;

namespace EmbeddedLlm.Scheduling;

/// <summary>
/// A small model with the same tokens that guesses what a large one will say next (speculative decoding: Leviathan et al. 2023, arXiv:2211.17192, here with greedy guesses that
/// stand where sampling chooses them, so that the answer is the large model's own). All sequences that want guesses get them in one batch. Engine thread only.
/// </summary>
/// <remarks>Each slot of the large model has the same slot here. It knows of no adapters: where the large one has some, more guesses are wrong. What the small one has computed may lag behind, be less, or be lost: that costs guesses and nothing else.</remarks>
internal sealed class DraftModel : IDisposable
{
    /// <summary>A guess less probable than this ends the guessing: computing it in the large model would more often be in vain than not.</summary>
    private const float LeastProbability = 0.5f;

    private readonly IDecoder _decoder;
    private readonly int _vocabularySize;
    private readonly SamplerScratch _scratch;
    private readonly Slot[] _slots;
    private readonly List<Sequence> _guessing = [];
    private long _clock;

    /// <summary>Whether logits of this step were no numbers.</summary>
    private bool _isSpoiled;

    /// <summary>The cells that the guesses of this step may need.</summary>
    private int _promisedCells;

    /// <param name="decoder">The small model; owned from here on. It has a slot for each of the large one's.</param>
    /// <param name="vocabularySize">How many tokens the large model knows.</param>
    public DraftModel(IDecoder decoder, int vocabularySize)
    {
        _vocabularySize = vocabularySize;
        if (!decoder.HasCellPerToken)
            throw new ArgumentException("The memory of a draft model must be one that can be cut anywhere.", nameof(decoder));
        _decoder = decoder;
        _scratch = new SamplerScratch(decoder.VocabularySize);
        _slots = [.. Enumerable.Range(0, decoder.MaxSequences).Select(_ => new Slot())];
    }

    /// <summary>How many slots there are.</summary>
    public int SlotCount => _slots.Length;

    /// <summary>Guesses for all sequences that have room for guesses and none yet.</summary>
    /// <param name="sequences">The sequences of the step.</param>
    public void Guess(List<Sequence> sequences)
    {
        _clock++;
        _promisedCells = 0;
        _guessing.Clear();
        _decoder.Batch.Clear();
        foreach (Sequence sequence in sequences)
        {
            if (sequence is { LogitsIndex: >= 0, Draft: { Count: 0, Room: > 0 } })
                Plan(sequence);
        }

        while (_decoder.Batch.Count > 0)
        {
            if (_decoder.Decode() != DecodeResult.Done)
            {
                Forget();
                return;
            }

            _decoder.Batch.Clear();
            for (int i = _guessing.Count - 1; i >= 0; i--)
            {
                if (!TryExtend(_guessing[i]))
                    _guessing.RemoveAt(i);
            }

            if (_isSpoiled)
            {
                Cleanse();
                return;
            }
        }
    }

    /// <inheritdoc cref="IDecoder.RequestAbort"/>
    public void RequestAbort() => _decoder.RequestAbort();

    public void Dispose() => _decoder.Dispose();

    /// <summary>Plans to compute what the sequence has more than its slot here; where that is all, guesses follow.</summary>
    private void Plan(Sequence sequence)
    {
        Slot slot = _slots[sequence.Slot];
        ReadOnlySpan<int> tokens = sequence.Tokens.AsSpan(0, sequence.TokenCount);
        slot.LastUse = _clock;
        if (slot.Admission != sequence.Admission)
        {
            slot.Admission = sequence.Admission;
            slot.IsGivenUp = false;
            TakeLongestBeginning(sequence.Slot, tokens);
        }

        if (slot.IsGivenUp)
            return;

        // The last token is computed in any case: its logits are what is wanted.
        Cut(sequence.Slot, Math.Min(slot.CommonLength(tokens), tokens.Length - 1));
        int pending = tokens.Length - slot.Count;
        int count = Math.Min(pending, _decoder.Batch.Remaining);
        // The larger of two vocabularies has tokens that the other does not know.
        if (count == 0 || tokens.Slice(slot.Count, count).ContainsAnyExceptInRange(0, _decoder.VocabularySize - 1) || !TryMakeRoom(count + sequence.Draft!.Room))
            return;
        _decoder.Batch.Add(sequence.Slot, tokens.Slice(slot.Count, count), slot.Count, wantsLogits: count == pending);
        slot.Append(tokens.Slice(slot.Count, count));
        if (count < pending)
            return;
        slot.LogitsIndex = _decoder.Batch.Count - 1;
        _promisedCells += sequence.Draft.Room;
        _guessing.Add(sequence);
    }

    /// <summary>Takes the next guess from the logits, and plans to compute it where another may follow.</summary>
    private bool TryExtend(Sequence sequence)
    {
        Slot slot = _slots[sequence.Slot];
        MostProbable next = MostProbable.Of(_decoder.GetLogits(slot.LogitsIndex), _scratch);
        slot.IsGivenUp = next.Token < 0;
        _isSpoiled |= slot.IsGivenUp;
        if (slot.IsGivenUp || next.Token >= _vocabularySize || next.Probability < LeastProbability)
            return false;
        sequence.Draft!.Add(next.Token);
        if (sequence.Draft.Room == 0 || _decoder.Batch.Remaining == 0)
            return false;
        _decoder.Batch.Add(sequence.Slot, [next.Token], slot.Count, wantsLogits: true);
        slot.Append([next.Token]);
        slot.LogitsIndex = _decoder.Batch.Count - 1;
        return true;
    }

    /// <summary>A slot that has changed hands begins with what any slot of earlier steps has computed of the new tokens.</summary>
    private void TakeLongestBeginning(int index, ReadOnlySpan<int> tokens)
    {
        int best = index, length = _slots[index].CommonLength(tokens);
        for (int other = 0; other < _slots.Length; other++)
        {
            // What is planned in this step is not computed yet.
            int common = _slots[other].LastUse == _clock ? 0 : _slots[other].CommonLength(tokens);
            if (common > length && _decoder.CanShare(other, common))
                (best, length) = (other, common);
        }

        if (best == index)
            return;
        Cut(index, 0);
        if (!TryMakeRoom(length, kept: best))
            return;
        _decoder.CopyCells(best, index, length);
        _slots[index].Append(tokens[..length]);
    }

    /// <summary>Sees to it that so many cells are free, if need be by forgetting slots that have no part in this step. Shared cells count several times, so there may be more.</summary>
    private bool TryMakeRoom(int count, int kept = -1)
    {
        while (CountCells() + _promisedCells + count > _decoder.CellCount)
        {
            int oldest = -1;
            for (int i = 0; i < _slots.Length; i++)
            {
                if (i != kept && _slots[i].Count > 0 && _slots[i].LastUse < _clock && (oldest < 0 || _slots[i].LastUse < _slots[oldest].LastUse))
                    oldest = i;
            }

            if (oldest < 0)
                return false;
            Cut(oldest, 0);
        }

        return true;
    }

    private long CountCells()
    {
        long count = 0;
        foreach (Slot slot in _slots)
            count += slot.Count;
        return count;
    }

    private void Cut(int index, int count)
    {
        if (count >= _slots[index].Count)
            return;
        _slots[index].Count = _decoder.RemoveCells(index, count) ? count : 0;
        if (_slots[index].Count < count)
            _decoder.RemoveCells(index, 0);
    }

    /// <summary>After logits that are no numbers: whoever had them may have made them so, and gets no more guesses; all others begin anew in a memory without them.</summary>
    private void Cleanse()
    {
        Forget();
        _decoder.Wipe();
        _isSpoiled = false;
    }

    /// <summary>After a failure nothing here is certain.</summary>
    private void Forget()
    {
        _guessing.Clear();
        for (int i = 0; i < _slots.Length; i++)
        {
            _decoder.RemoveCells(i, 0);
            _slots[i].Count = 0;
        }
    }

    /// <summary>What the small model has computed in a slot.</summary>
    private sealed class Slot
    {
        private int[] _tokens = [];

        /// <summary>The <see cref="Sequence.Admission"/> of who has the slot, or had it last. Not the sequence: it would be kept alive, and with it the model that its request belongs to.</summary>
        public long Admission { get; set; }

        public int Count { get; set; }

        public int LogitsIndex { get; set; }

        /// <summary>Whether its logits were no numbers.</summary>
        public bool IsGivenUp { get; set; }

        public long LastUse { get; set; }

        public int CommonLength(ReadOnlySpan<int> tokens) => tokens.CommonPrefixLength(_tokens.AsSpan(0, Count));

        public void Append(ReadOnlySpan<int> tokens)
        {
            if (_tokens.Length < Count + tokens.Length)
                Array.Resize(ref _tokens, Math.Max(Count + tokens.Length, _tokens.Length * 2));
            tokens.CopyTo(_tokens.AsSpan(Count));
            Count += tokens.Length;
        }
    }
}
