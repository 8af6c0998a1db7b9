using System.Buffers;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Scheduling;

/// <summary>
/// Continuous batching: sequences join and leave between steps, and each step computes the next tokens of all of them together.
/// A step is Plan, Decode, Commit. <see cref="Step"/> belongs to the engine thread; <see cref="Submit"/> and cancellation come from any thread.
/// </summary>
internal sealed partial class Scheduler
{
    private readonly IDecoder _decoder;
    private readonly Vocabulary _vocabulary;
    private readonly RequestQueue _queue;
    private readonly KvCachePool _pool;
    private readonly PrefixCache _cache;
    private readonly AdapterTurns _turns;
    private readonly SchedulerLimits _limits;
    private readonly DraftModel? _draftModel;
    private readonly SamplerScratch _scratch;
    private readonly List<Sequence> _running = [];
    private readonly List<Sequence> _planned = [];

    // Who has an answer hears of it when the step's figures are there, so that it finds itself in them.
    private readonly List<GenerationStream> _answered = [];
    private readonly ArrayBufferWriter<byte> _text = new();
    private readonly TimeProvider _time;
    private readonly Action _wake;
    private readonly Func<TimeSpan, bool>? _awaitWake;
    private readonly Action<Sequence, Exception> _interrupted;
    private readonly EngineMeter _meter;
    private readonly PrefillPace _pace;
    private readonly WakePace _wakes;

    // Never more than a batch has tokens, so that each gets its next one in each step.
    private readonly int _mostRunning;

    private readonly ulong[] _mask;
    private long _admissions;
    private long _plans;

    /// <summary>The tokens of prompts, and of forced text, in the step.</summary>
    private int _promptTokens;

    /// <summary>The sequences that have a next token in the step.</summary>
    private int _nextTokens;

    /// <summary>Whether a sequence has started or left since the cached prefixes were last looked at.</summary>
    private bool _hasChanged;

    /// <summary>Counts what may make room for the first in the queue: sequences that leave, begin to share or have their prompt computed, and prefixes that are given up.</summary>
    private long _openings;

    /// <summary>The first in the queue when it did not fit, and <see cref="_openings"/> then: before there is another it will not fit either.</summary>
    private (Sequence? Sequence, long Openings) _blocked;

    /// <summary>What the decoder computes with.</summary>
    private AdapterSet _adapters = AdapterSet.None;

    /// <summary>Whether this step had logits without a number.</summary>
    private bool _isSpoiled;

    /// <summary>Whether it is not known whose numbers spoiled this step's.</summary>
    private bool _isInDoubt;

    /// <summary>The one sequence that the step computes, to see whether its logits are numbers when it is alone; null where there is no doubt.</summary>
    private Sequence? _suspect;

    /// <summary>Whether nothing else has been computed since the memory was wiped but what has had logits: only then are those of the suspect its own fault.</summary>
    private bool _isAlone;

    /// <summary>Held to look at <see cref="_dominant"/> and act on it, so that no request to abort comes when its decode has ended.</summary>
    private readonly Lock _abortGate = new();

    /// <summary>The sequence that has the greater part of the running decode; its cancellation aborts that decode.</summary>
    private Sequence? _dominant;

    /// <param name="decoder">The model; not owned.</param>
    /// <param name="vocabulary">Its tokens.</param>
    /// <param name="limits">How much to take on at once.</param>
    /// <param name="wake">Called, on any thread, when there may be something to do.</param>
    /// <param name="time">The clock of time limits; null for the system's.</param>
    /// <param name="modelId">The model's id in metrics.</param>
    /// <param name="draftModel">Guesses next tokens; not owned.</param>
    /// <param name="awaitWake">Waits so long at most for the next call of <paramref name="wake"/>, and says whether there was one; null where no step waits for more callers.</param>
    public Scheduler(
        IDecoder decoder, Vocabulary vocabulary, SchedulerLimits limits, Action wake, TimeProvider? time = null, string modelId = "", DraftModel? draftModel = null, Func<TimeSpan, bool>? awaitWake = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limits.ContextLength, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limits.ContextLength, decoder.CellCount);
        ArgumentOutOfRangeException.ThrowIfLessThan(limits.PrefillChunk, 1);
        ArgumentOutOfRangeException.ThrowIfNotEqual(vocabulary.Count, decoder.VocabularySize);
        _decoder = decoder;
        _vocabulary = vocabulary;
        _limits = limits;
        _pace = new PrefillPace(limits);
        _draftModel = draftModel;
        _mostRunning = Math.Min(limits.MaxRunning, decoder.Batch.Capacity);
        _queue = new RequestQueue(limits.QueueCapacity);
        _pool = new KvCachePool(decoder);
        _cache = new PrefixCache(decoder, _pool, limits.PrefixCells);
        _turns = new AdapterTurns(limits.StepsPerAdapterTurn);
        _scratch = new SamplerScratch(decoder.VocabularySize);
        _mask = new ulong[TokenMask.WordsFor(decoder.VocabularySize)];
        _wake = wake;
        _awaitWake = awaitWake;
        _interrupted = Interrupted;
        _time = time ?? TimeProvider.System;
        _wakes = new WakePace(_time, limits.WakeInterval);
        _meter = new EngineMeter(modelId, () => _queue.Count, decoder.CellCount);
    }

    /// <summary>What is done and was done. Any thread.</summary>
    public EngineMeter Meter => _meter;

    public int ContextLength => _limits.ContextLength;

    /// <summary>The sequences that have a slot. Exact on the engine thread only.</summary>
    public int RunningCount => _running.Count;

    /// <summary>The sequences that have a slot, in the order of their admission. Engine thread only.</summary>
    internal IReadOnlyList<Sequence> Running => _running;

    /// <summary>What finished sequences have left. Engine thread only.</summary>
    internal PrefixCache Cache => _cache;

    /// <summary>The slots that neither run nor are cached. Exact on the engine thread only.</summary>
    public int FreeSlots => _pool.FreeSlots;

    public int WaitingCount => _queue.Count;

    /// <summary>Whether no sequence runs or waits. Exact on the engine thread only.</summary>
    public bool IsEmpty => _running.Count == 0 && _queue.Count == 0;

    /// <summary>Enqueues a request and returns at once; the answer comes through the stream.</summary>
    /// <exception cref="ContextOverflowException">The prompt leaves no room for an answer.</exception>
    /// <exception cref="QueueFullException">Too many requests wait.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A token is not in the vocabulary, or an option is outside its range.</exception>
    /// <exception cref="ObjectDisposedException">The engine is stopped.</exception>
    /// <exception cref="DecodeException">The engine has failed for good.</exception>
    public GenerationStream Submit(GenerationRequest request, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Prompt.Length, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxOutputTokens, 1);
        foreach (int token in request.Prompt)
        {
            if ((uint)token >= (uint)_vocabulary.Count)
                throw new ArgumentOutOfRangeException(nameof(request), token, $"The vocabulary has {_vocabulary.Count} tokens.");
        }

        request.Sampling.Validate();
        if (request.Prompt.Length >= ContextLength)
            throw Refused(new ContextOverflowException(request.Prompt.Length, ContextLength));
        if (request.Prefix is { } prefix)
            EnsureFits(prefix, request.Adapters);
        cancellationToken.ThrowIfCancellationRequested();

        Sequence sequence = new(request, ContextLength, _decoder.HasCellPerToken ? _limits.DraftLength : 0);
        sequence.Interruption = new Interruption(sequence, _time, _interrupted, cancellationToken);
        try
        {
            if (!_queue.TryEnqueue(sequence))
                throw Refused(new QueueFullException(_queue.Capacity, _running.Count));
        }
        catch
        {
            sequence.Interruption.Release();
            throw;
        }

        _wake();
        return sequence.Output;
    }

    /// <summary>Computes one step; false where there is nothing to compute.</summary>
    public bool Step()
    {
        try
        {
            return StepSealed();
        }
        finally
        {
            foreach (GenerationStream stream in _answered)
                stream.Open();
            _answered.Clear();
        }
    }

    private bool StepSealed()
    {
        Retire();
        Admit();
        Start();
        Gather();
        if (_hasChanged && _running.Count > 0)
            EvictBystanders();
        _hasChanged = false;
        bool hasWork = Plan();
        if (!hasWork || _promptTokens > 0)
            _wakes.WakeLate();
        // Nobody waits then, and who did is not to be kept alive.
        if (!hasWork)
            _blocked = default;
        if (hasWork)
        {
            long startedAt = _time.GetTimestamp();
            DecodeResult result = Decode();
            if (result == DecodeResult.Done)
            {
                Observe(startedAt);
                _wakes.BeginStep(_planned.Count, mayWait: _promptTokens == 0);
                Commit();
            }
            else
            {
                Undo(result);
            }
        }

        _meter.Stepped(hasWork, _running.Count, _pool.UsedCells, _cache.CountCells());
        return hasWork;
    }

    /// <summary>Refuses further requests; those there are go on.</summary>
    public void Refuse() => _queue.Refuse();

    /// <summary>Refuses further requests and ends all there are with an exception. Nothing can be done with the scheduler afterwards: the cells go with the decoder.</summary>
    public void Close(Func<Exception> error)
    {
        foreach (Sequence sequence in _queue.Close(error))
            Abandon(sequence);
        foreach (Sequence sequence in _running)
            Abandon(sequence);
        _running.Clear();
        _meter.Stepped(hasComputed: false, running: 0, usedCells: 0, cachedCells: 0);
        _meter.Close();

        void Abandon(Sequence sequence)
        {
            sequence.Interruption?.Release();
            Fail(sequence, error());
        }
    }

    /// <summary>Ends all running sequences with an exception; those that wait still get their turn.</summary>
    /// <returns>How many there were.</returns>
    public int EndAll(Func<Exception> error)
    {
        int count = _running.Count;
        // Their callers come first: what follows may fail once more.
        foreach (Sequence sequence in _running)
            Fail(sequence, error());
        for (int i = count - 1; i >= 0; i--)
            Leave(_running[i], isKept: false);
        return count;
    }

    /// <summary>Throws where slots and cells do not match the running sequences.</summary>
    public void CheckIntegrity()
    {
        _pool.CheckIntegrity();
        _cache.CheckIntegrity();
        HashSet<int> slots = [];
        foreach (Sequence sequence in _running)
        {
            if (!slots.Add(sequence.Slot) || _cache.IsCached(sequence.Slot))
                throw new InvalidOperationException($"Slot {sequence.Slot} is used twice.");
            if (sequence.ComputedCount > sequence.TokenCount || sequence.ComputedCount != _pool.LengthOf(sequence.Slot))
                throw new InvalidOperationException($"{sequence.ComputedCount} of {sequence.TokenCount} tokens computed in {_pool.LengthOf(sequence.Slot)} cells.");
        }

        if (slots.Count + _cache.CachedSlots + _pool.FreeSlots != _pool.SlotCount)
            throw new InvalidOperationException($"{slots.Count} slots run, {_cache.CachedSlots} are cached and {_pool.FreeSlots} free of {_pool.SlotCount}.");
    }

    private DecodeResult Decode()
    {
        foreach (Sequence sequence in _planned)
        {
            // Where memory cannot be cut an abort costs the others all they have computed, which takes longer than the rest of the step.
            if ((sequence.PlannedCount + (sequence.Draft?.Count ?? 0)) * 2 <= _decoder.Batch.Count || (_planned.Count > 1 && !_decoder.HasCellPerToken))
                continue;
            SetDominant(sequence);
            // Whoever ended it before that did not see that it is the one.
            if (sequence.Output.IsComplete)
                _decoder.RequestAbort();
        }

        // Which tokens may come next depends on known tokens only, so it is found out while the model computes.
        foreach (Sequence sequence in _planned)
        {
            if (sequence.LogitsIndex >= 0)
                sequence.Constraint?.BeginMask();
        }

        if (!_adapters.Equals(_turns.Current))
        {
            _decoder.UseAdapters(_turns.Current);
            _adapters = _turns.Current;
        }

        _isAlone &= _suspect is not null;
        DecodeResult result = _decoder.Decode();
        _turns.Count();
        SetDominant(null);
        // An owner that stops the engine asks as well, and has said so elsewhere before.
        _decoder.ForgetAbort();
        return result;
    }

    private void SetDominant(Sequence? sequence)
    {
        lock (_abortGate)
            _dominant = sequence;
    }

    /// <summary>Ends a sequence's stay, in whatever way it ended.</summary>
    /// <param name="sequence">A running sequence.</param>
    /// <param name="isKept">Whether its cells are sound, so that later requests may use them.</param>
    private void Leave(Sequence sequence, bool isKept)
    {
        sequence.Interruption?.Release();
        _cache.Take(sequence.Slot, sequence.Adapters, sequence.Tokens, isKept);
        _running.Remove(sequence);
        _openings++;
        _hasChanged = true;
    }

    private void Fail(Sequence sequence, Exception exception)
    {
        if (!sequence.Output.TrySeal(exception))
            return;
        try
        {
            _meter.Failed(exception);
        }
        finally
        {
            sequence.Output.Open();
        }
    }

    private EmbeddedLlmException Refused(EmbeddedLlmException exception)
    {
        _meter.Failed(exception);
        return exception;
    }

    /// <summary>A sequence has ended from outside, on any thread.</summary>
    private void Interrupted(Sequence sequence, Exception exception)
    {
        _meter.Failed(exception);
        // So that nobody counts it among those that wait, and what it holds is let go of now and not when its turn would come.
        _queue.Remove(sequence);
        sequence.Interruption?.Release();
        lock (_abortGate)
        {
            if (_dominant == sequence)
                _decoder.RequestAbort();
        }

        _wake();
    }
}
