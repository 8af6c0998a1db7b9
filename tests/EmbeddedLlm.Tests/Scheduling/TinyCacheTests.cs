using System.Text;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>
/// Caches of few cells, where everything is in everything's way: guesses by lookup and by a draft model, prefixes that are preloaded, saved, restored and released, adapters, grammars, the most extreme priorities
/// and time limits of nothing. Each request is answered as alone, or ends by what has happened to it.
/// </summary>
public sealed class TinyCacheTests
{
    private static readonly int[] s_priorities = [int.MinValue, -1, 0, 0, 0, 1, int.MaxValue];

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 5)]
    public void EachIsAnsweredAsAloneOrEndsByWhatHasHappenedToIt(bool isRecurrent, int window)
    {
        int answered = 0, pinned = 0, restored = 0;
        for (int seed = 0; seed < 150; seed++)
        {
            using Run run = new(new Random(seed), isRecurrent, window);
            run.Go();
            answered += run.Answered;
            pinned += run.Pinned;
            restored += run.Restored;
        }

        Assert.True(answered > 800 && pinned > 50 && restored > 20, $"{answered} answered, {pinned} prefixes kept and {restored} restored.");
    }

    private sealed class Run : IDisposable
    {
        private const int MostRequests = 80;

        private readonly Random _random;
        private readonly SimulatedModel _model;
        private readonly ManualTime _time = new();
        private readonly FakeDecoder _decoder;
        private readonly FakeDecoder? _draft;
        private readonly Scheduler _scheduler;
        private readonly int _context;
        private readonly List<SimulatedRequest> _live = [];
        private readonly List<(PinnedPrefix Prefix, GenerationStream? Stream)> _prefixes = [];
        private readonly string[] _beginnings;
        private readonly int _capacity;
        private int _abortRequests;
        private int _submitted;

        public Run(Random random, bool isRecurrent, int window)
        {
            _random = random;
            int cells = random.Next(2, 65);
            int slots = random.Next(1, 7);
            int draftLength = random.Next(2) * random.Next(1, 7);
            _model = new SimulatedModel("tiny", isRecurrent, window, draftLength, HasAdapters: random.Next(3) == 0);
            _context = random.Next(2, cells + 1);
            _decoder = _model.CreateDecoder(slots, cells, random.Next(1, 12));
            _decoder.OnDecode = _ => Decode();
            if (draftLength > 0 && !isRecurrent && random.Next(2) == 0)
            {
                _draft = new FakeDecoder(slots, random.Next(2, 80), random.Next(1, 12)) { Repeats = true, Confidence = 20, IsWrongAt = random.Next(0, 6), KeepsHistory = false };
                _draft.OnDecode = _ => random.Next(40) == 0 ? DecodeResult.Failed : DecodeResult.Done;
            }

            SchedulerLimits limits = new()
            {
                ContextLength = _context,
                QueueCapacity = _capacity = random.Next(4) == 0 ? random.Next(1, 4) : 1000,
                MaxRunning = random.Next(1, slots + 2),
                PrefillChunk = random.Next(1, 12),
                PacesPrefill = random.Next(2) == 0,
                PrefixCells = random.Next(0, cells + 1),
                BystanderCells = random.Next(2) == 0 ? int.MaxValue : random.Next(cells),
                DraftLength = draftLength,
                UsesPromptLookup = _draft is null || random.Next(2) == 0,
                StepsPerAdapterTurn = random.Next(1, 4),
                CheckpointDistance = random.Next(16, 40),
                Tile = random.Next(2) == 0 ? default : new AttentionTile(8, CellCost: 100),
            };
            _scheduler = new Scheduler(_decoder, FakeDecoder.Vocabulary, limits, () => { }, _time, "", _draft is null ? null : new DraftModel(_draft, FakeDecoder.Vocabulary.Count), random.Next(2) == 0 ? null : _ => ComesMeanwhile());
            _beginnings = ["", new string('a', random.Next(1, cells)), new string('a', random.Next(1, cells)) + "b"];
        }

        public int Answered { get; private set; }

        public int Pinned { get; private set; }

        public int Restored { get; private set; }

        public void Go()
        {
            for (int i = 0; i < 40; i++)
            {
                if (_random.Next(3) > 0)
                    Submit();
                if (_random.Next(6) == 0)
                    Preload();
                if (_random.Next(8) == 0)
                    SaveAndRestore();
                if (_random.Next(8) == 0)
                    Release();
                for (int steps = _random.Next(5); steps > 0; steps--)
                    Step();
            }

            while (Step())
            {
            }

            Assert.True(_scheduler.IsEmpty);
            Assert.Empty(_live);
            Assert.All(_prefixes, prefix => Assert.True(prefix.Stream is null or { IsComplete: true }));
            while (_prefixes.Count > 0)
                Release();
            Assert.Equal((0, 0), (_scheduler.Cache.PinnedSlots, _time.Timers));
            while (_scheduler.Cache.TryEvict())
                _scheduler.CheckIntegrity();
            Assert.Equal((0, _decoder.MaxSequences), (_decoder.UsedCells, _scheduler.FreeSlots));
        }

        public void Dispose()
        {
            _decoder.Dispose();
            _draft?.Dispose();
        }

        /// <summary>What happens while a step waits for callers.</summary>
        private bool ComesMeanwhile()
        {
            switch (_submitted < MostRequests ? _random.Next(6) : 0)
            {
                case 0:
                    return false;
                case 1:
                    Cancel();
                    break;
                case 2:
                    Advance();
                    break;
                case 3:
                    Preload();
                    break;
                default:
                    Submit();
                    break;
            }

            return true;
        }

        private void Submit()
        {
            string prompt = _beginnings[_random.Next(_beginnings.Length)] + _random.Next(100);
            SimulatedRequest request = new()
            {
                Id = _submitted++,
                Prompt = prompt,
                MaxTokens = _random.Next(3) == 0 ? int.MaxValue : _random.Next(1, 20),
                Stop = _random.Next(4) == 0 ? ((char)('a' + _random.Next(26))).ToString() : null,
                Constraint = _random.Next(4) == 0 ? _random.Next(SimulatedModel.ConstraintCount) : -1,
                Adapters = Adapters(),
                Priority = s_priorities[_random.Next(s_priorities.Length)],
                RequestTimeout = _random.Next(8) == 0 ? TimeSpan.Zero : null,
                Streams = _random.Next(2) == 0,
            };
            try
            {
                request.Submit(_scheduler);
                _live.Add(request);
                Assert.True(prompt.Length < _context);
            }
            catch (ContextOverflowException)
            {
                Assert.True(prompt.Length >= _context);
            }
            catch (QueueFullException)
            {
                Assert.True(_scheduler.WaitingCount >= _capacity);
            }
        }

        private AdapterSet Adapters() => _model.HasAdapters && _random.Next(2) == 0 ? AdapterSet.Of(new ScaledAdapter(_random.Next(2), 1)) : AdapterSet.None;

        private void Preload()
        {
            string text = _beginnings[_random.Next(_beginnings.Length)] + _random.Next(10);
            PinnedPrefix prefix = new([.. Encoding.UTF8.GetBytes(text).Select(value => (int)value)], Adapters());
            try
            {
                _prefixes.Add((prefix, _scheduler.Submit(
                    new GenerationRequest { Prompt = prefix.Tokens, Adapters = prefix.Adapters, Prefix = prefix, Priority = s_priorities[_random.Next(s_priorities.Length)], Sampling = SamplingOptions.Greedy }, default)));
            }
            catch (EmbeddedLlmException exception)
            {
                Assert.True(exception is PrefixCacheFullException or ContextOverflowException or QueueFullException);
            }
        }

        private void SaveAndRestore()
        {
            if (_prefixes.Find(prefix => prefix.Prefix.Slot >= 0) is not { Prefix: { } saved })
                return;
            byte[] state = _scheduler.Save(saved);
            if (_random.Next(2) == 0)
                _scheduler.Release(saved);
            PinnedPrefix prefix = new(saved.Tokens, saved.Adapters);
            try
            {
                _scheduler.Restore(prefix, state);
                _prefixes.Add((prefix, null));
                Restored++;
            }
            catch (PrefixCacheFullException)
            {
            }

            _scheduler.CheckIntegrity();
        }

        private void Release()
        {
            if (_prefixes.Count == 0)
                return;
            int index = _random.Next(_prefixes.Count);
            Pinned += _prefixes[index].Prefix.Slot >= 0 ? 1 : 0;
            _scheduler.Release(_prefixes[index].Prefix);
            _prefixes.RemoveAt(index);
            _scheduler.CheckIntegrity();
        }

        private bool Step()
        {
            if (_random.Next(10) == 0)
                Cancel();
            if (_random.Next(4) == 0)
                Advance();
            bool hasComputed;
            try
            {
                hasComputed = _scheduler.Step();
            }
            catch (NotSupportedException)
            {
                // As the engine does after a defect.
                foreach (Sequence sequence in _scheduler.Running.Where(sequence => !sequence.Output.IsComplete && sequence.Request.Prefix is null))
                    _live.Single(request => request.Stream == sequence.Output).IsFailed = true;
                _scheduler.EndAll(() => new DecodeException("on purpose"));
                hasComputed = true;
            }

            _scheduler.CheckIntegrity();
            if (!hasComputed)
                Assert.True(_scheduler.IsEmpty, "Nothing is computed, and yet something waits.");
            foreach (Sequence sequence in _scheduler.Running)
                Assert.Equal(sequence.ComputedCount, _decoder.CellsOf(sequence.Slot));
            foreach (SimulatedRequest request in _live.ToArray())
            {
                if (request.Streams)
                    request.Read();
                if (!request.Stream.IsComplete)
                    continue;
                _live.Remove(request);
                int limit = Math.Min(request.MaxTokens, _context - request.Prompt.Length);
                request.Finish(_model.Answer(request.Prompt, limit, request.Stop, request.Constraint, request.Adapters), _context);
                request.CheckEndedOnce();
                request.Dispose();
                Answered += request.IsAnswered ? 1 : 0;
            }

            return hasComputed;
        }

        private void Cancel()
        {
            SimulatedRequest[] candidates = [.. _live.Where(request => !request.Stream.IsComplete)];
            if (candidates.Length > 0)
                candidates[_random.Next(candidates.Length)].Cancel();
        }

        private void Advance()
        {
            SimulatedRequest[] candidates = [.. _live.Where(request => !request.Stream.IsComplete && request.RequestTimeout is not null)];
            _time.Advance(TimeSpan.Zero);
            foreach (SimulatedRequest request in candidates)
                request.Overrun(nameof(SimulatedRequest.RequestTimeout));
        }

        private DecodeResult Decode()
        {
            if (_random.Next(30) == 0)
                Cancel();
            if (_random.Next(120) == 0)
                throw new NotSupportedException("on purpose");
            bool isAborted = _decoder.AbortRequests > _abortRequests;
            _abortRequests = _decoder.AbortRequests;
            DecodeResult result = isAborted ? DecodeResult.Aborted : _random.Next(100) switch { 0 => DecodeResult.Failed, 1 => DecodeResult.NoCells, 2 => DecodeResult.Aborted, _ => DecodeResult.Done };
            if (result is DecodeResult.Done or DecodeResult.Aborted)
                return result;
            HashSet<int> slots = [.. _decoder.Batch.Slots.Take(_decoder.Batch.Count)];
            foreach (Sequence sequence in _scheduler.Running.Where(sequence => slots.Contains(sequence.Slot) && !sequence.Output.IsComplete && sequence.Request.Prefix is null))
                _live.Single(request => request.Stream == sequence.Output).IsFailed = true;
            return result;
        }
    }
}
