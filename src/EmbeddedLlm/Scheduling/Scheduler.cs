using System.Buffers;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Scheduling;

/// <summary>
/// Continuous batching: sequences join and leave between steps, and each step computes the next tokens of all of them together.
/// A step is Plan, Decode, Commit. <see cref="Step"/> belongs to the engine thread; <see cref="Submit"/> and cancellation come from any thread.
/// </summary>
internal sealed class Scheduler
{
    private readonly IDecoder _decoder;
    private readonly Vocabulary _vocabulary;
    private readonly RequestQueue _queue;
    private readonly KvCachePool _cells;
    private readonly SamplerScratch _scratch;
    private readonly List<Sequence> _running = [];
    private readonly List<Sequence> _planned = [];
    private readonly ArrayBufferWriter<byte> _text = new();
    private readonly Action<object?> _cancel;
    private readonly Action _wake;
    private readonly ulong[] _mask;
    private int _firstPrefill;

    /// <summary>The sequence that has the greater part of the running decode; its cancellation aborts that decode.</summary>
    private Sequence? _dominant;

    /// <param name="decoder">The model; not owned.</param>
    /// <param name="vocabulary">Its tokens.</param>
    /// <param name="contextLength">The longest prompt and answer together, in tokens.</param>
    /// <param name="queueCapacity">How many requests may wait.</param>
    /// <param name="wake">Called, on any thread, when there may be something to do.</param>
    public Scheduler(IDecoder decoder, Vocabulary vocabulary, int contextLength, int queueCapacity, Action wake)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(contextLength, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(contextLength, decoder.CellCount);
        ArgumentOutOfRangeException.ThrowIfNotEqual(vocabulary.Count, decoder.VocabularySize);
        _decoder = decoder;
        _vocabulary = vocabulary;
        _queue = new RequestQueue(queueCapacity);
        _cells = new KvCachePool(decoder.MaxSequences, decoder.CellCount);
        _scratch = new SamplerScratch(decoder.VocabularySize);
        _mask = new ulong[TokenMask.WordsFor(decoder.VocabularySize)];
        _wake = wake;
        _cancel = static state => ((Cancellable)state!).Cancel();
        ContextLength = contextLength;
    }

    public int ContextLength { get; }

    /// <summary>The sequences that have a slot. Exact on the engine thread only.</summary>
    public int RunningCount => _running.Count;

    public int WaitingCount => _queue.Count;

    /// <summary>Enqueues a request and returns at once; the answer comes through the stream.</summary>
    /// <exception cref="ContextOverflowException">The prompt leaves no room for an answer.</exception>
    /// <exception cref="QueueFullException">Too many requests wait.</exception>
    /// <exception cref="ObjectDisposedException">The engine is stopped.</exception>
    public GenerationStream Submit(GenerationRequest request, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Prompt.Length, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxOutputTokens, 1);
        foreach (int token in request.Prompt)
        {
            if ((uint)token >= (uint)_vocabulary.Count)
                throw new ArgumentOutOfRangeException(nameof(request), token, $"The vocabulary has {_vocabulary.Count} tokens.");
        }

        if (request.Prompt.Length >= ContextLength)
            throw new ContextOverflowException(request.Prompt.Length, ContextLength);
        cancellationToken.ThrowIfCancellationRequested();

        Sequence sequence = new(request, ContextLength);
        if (cancellationToken.CanBeCanceled)
            sequence.Cancellation = cancellationToken.UnsafeRegister(_cancel, new Cancellable(this, sequence, cancellationToken));
        if (!_queue.TryEnqueue(sequence))
        {
            sequence.Cancellation.Unregister();
            throw new QueueFullException(_queue.Capacity, _running.Count);
        }

        _wake();
        return sequence.Output;
    }

    /// <summary>Computes one step; false where there is nothing to compute.</summary>
    public bool Step()
    {
        Retire();
        Admit();
        if (!Plan())
            return false;
        DecodeResult result = Decode();
        if (result == DecodeResult.Done)
            Commit();
        else
            Undo(result);
        return true;
    }

    /// <summary>Refuses further requests and ends all there are with an exception.</summary>
    public void Close(Func<Exception> error)
    {
        foreach (Sequence sequence in _queue.Close())
        {
            sequence.Cancellation.Unregister();
            sequence.Output.TryFail(error());
        }

        EndAll(error);
    }

    /// <summary>Ends all running sequences with an exception; those that wait still get their turn.</summary>
    public void EndAll(Func<Exception> error)
    {
        for (int i = _running.Count - 1; i >= 0; i--)
        {
            _running[i].Output.TryFail(error());
            Leave(_running[i]);
        }
    }

    /// <summary>Throws where slots and cells do not match the running sequences.</summary>
    public void CheckIntegrity()
    {
        _cells.CheckIntegrity();
        int needed = 0;
        HashSet<int> slots = [];
        foreach (Sequence sequence in _running)
        {
            needed += sequence.CellsNeeded;
            if (!slots.Add(sequence.Slot))
                throw new InvalidOperationException($"Slot {sequence.Slot} is used twice.");
            if (sequence.ComputedCount > sequence.TokenCount || sequence.TokenCount - 1 > sequence.CellsNeeded)
                throw new InvalidOperationException($"{sequence.ComputedCount} of {sequence.TokenCount} tokens computed in {sequence.CellsNeeded} cells.");
        }

        if (needed + _cells.FreeCells != _cells.CellCount)
            throw new InvalidOperationException($"{needed} cells needed and {_cells.FreeCells} free of {_cells.CellCount}.");
    }

    /// <summary>Takes out the sequences whose callers have gone.</summary>
    private void Retire()
    {
        for (int i = _running.Count - 1; i >= 0; i--)
        {
            if (_running[i].Output.IsComplete)
                Leave(_running[i]);
        }
    }

    private void Admit()
    {
        while (_queue.TryPeek(out Sequence? sequence) && _cells.TryAcquire(sequence.CellsNeeded, out int slot))
        {
            _queue.Remove(sequence);
            sequence.Admit(slot, new Sampler(sequence.Request.Sampling));
            _running.Add(sequence);
            // What a grammar leaves no choice about at the beginning is computed together with the prompt.
            if (sequence.Constraint is not null)
                Extend(sequence, isSampled: false);
        }
    }

    /// <summary>Fills the batch: first one token of each sequence that decodes, then chunks of prompts, a different one first each time.</summary>
    private bool Plan()
    {
        DecodeBatch batch = _decoder.Batch;
        batch.Clear();
        _planned.Clear();
        foreach (Sequence sequence in _running)
        {
            if (sequence.IsDecoding)
                Plan(sequence, batch);
        }

        for (int i = 0; i < _running.Count; i++)
        {
            Sequence sequence = _running[(_firstPrefill + i) % _running.Count];
            if (!sequence.IsDecoding)
                Plan(sequence, batch);
        }

        _firstPrefill = _running.Count == 0 ? 0 : (_firstPrefill + 1) % _running.Count;
        return batch.Count > 0;
    }

    private void Plan(Sequence sequence, DecodeBatch batch)
    {
        int count = Math.Min(sequence.PendingCount, batch.Remaining);
        if (count == 0)
            return;
        bool isWhole = count == sequence.PendingCount;
        batch.Add(sequence.Slot, sequence.Pending(count), sequence.ComputedCount, wantsLogits: isWhole);
        sequence.PlannedCount = count;
        sequence.LogitsIndex = isWhole ? batch.Count - 1 : -1;
        _planned.Add(sequence);
    }

    private DecodeResult Decode()
    {
        foreach (Sequence sequence in _planned)
        {
            if (sequence.PlannedCount * 2 > _decoder.Batch.Count)
                Volatile.Write(ref _dominant, sequence);
        }

        // Which tokens may come next depends on known tokens only, so it is found out while the model computes.
        foreach (Sequence sequence in _planned)
        {
            if (sequence.LogitsIndex >= 0)
                sequence.Constraint?.BeginMask();
        }

        DecodeResult result = _decoder.Decode();
        Volatile.Write(ref _dominant, null);
        return result;
    }

    private void Commit()
    {
        foreach (Sequence sequence in _planned)
        {
            sequence.ComputedCount += sequence.PlannedCount;
            if (sequence.LogitsIndex >= 0 && !sequence.Output.IsComplete)
                Extend(sequence, isSampled: true);
        }
    }

    /// <summary>Appends the tokens that are decided now: the one sampled from the logits, and those that a grammar leaves no choice about. Hands out their text.</summary>
    private void Extend(Sequence sequence, bool isSampled)
    {
        GenerationEnd? end = null;
        _text.ResetWrittenCount();
        try
        {
            if (isSampled)
                end = sequence.AcceptSampled(Sample(sequence), _vocabulary, _text);
            if (end is null && sequence.Constraint is { } constraint)
                end = AcceptForced(sequence, constraint);
        }
        catch (EmbeddedLlmException exception)
        {
            sequence.Output.TryFail(exception);
            Leave(sequence);
            return;
        }

        sequence.Output.Append(_text.WrittenSpan);
        if (end is { } reason)
        {
            sequence.Output.TryComplete(sequence.Summarize(reason));
            Leave(sequence);
        }
    }

    private int Sample(Sequence sequence)
    {
        ReadOnlySpan<float> logits = _decoder.GetLogits(sequence.LogitsIndex);
        ConstrainedAnswer? constraint = sequence.Constraint;
        constraint?.WriteMask(_mask);
        while (true)
        {
            int token = sequence.Sampler!.Sample(logits, constraint is null ? [] : _mask, _scratch);
            if (token < 0)
            {
                throw new DecodeException(constraint is null
                    ? "The model gave no usable logits: each is NaN or minus infinity."
                    : "No token is left that the grammar and the sampling options both allow.");
            }

            if (constraint is null || constraint.TryAccept(token))
                return token;
            // Only a token that ends the reasoning and goes on with something else than the answer is refused here and not by the mask.
            _mask[token >> 6] &= ~(1UL << (token & 63));
        }
    }

    private GenerationEnd? AcceptForced(Sequence sequence, ConstrainedAnswer constraint)
    {
        foreach (int token in constraint.ForcedTokens())
        {
            if (!constraint.TryAccept(token))
                throw new InvalidOperationException($"Token {token} is forced and not allowed.");
            if (sequence.AcceptForced(token, _vocabulary, _text) is { } end)
                return end;
        }

        return null;
    }

    /// <summary>Makes good a step that did not finish: after an abort the step is planned again without the sequence that went; a failure ends the step's sequences.</summary>
    private void Undo(DecodeResult result)
    {
        foreach (Sequence sequence in _planned)
        {
            if (result == DecodeResult.Aborted)
            {
                if (!_decoder.RemoveCells(sequence.Slot, sequence.ComputedCount))
                {
                    _decoder.RemoveCells(sequence.Slot, 0);
                    sequence.ComputedCount = 0;
                }
            }
            else
            {
                sequence.Output.TryFail(new DecodeException(result == DecodeResult.NoCells
                    ? $"llama.cpp found no place in the KV cache for a batch of {_decoder.Batch.Count} tokens."
                    : $"llama.cpp failed to compute a batch of {_decoder.Batch.Count} tokens; its log says more."));
                Leave(sequence);
            }
        }
    }

    private void Leave(Sequence sequence)
    {
        sequence.Cancellation.Unregister();
        _decoder.RemoveCells(sequence.Slot, 0);
        _cells.Release(sequence.Slot);
        _running.Remove(sequence);
    }

    /// <summary>What a cancellation callback needs to know.</summary>
    private sealed class Cancellable(Scheduler scheduler, Sequence sequence, CancellationToken cancellationToken)
    {
        public void Cancel()
        {
            sequence.Output.TryFail(new OperationCanceledException(cancellationToken));
            if (Volatile.Read(ref scheduler._dominant) == sequence)
                scheduler._decoder.RequestAbort();
            scheduler._wake();
        }
    }
}
