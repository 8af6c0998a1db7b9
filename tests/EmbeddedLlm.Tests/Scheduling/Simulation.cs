using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>
/// Random requests that come, are cancelled, time out and fail at random moments, on a scheduler whose books are checked after each step. All that happens follows from the seed.
/// </summary>
internal sealed class Simulation
{
    private static readonly string[] s_beginnings =
    [
        "You are a helpful assistant. ", "You are a terse clerk who counts. ", "Answer in one word, please: ", "You are a helpful assistant, and a poet at that. ", "",
    ];

    private static readonly string[] s_questions =
        ["count to five", "is it raining?", "name a town, name a town, name", "what is a fox", "once upon a time there was a miller's son who", "why", "abcabcabcabc"];

    private readonly SimulatedModel _model;
    private readonly Random _random;
    private readonly ManualTime _time = new();
    private readonly FakeDecoder _decoder;
    private readonly Scheduler _scheduler;
    private readonly SchedulerLimits _limits;
    private readonly List<SimulatedRequest> _requests = [];
    private readonly List<SimulatedRequest> _live = [];
    private readonly List<SimulatedRequest> _answered = [];
    private readonly SimulationFigures _figures = new();
    private readonly SimulatedPrefixes? _prefixes;
    private TimeSpan _now;
    private int _abortRequests;
    private int _submitted;

    public Simulation(SimulatedModel model, int seed)
    {
        _model = model;
        _random = new Random(seed);
        int context = _random.Next(100, 160);
        int cells = context + _random.Next(0, 120);
        int slots = _random.Next(6, 12);
        _decoder = model.CreateDecoder(slots, cells, batch: _random.Next(6, 40));
        _decoder.OnDecode = _ => Decode();
        _limits = new SchedulerLimits
        {
            // In every other run, a tile is always worth it.
            Tile = seed % 2 == 0 ? default : new AttentionTile(8, CellCost: 100),
            ContextLength = context,
            QueueCapacity = _random.Next(6, 20),
            MaxRunning = _random.Next(4, slots + 1),
            PrefillChunk = _random.Next(4, 40),
            PrefixCells = _random.Next(80, cells),
            BystanderCells = _random.Next(2) == 0 ? int.MaxValue : _random.Next(cells),
            DraftLength = model.DraftLength,
            StepsPerAdapterTurn = model.HasAdapters ? _random.Next(1, 10) : 8,
            UsesPromptLookup = !model.HasDraftModel || _random.Next(2) == 0,
        };
        _scheduler = new Scheduler(_decoder, FakeDecoder.Vocabulary, _limits, () => { }, _time, draftModel: model.HasDraftModel ? CreateDraft(slots) : null);
        _prefixes = model.HasPrefixes ? new SimulatedPrefixes(_scheduler, _limits, _random, _figures) : null;
    }

    public SimulationFigures Run(int requests)
    {
        while (_submitted < requests || _live.Count > 0)
        {
            if (_submitted < requests)
                Arrive();
            if (_random.Next(50) == 0)
                CancelAny();
            if (_random.Next(4) == 0)
                Advance();
            if (_prefixes is not null && _random.Next(20) == 0)
                _prefixes.Change(Pick(s_beginnings), CreateAdapters());
            Step();
        }

        CheckEnd();
        return _figures;
    }

    private void Arrive()
    {
        int count = _random.Next(60) switch { 0 => _random.Next(2, 10), < 4 => 1, _ => 0 };
        for (; count > 0; count--)
            Submit();
    }

    private void Submit()
    {
        SimulatedRequest request = Create();
        _submitted++;
        int waiting = _live.Count(other => other.State is SimulatedState.Queued or SimulatedState.Preempted) + (_prefixes?.Waiting ?? 0);
        try
        {
            request.Submit(_scheduler);
            Assert.True(waiting < _limits.QueueCapacity && request.Prompt.Length < _limits.ContextLength);
            _live.Add(request);
            _requests.Add(request);
            _figures.Log(1, request.Id);
        }
        catch (QueueFullException)
        {
            Assert.True(waiting >= _limits.QueueCapacity, $"Refused where {waiting} wait and {_limits.QueueCapacity} may.");
            _figures.Refused++;
            request.Dispose();
        }
        catch (ContextOverflowException)
        {
            Assert.True(request.Prompt.Length >= _limits.ContextLength);
            _figures.Overflowed++;
            request.Dispose();
        }
    }

    private SimulatedRequest Create()
    {
        SimulatedRequest? before = _answered.Count > 0 && _random.Next(3) == 0 ? _answered[_random.Next(Math.Max(0, _answered.Count - 8), _answered.Count)] : null;
        int constraint = _random.Next(8) == 0 ? _random.Next(SimulatedModel.ConstraintCount) : -1;
        string prompt = before is null ? Pick(s_beginnings) + Pick(s_questions) + _random.Next(400) : $"{before.Prompt}{before.Text}\n{Pick(s_questions)}";
        // What a grammar forces may come before there are any numbers.
        if (_model.HasPoison && constraint < 0 && _random.Next(60) is < 4 and int poison)
            prompt = prompt.Insert(_random.Next(prompt.Length), (poison == 0 ? SimulatedModel.Poison : SimulatedModel.DraftPoison).ToString());
        return new SimulatedRequest
        {
            Id = _submitted,
            Prompt = prompt,
            Checkpoints = _random.Next(2) == 0 ? [] : [_random.Next(prompt.Length), _random.Next(prompt.Length)],
            TurnBefore = before?.Prompt.Length ?? 0,
            MaxTokens = _random.Next(2) == 0 ? _random.Next(1, 200) : _random.Next(1, 40),
            Stop = _random.Next(6) == 0 ? ((char)('a' + _random.Next(26))).ToString() : null,
            Constraint = constraint,
            // A conversation goes on with the same adapters as a rule.
            Adapters = before is not null && _random.Next(4) > 0 ? before.Adapters : CreateAdapters(),
            Priority = _random.Next(8) switch { 0 => 1, 1 => -1, _ => 0 },
            FirstTokenTimeout = constraint < 0 && _random.Next(6) == 0 ? TimeSpan.FromMilliseconds(_random.Next(1, 3000)) : null,
            RequestTimeout = _random.Next(6) == 0 ? TimeSpan.FromMilliseconds(_random.Next(1, 6000)) : null,
            SubmittedAt = _now,
            Streams = _random.Next(2) == 0,
        };
    }

    private DraftModel CreateDraft(int slots)
    {
        FakeDecoder draft = _model.CreateDraft(slots, cells: _random.Next(100, 400), batch: _random.Next(6, 40), wrongAt: _random.Next(2, 9));
        draft.OnDecode = _ => _random.Next(200) == 0 ? DecodeResult.Failed : DecodeResult.Done;
        return new DraftModel(draft, FakeDecoder.Vocabulary.Count);
    }

    private AdapterSet CreateAdapters() => !_model.HasAdapters ? AdapterSet.None :
        AdapterSet.Of(Enumerable.Range(0, 3).Where(_ => _random.Next(3) == 0).Select(index => new ScaledAdapter(index, _random.Next(3) / 2f)));

    private void CancelAny()
    {
        SimulatedRequest[] candidates = [.. _live.Where(request => !request.Stream.IsComplete)];
        // Few are in this state, and not for long.
        if (_random.Next(3) == 0 && Array.FindAll(candidates, request => request.State == SimulatedState.Preempted) is { Length: > 0 } preempted)
            candidates = preempted;
        if (candidates.Length == 0)
            return;
        SimulatedRequest request = candidates[_random.Next(candidates.Length)];
        _figures.Cancelled[(int)request.State]++;
        _figures.Log(2, request.Id);
        request.Cancel();
    }

    private void Advance()
    {
        SimulatedRequest[] candidates = [.. _live.Where(request => !request.Stream.IsComplete)];
        TimeSpan time = TimeSpan.FromMilliseconds(_random.Next(1, 200));
        _now += time;
        _time.Advance(time);
        foreach (SimulatedRequest request in candidates)
        {
            if (request.LimitAt(_now) is not { } limit)
            {
                Assert.False(request.Stream.IsComplete, "A request has ended before its time.");
                continue;
            }

            request.Overrun(limit);
            _figures.Log(3, request.Id);
            if (limit == nameof(SimulatedRequest.FirstTokenTimeout))
                _figures.LateFirstTokens++;
            else
                _figures.LateAnswers++;
        }
    }

    private void Step()
    {
        Sequence[] running = [.. _scheduler.Running];
        int[] cached = [.. Enumerable.Range(0, _decoder.MaxSequences).Where(_scheduler.Cache.IsCached)];
        bool hasComputed = _scheduler.Step();
        _figures.Steps++;
        _scheduler.CheckIntegrity();
        if (!hasComputed)
            Assert.True(_scheduler.IsEmpty, "Nothing is computed, and yet something waits.");
        foreach (Sequence sequence in _scheduler.Running)
        {
            Assert.Equal(sequence.ComputedCount, _decoder.CellsOf(sequence.Slot));
            if (sequence.Admission > _figures.Admissions && Find(sequence) is { } request)
                request.Sequence = sequence;
        }

        _figures.Admissions = Math.Max(_figures.Admissions, _scheduler.Running.Select(sequence => sequence.Admission).DefaultIfEmpty().Max());
        _prefixes?.Finish();
        _figures.Preempted += running.Count(sequence => sequence.Slot < 0 && !sequence.Output.IsComplete);
        _figures.Evicted += cached.Count(slot => !_scheduler.Cache.IsCached(slot));
        Finish();
    }

    /// <summary>The request of a sequence; null where that is a prefix.</summary>
    private SimulatedRequest? Find(Sequence sequence)
    {
        _prefixes?.Observe(sequence);
        return sequence.Request.Prefix is not null ? null : _live.Single(request => request.Stream == sequence.Output);
    }

    private void Finish()
    {
        foreach (SimulatedRequest request in _live.ToArray())
        {
            if (request.Streams)
                request.Read();
            if (!request.Stream.IsComplete)
                continue;
            _live.Remove(request);
            int limit = Math.Min(request.MaxTokens, _limits.ContextLength - request.Prompt.Length);
            request.Finish(_model.Answer(request.Prompt, limit, request.Stop, request.Constraint, request.Adapters), _limits.ContextLength);
            _figures.Count(request);
            if (request.IsAnswered)
                _answered.Add(request);
        }
    }

    /// <summary>What happens while the model computes.</summary>
    private DecodeResult Decode()
    {
        DecodeBatch batch = _decoder.Batch;
        _figures.AdapterSwitches = _decoder.Switches;
        for (int i = 0; i < batch.Count; i++)
            _figures.Log(batch.Slots[i], batch.Positions[i], batch.Tokens[i], batch.WantsLogits[i]);
        if (_random.Next(80) == 0)
            CancelAny();
        if (_random.Next(40) == 0)
            Advance();
        bool isAborted = _decoder.AbortRequests > _abortRequests && _random.Next(4) > 0;
        _abortRequests = _decoder.AbortRequests;
        DecodeResult result = isAborted ? DecodeResult.Aborted : _random.Next(300) switch
        {
            0 => DecodeResult.Failed,
            1 => DecodeResult.NoCells,
            2 or 3 => DecodeResult.Aborted,
            _ => DecodeResult.Done,
        };
        _figures.Log((int)result);
        _figures.Aborted += result == DecodeResult.Aborted ? 1 : 0;
        if (result is DecodeResult.Done or DecodeResult.Aborted)
            return result;
        _figures.FailedDecodes++;
        HashSet<int> slots = [.. batch.Slots.Take(batch.Count)];
        foreach (Sequence sequence in _scheduler.Running.Where(sequence => slots.Contains(sequence.Slot) && !sequence.Output.IsComplete))
        {
            if (Find(sequence) is { } request)
                request.IsFailed = true;
            else
                _prefixes!.Fail(sequence);
        }

        return result;
    }

    private void CheckEnd()
    {
        _prefixes?.End();
        Assert.False(_scheduler.Step());
        _scheduler.CheckIntegrity();
        Assert.Equal((0, 0, 0), (_scheduler.RunningCount, _scheduler.WaitingCount, _time.Timers));
        Assert.Equal(_decoder.MaxSequences, _scheduler.FreeSlots + _scheduler.Cache.CachedSlots);
        Assert.InRange(_decoder.UsedCells, 0, _limits.PrefixCells);
        while (_scheduler.Cache.TryEvict())
            _scheduler.CheckIntegrity();
        Assert.Equal((0, _decoder.MaxSequences), (_decoder.UsedCells, _scheduler.FreeSlots));
        foreach (SimulatedRequest request in _requests)
        {
            request.CheckEndedOnce();
            request.Dispose();
        }
    }

    private string Pick(string[] texts) => texts[_random.Next(texts.Length)];
}
