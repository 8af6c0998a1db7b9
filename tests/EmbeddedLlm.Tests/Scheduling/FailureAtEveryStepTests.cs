using System.Text;
using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.Logging.Abstractions;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>A workload that uses all there is, with the model failing in each of its steps in turn.</summary>
public sealed class FailureAtEveryStepTests
{
    [Fact]
    public void TheWorkloadUsesAllThereIs()
    {
        Run run = new(failing: 0, DecodeResult.Done);
        GenerationSummary[] summaries = [.. run.Streams.Select(stream => stream.Summary)];
        Assert.InRange(run.Decoder.Steps, 30, 200);
        Assert.True(run.Preemptions > 0);
        Assert.InRange(summaries.Sum(summary => summary.AcceptedTokens), 20, summaries.Sum(summary => summary.DraftedTokens) - 5);
        Assert.True(summaries.Count(summary => summary.CachedTokens > 0) >= 2);
        Assert.True(run.PrefillSteps > 10);
        Assert.All(Enumerable.Range(0, MixedWorkload.Count), i => Assert.Equal(MixedWorkload.Answer(i), SchedulerFixture.Text(run.Streams[i])));
    }

    [Theory]
    [InlineData(DecodeResult.Failed)]
    [InlineData(DecodeResult.NoCells)]
    internal void AFailedStepEndsItsOwnRequestsAndNoOthers(DecodeResult failure)
    {
        int steps = new Run(failing: 0, DecodeResult.Done).Decoder.Steps;
        for (int failing = 1; failing <= steps; failing++)
        {
            Run run = new(failing, failure);
            Assert.NotEmpty(run.Victims);
            for (int i = 0; i < run.Streams.Length; i++)
            {
                if (run.Victims.Contains(run.Streams[i]))
                    Assert.IsType<DecodeException>(run.Streams[i].WaitToReadAsync().AsTask().Exception?.InnerException);
                else
                    Assert.Equal(MixedWorkload.Answer(i), SchedulerFixture.Text(run.Streams[i]));
            }

            run.AskAgain();
        }
    }

    [Fact]
    public void AnAbortedStepCostsNobodyAnything()
    {
        int steps = new Run(failing: 0, DecodeResult.Done).Decoder.Steps;
        for (int failing = 1; failing <= steps; failing++)
        {
            Run run = new(failing, DecodeResult.Aborted);
            for (int i = 0; i < run.Streams.Length; i++)
                Assert.Equal(MixedWorkload.Answer(i), SchedulerFixture.Text(run.Streams[i]));
            run.AskAgain();
        }
    }

    [Theory]
    [InlineData(DecodeResult.Failed)]
    [InlineData(DecodeResult.NoCells)]
    [InlineData(DecodeResult.Aborted)]
    internal async Task TheEngineOutlivesAFailureInAnyStep(DecodeResult failure)
    {
        int steps = await RunEngine(failing: 0, DecodeResult.Done);
        Assert.InRange(steps, 30, 200);
        for (int failing = 1; failing <= steps; failing++)
            await RunEngine(failing, failure);
    }

    /// <summary>Runs the workload on an engine.</summary>
    /// <returns>How many steps it took.</returns>
    private static async Task<int> RunEngine(int failing, DecodeResult failure)
    {
        using Gate gate = new();
        FakeDecoder decoder = MixedWorkload.CreateDecoder();
        int victims = 0;
        decoder.OnDecode = step =>
        {
            gate.Pass();
            if (step != failing)
                return DecodeResult.Done;
            victims = failure == DecodeResult.Aborted ? 0 : decoder.Batch.Slots.Take(decoder.Batch.Count).Distinct().Count();
            return failure;
        };
        await using Engine engine = new(decoder, FakeDecoder.Vocabulary, MixedWorkload.Limits, NullLogger.Instance);
        // The first request alone is in the first step, whenever the engine's thread comes to it.
        Task<string?>[] answers = new Task<string?>[MixedWorkload.Count];
        for (int i = 0; i < answers.Length; i++)
        {
            answers[i] = ReadAll(engine.Submit(MixedWorkload.Request(i), default));
            gate.AwaitArrival();
        }

        gate.Open();
        string?[] texts = await Task.WhenAll(answers);
        int steps = decoder.Steps;
        Assert.Equal(victims, texts.Count(text => text is null));
        Assert.All(Enumerable.Range(0, MixedWorkload.Count), i => Assert.True(texts[i] is null || texts[i] == MixedWorkload.Answer(i)));
        decoder.OnDecode = _ => DecodeResult.Done;
        Assert.Equal(MixedWorkload.Answer(0), await ReadAll(engine.Submit(MixedWorkload.Request(0), default)));
        return steps;
    }

    private static async Task<string?> ReadAll(GenerationStream stream)
    {
        StringBuilder text = new();
        try
        {
            while (await stream.WaitToReadAsync())
                text.Append(stream.ReadText());
            return text.ToString();
        }
        catch (DecodeException)
        {
            return null;
        }
    }

    /// <summary>The workload, half of it from the beginning and half a little later, run to its end with one step failing.</summary>
    private sealed class Run
    {
        private readonly Scheduler _scheduler;

        public Run(int failing, DecodeResult failure)
        {
            Decoder = MixedWorkload.CreateDecoder();
            _scheduler = new Scheduler(Decoder, FakeDecoder.Vocabulary, MixedWorkload.Limits, () => { });
            Decoder.OnDecode = step =>
            {
                HashSet<int> slots = [.. Decoder.Batch.Slots.Take(Decoder.Batch.Count)];
                if (step == failing)
                    Victims.UnionWith(_scheduler.Running.Where(sequence => slots.Contains(sequence.Slot)).Select(sequence => sequence.Output));
                PrefillSteps += _scheduler.Running.Any(sequence => slots.Contains(sequence.Slot) && !sequence.IsDecoding) ? 1 : 0;
                return step == failing ? failure : DecodeResult.Done;
            };
            Streams = new GenerationStream[MixedWorkload.Count];
            for (int i = 0; i < Streams.Length; i++)
            {
                Streams[i] = _scheduler.Submit(MixedWorkload.Request(i), default);
                for (int step = 0; step < i * 2; step++)
                    Step();
            }

            while (Step())
            {
            }

            CheckNothingIsLost();
        }

        public FakeDecoder Decoder { get; }

        public GenerationStream[] Streams { get; }

        public HashSet<GenerationStream> Victims { get; } = [];

        public int Preemptions { get; private set; }

        public int PrefillSteps { get; private set; }

        public void AskAgain()
        {
            GenerationStream stream = _scheduler.Submit(MixedWorkload.Request(0), default);
            while (Step())
            {
            }

            Assert.Equal(MixedWorkload.Answer(0), SchedulerFixture.Text(stream));
            CheckNothingIsLost();
            while (_scheduler.Cache.TryEvict())
            {
            }

            Assert.Equal((0, Decoder.MaxSequences), (Decoder.UsedCells, _scheduler.FreeSlots));
        }

        private bool Step()
        {
            Sequence[] running = [.. _scheduler.Running];
            bool hasComputed = _scheduler.Step();
            _scheduler.CheckIntegrity();
            Preemptions += running.Count(sequence => sequence.Slot < 0 && !sequence.Output.IsComplete);
            return hasComputed;
        }

        private void CheckNothingIsLost()
        {
            Assert.True(_scheduler.IsEmpty);
            Assert.Equal(Decoder.MaxSequences, _scheduler.FreeSlots + _scheduler.Cache.CachedSlots);
            Assert.InRange(Decoder.UsedCells, 0, MixedWorkload.Limits.PrefixCells);
        }
    }
}
