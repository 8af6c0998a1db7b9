using System.Text;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>Prefixes of a simulation that are computed ahead, saved, restored and released at random moments.</summary>
internal sealed class SimulatedPrefixes(Scheduler scheduler, SchedulerLimits limits, Random random, SimulationFigures figures)
{
    private const int Most = 3;

    private readonly List<Preload> _live = [];
    private readonly List<PinnedPrefix> _kept = [];
    private readonly List<(PinnedPrefix Prefix, byte[] State)> _saved = [];

    /// <summary>How many wait for a slot.</summary>
    public int Waiting => _live.Count(preload => !preload.Stream.IsComplete && preload.Sequence is not { Slot: >= 0 });

    /// <summary>Does one thing or another with one of them.</summary>
    /// <param name="text">What a new one has.</param>
    /// <param name="adapters">What it is computed with.</param>
    public void Change(string text, AdapterSet adapters)
    {
        switch (random.Next(5))
        {
            case 0 or 1 when _live.Count < Most && text.Length > 0:
                Submit(text, adapters);
                break;
            case 2 when _kept.Count > 0:
                Release(_kept[random.Next(_kept.Count)]);
                break;
            case 3 when _kept.Find(prefix => prefix.Slot >= 0) is { } prefix:
                _saved.Add((prefix, scheduler.Save(prefix)));
                break;
            case 4 when _saved.Count > 0:
                Restore(_saved[random.Next(_saved.Count)]);
                break;
        }
    }

    /// <summary>Takes note of who runs.</summary>
    public void Observe(Sequence sequence)
    {
        if (_live.Find(preload => preload.Stream == sequence.Output) is { } found)
            found.Sequence = sequence;
    }

    /// <summary>A decode failed that one was part of.</summary>
    public void Fail(Sequence sequence) => _live.Single(preload => preload.Stream == sequence.Output).IsFailed = true;

    /// <summary>Takes the ends of those that have ended, and holds them against what has happened.</summary>
    public void Finish()
    {
        foreach (Preload preload in _live.ToArray())
        {
            if (!preload.Stream.IsComplete)
                continue;
            _live.Remove(preload);
            Exception? error = preload.Stream.WaitForAllAsync().AsTask().Exception?.InnerException;
            bool isPoisoned = preload.Prefix.Tokens.Contains(SimulatedModel.Poison);
            figures.Log(5, preload.Prefix.Tokens.Length, error is null ? 1 : 0);
            if (preload.IsFailed)
                Assert.IsType<DecodeException>(error);
            else if (error is not PrefixCacheFullException)
                Assert.Equal(isPoisoned ? typeof(DecodeException) : null, error?.GetType());
            if (error is not null)
                continue;
            figures.Preloaded++;
            _kept.Add(preload.Prefix);
        }
    }

    /// <summary>Lets go of all.</summary>
    public void End()
    {
        while (scheduler.Step())
            Finish();
        Finish();
        Assert.Empty(_live);
        while (_kept.Count > 0)
            Release(_kept[0]);
    }

    private void Submit(string text, AdapterSet adapters)
    {
        if (random.Next(8) == 0)
            text = text.Insert(random.Next(text.Length), SimulatedModel.Poison.ToString());
        PinnedPrefix prefix = new([.. Encoding.UTF8.GetBytes(text).Select(value => (int)value)], adapters);
        try
        {
            GenerationRequest request = new() { Prompt = prefix.Tokens, Adapters = adapters, Prefix = prefix, Priority = random.Next(-1, 2), Sampling = SamplingOptions.Greedy };
            _live.Add(new Preload(prefix, scheduler.Submit(request, CancellationToken.None)));
        }
        catch (QueueFullException)
        {
            Assert.True(scheduler.WaitingCount >= limits.QueueCapacity);
        }
    }

    private void Release(PinnedPrefix prefix)
    {
        scheduler.Release(prefix);
        _kept.Remove(prefix);
    }

    private void Restore((PinnedPrefix Prefix, byte[] State) saved)
    {
        PinnedPrefix prefix = new(saved.Prefix.Tokens, saved.Prefix.Adapters);
        try
        {
            scheduler.Restore(prefix, saved.State);
            _kept.Add(prefix);
            figures.Restored++;
        }
        catch (PrefixCacheFullException)
        {
            Assert.True(prefix.Slot < 0);
        }

        scheduler.CheckIntegrity();
    }

    private sealed class Preload(PinnedPrefix prefix, GenerationStream stream)
    {
        public PinnedPrefix Prefix { get; } = prefix;

        public GenerationStream Stream { get; } = stream;

        public Sequence? Sequence { get; set; }

        public bool IsFailed { get; set; }
    }
}
