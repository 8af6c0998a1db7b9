using System.Diagnostics.Metrics;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.Logging.Abstractions;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class EngineMeterTests
{
    [Fact]
    public void StatisticsTellWhatWasDone()
    {
        SchedulerFixture fixture = new(new FakeDecoder(2), prefixCells: 400);
        string first = fixture.Ask("what is the capital of France, please?", 20, out GenerationSummary one);
        fixture.Ask("what is the capital of France, please?", 20, out GenerationSummary two);
        EngineStatistics figures = fixture.Scheduler.Meter.Read();
        Assert.NotEmpty(first);
        Assert.Equal(one.PromptTokens + two.PromptTokens, figures.PromptTokens);
        Assert.Equal(one.CachedTokens + two.CachedTokens, figures.CachedPromptTokens);
        Assert.True(figures.CachedPromptTokens > 0);
        Assert.Equal(one.OutputTokens + two.OutputTokens, figures.GeneratedTokens);
        Assert.Equal((2, 0, 0, 0), (figures.Completed, figures.Failed, figures.Running, figures.Waiting));
        Assert.Equal((fixture.Decoder.CellCount, fixture.Decoder.UsedCells, fixture.Decoder.UsedCells), (figures.CellCount, figures.UsedCells, figures.CachedCells));
    }

    [Fact]
    public void WaitingAndRunningRequestsAreSeenBetweenSteps()
    {
        SchedulerFixture fixture = new(new FakeDecoder(4), maxRunning: 2);
        for (int i = 0; i < 5; i++)
            fixture.Submit($"request {i}", 50);
        Assert.Equal(5, fixture.Scheduler.Meter.Read().Waiting);
        fixture.Scheduler.Step();
        EngineStatistics figures = fixture.Scheduler.Meter.Read();
        Assert.Equal((3, 2, 1), (figures.Waiting, figures.Running, figures.Steps));
        Assert.True(figures.UsedCells > 0);
    }

    [Fact]
    public void WhoIsCancelledOrLateInTheQueueWaitsNoMoreAndHoldsNothing()
    {
        ManualTime time = new();
        SchedulerFixture fixture = new(new FakeDecoder(1), maxRunning: 1, time: time);
        fixture.Submit(FakeDecoder.PromptsWithAnswersOf(60, 1)[0], 60);
        fixture.Scheduler.Step();
        using CancellationTokenSource source = new();
        fixture.Submit("first of those that wait", 10);
        for (int i = 0; i < 3; i++)
            fixture.Scheduler.Submit(SchedulerFixture.Request("cancelled", whole: TimeSpan.FromHours(1)), source.Token);
        fixture.Scheduler.Submit(SchedulerFixture.Request("late", firstToken: TimeSpan.FromSeconds(1), whole: TimeSpan.FromHours(1)), default);
        Assert.Equal((5, 5), (fixture.Scheduler.Meter.Read().Waiting, time.Timers));
        source.Cancel();
        Assert.Equal((2, 2), (fixture.Scheduler.Meter.Read().Waiting, time.Timers));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((1, 0), (fixture.Scheduler.Meter.Read().Waiting, time.Timers));
        fixture.Run();
    }

    [Fact]
    public void AReaderThatLeavesIsAFailureAsACancellationIsAndAbortsItsDecode()
    {
        FakeDecoder decoder = new(1);
        SchedulerFixture fixture = new(decoder);
        GenerationStream stream = fixture.Submit(FakeDecoder.PromptsWithAnswersOf(60, 1)[0], 60);
        decoder.OnDecode = step =>
        {
            if (step == 5)
                stream.Abandon();
            return step == 5 ? DecodeResult.Aborted : DecodeResult.Done;
        };
        fixture.Run();
        stream.Abandon();
        Assert.Equal((5, 1), (decoder.Steps, decoder.AbortRequests));
        EngineStatistics figures = fixture.Scheduler.Meter.Read();
        Assert.Equal((0, 1, 0), (figures.Completed, figures.Failed, figures.Running));
    }

    [Fact]
    public void WhoIsCancelledInTheMomentOfItsSubmissionDoesNotWait()
    {
        SchedulerFixture fixture = new(new FakeDecoder(1), time: new ImpatientTime());
        GenerationStream stream = fixture.Scheduler.Submit(SchedulerFixture.Request("late at once", whole: TimeSpan.Zero), default);
        Assert.True(stream.IsComplete);
        Assert.Equal((0, 1), (fixture.Scheduler.Meter.Read().Waiting, fixture.Scheduler.Meter.Read().Failed));
        Assert.False(fixture.Scheduler.Step());
    }

    [Fact]
    public void APrefixThatIsRefusedIsAFailureAsWell()
    {
        SchedulerFixture fixture = new(new FakeDecoder(4), prefixCells: 50, maxRunning: 4);
        int[] tokens = [.. Enumerable.Repeat((int)'x', 40)];
        fixture.Scheduler.Submit(new GenerationRequest { Prompt = tokens, Prefix = new PinnedPrefix(tokens) }, default);
        fixture.Run();
        tokens = [.. Enumerable.Repeat((int)'y', 40)];
        fixture.Scheduler.Submit(new GenerationRequest { Prompt = tokens, Prefix = new PinnedPrefix(tokens) }, default);
        fixture.Run();
        Assert.Equal(1, fixture.Scheduler.Meter.Read().Failed);
        tokens = [.. Enumerable.Repeat((int)'z', 60)];
        Assert.Throws<PrefixCacheFullException>(() => fixture.Scheduler.Submit(new GenerationRequest { Prompt = tokens, Prefix = new PinnedPrefix(tokens) }, default));
        Assert.Equal(2, fixture.Scheduler.Meter.Read().Failed);
    }

    [Fact]
    public void RefusedAndCancelledRequestsAreFailuresByKind()
    {
        using Measurements measurements = new("failures");
        SchedulerFixture fixture = new(new FakeDecoder(1), contextLength: 32, queueCapacity: 1, modelId: "failures");
        using CancellationTokenSource source = new();
        fixture.Submit("waits", 10, source.Token);
        Assert.Throws<QueueFullException>(() => fixture.Submit("refused"));
        Assert.Throws<ContextOverflowException>(() => fixture.Submit(new string('x', 100)));
        source.Cancel();
        fixture.Run();
        Assert.Equal(3, fixture.Scheduler.Meter.Read().Failed);
        Assert.Equal(
            ["EmbeddedLlm.ContextOverflowException", "EmbeddedLlm.QueueFullException", "System.OperationCanceledException"],
            measurements.Of("embeddedllm.request.failures").Select(failure => failure.Tags["error.type"]).Order());
    }

    [Fact]
    public void AListenerHearsTokensAndTimesWithTheModelsId()
    {
        using Measurements measurements = new("heard");
        SchedulerFixture fixture = new(new FakeDecoder(1), modelId: "heard");
        fixture.Ask("count", 10, out GenerationSummary summary);
        Assert.True(summary.OutputTokens > 1);
        Assert.Equal(summary.OutputTokens, measurements.Of("embeddedllm.generated.tokens").Sum(measurement => measurement.Value));
        Assert.Equal(5, measurements.Of("embeddedllm.prompt.tokens").Sum(measurement => measurement.Value));
        Assert.Single(measurements.Of("gen_ai.server.time_to_first_token"));
        Assert.Single(measurements.Of("gen_ai.server.request.duration"));
        Assert.Single(measurements.Of("gen_ai.server.time_per_output_token"));
        Assert.Equal(summary.OutputTokens - 1, measurements.Of("embeddedllm.inter_token_latency").Count);
        Assert.All(measurements.All, measurement => Assert.Equal("embeddedllm", measurement.Tags["gen_ai.provider.name"]));
    }

    [Fact]
    public void WhatAGrammarForcesAheadOfThePromptIsNoFirstToken()
    {
        using Measurements measurements = new("forced");
        FakeDecoder decoder = new(1, batch: 8);
        SchedulerFixture fixture = new(decoder, modelId: "forced");
        fixture.Scheduler.Submit(
            new GenerationRequest { Prompt = [.. Enumerable.Repeat((int)'x', 40)], Sampling = SamplingOptions.Greedy, Constraint = SimulatedModel.Constraint(1) }, default);
        fixture.Scheduler.Step();
        Assert.NotEmpty(measurements.Of("embeddedllm.generated.tokens"));
        Assert.Empty(measurements.Of("gen_ai.server.time_to_first_token"));
        fixture.Run();
        Assert.Single(measurements.Of("gen_ai.server.time_to_first_token"));
        // Neither is the prompt's time one from a token to the next: there is one less than there are sampled tokens.
        Assert.Equal(measurements.Of("embeddedllm.generated.tokens").Count - 2, measurements.Of("embeddedllm.inter_token_latency").Count);
    }

    [Fact]
    public void AnAnswerThatLeavesNoChoiceHasAFirstTokenAllTheSame()
    {
        using Measurements measurements = new("all forced");
        SchedulerFixture fixture = new(new FakeDecoder(1), modelId: "all forced");
        GenerationStream stream = fixture.Scheduler.Submit(
            new GenerationRequest { Prompt = [1, 2, 3], MaxOutputTokens = 5, Sampling = SamplingOptions.Greedy, Constraint = SimulatedModel.Constraint(1) }, default);
        fixture.Run();
        Assert.Equal(stream.Summary.OutputTokens, stream.Summary.ForcedTokens);
        Assert.Single(measurements.Of("gen_ai.server.time_to_first_token"));
        Assert.Empty(measurements.Of("embeddedllm.inter_token_latency"));
    }

    [Fact]
    public async Task AListenerThatThrowsCostsNoRequestNoTimerAndNotTheEngine()
    {
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, listens) =>
        {
            if (instrument.Meter.Name == EngineInstruments.MeterName && !instrument.IsObservable)
                listens.EnableMeasurementEvents(instrument);
        };
        int thrown = 0;
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => ThrowFor(tags));
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) => ThrowFor(tags));
        listener.Start();
        using Gate gate = new();
        gate.Open();
        FakeDecoder decoder = new(1);
        decoder.OnDecode = _ =>
        {
            gate.Pass();
            return DecodeResult.Done;
        };
        ManualTime time = new();
        SchedulerFixture late = new(new FakeDecoder(1), time: time, modelId: "throws");
        GenerationStream limited = late.Scheduler.Submit(SchedulerFixture.Request("late", whole: TimeSpan.FromSeconds(1)), default);
        time.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<TimeoutException>(() => ReadAsync(limited));
        Assert.Equal(0, late.Scheduler.WaitingCount);
        Engine engine = new(decoder, FakeDecoder.Vocabulary, new() { ContextLength = 64, QueueCapacity = 1 }, NullLogger.Instance, "throws");
        Assert.Equal(FakeDecoder.Answer("answered", 20), await ReadAsync(engine.Submit(SchedulerFixture.Request("answered", 20), default)));
        Assert.Throws<ContextOverflowException>(() => engine.Submit(SchedulerFixture.Request(new string('x', 100)), default));
        gate.Close();
        GenerationStream running = engine.Submit(SchedulerFixture.Request("running"), default);
        gate.AwaitArrival();
        GenerationStream waiting = engine.Submit(SchedulerFixture.Request("waiting"), default);
        ValueTask disposal = engine.DisposeAsync();
        gate.Open();
        await disposal;
        await Assert.ThrowsAsync<ObjectDisposedException>(() => ReadAsync(running));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => ReadAsync(waiting));
        Assert.True(decoder.IsDisposed);
        Assert.Equal((1, 3), (engine.Statistics.Completed, engine.Statistics.Failed));
        Assert.True(Volatile.Read(ref thrown) > 5);

        static async Task<string> ReadAsync(GenerationStream stream) => await stream.WaitForAllAsync() ? stream.ReadText() : "";

        void ThrowFor(ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            foreach (KeyValuePair<string, object?> tag in tags)
            {
                if (tag.Value is not "throws")
                    continue;
                Interlocked.Increment(ref thrown);
                throw new InvalidOperationException("on purpose");
            }
        }
    }

    [Fact]
    public void ObserversSeeTheKvCacheUntilTheEngineIsClosed()
    {
        using Measurements measurements = new("observed");
        SchedulerFixture fixture = new(new FakeDecoder(1), modelId: "observed");
        fixture.Submit("observe", 20);
        fixture.Scheduler.Step();
        measurements.Observe();
        Assert.Equal(fixture.Decoder.UsedCells, Assert.Single(measurements.Of("embeddedllm.kv_cache.used")).Value);
        Assert.Equal(fixture.Decoder.CellCount, Assert.Single(measurements.Of("embeddedllm.kv_cache.size")).Value);
        Assert.Equal(1, Assert.Single(measurements.Of("embeddedllm.requests.running")).Value);
        fixture.Scheduler.Close(() => new ObjectDisposedException("engine"));
        measurements.Clear();
        measurements.Observe();
        Assert.Empty(measurements.All);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void NothingIsAllocatedForATokenWhetherSomebodyListensOrNot(bool isHeard)
    {
        using MeterListener? listener = isHeard ? new MeterListener() : null;
        if (listener is not null)
        {
            listener.InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == "EmbeddedLlm")
                    self.EnableMeasurementEvents(instrument);
            };
            listener.Start();
        }

        EngineMeter meter = new("allocation", () => 0, cellCount: 1);
        Sequence sequence = new(SchedulerFixture.Request("x"), contextLength: 10, draftLength: 0);
        Count1000();
        Assert.Equal(0, Allocations.Least(10, Count1000));
        meter.Close();

        void Count1000()
        {
            for (int i = 0; i < 1000; i++)
            {
                meter.Generated(sequence, 1, isComputed: true);
                meter.Stepped(hasComputed: true, running: 1, usedCells: i, cachedCells: 0);
                meter.Read();
            }
        }
    }

    [Fact]
    public async Task AReaderNeverSeesHalfOfAStep()
    {
        StatisticsBoard board = new();
        bool isRead = false;
        Task writer = Task.Run(
            () =>
            {
                for (int i = 1; !Volatile.Read(ref isRead); i++)
                {
                    board.Publish(new EngineStatistics { Running = i, GeneratedTokens = i, Completed = i, Failed = i });
                    Thread.SpinWait(2);
                }
            },
            TestContext.Current.CancellationToken);
        // On one core nothing overlaps, and reading ends by its number; on more it ends when enough has changed under the reader.
        int torn = 0, changes = 0, last = 0;
        for (int read = 0; read < 10_000_000 && changes < 100_000; read++)
        {
            EngineStatistics figures = board.Read();
            changes += figures.Running == last ? 0 : 1;
            last = figures.Running;
            torn += figures.Running == figures.GeneratedTokens && figures.Completed == figures.Failed && figures.Running == figures.Failed ? 0 : 1;
        }

        Volatile.Write(ref isRead, true);
        await writer;
        Assert.Equal(0, torn);
    }

    /// <summary>What a listener hears of one model.</summary>
    private sealed class Measurements : IDisposable
    {
        private readonly string _modelId;
        private readonly MeterListener _listener = new();
        private readonly List<Measured> _measured = [];

        public Measurements(string modelId)
        {
            _modelId = modelId;
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == "EmbeddedLlm")
                    listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Hear(instrument, value, tags));
            _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Hear(instrument, value, tags));
            _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Hear(instrument, value, tags));
            _listener.Start();
        }

        public IReadOnlyList<Measured> All
        {
            get
            {
                lock (_measured)
                    return [.. _measured];
            }
        }

        public IReadOnlyList<Measured> Of(string instrument) => [.. All.Where(measurement => measurement.Instrument == instrument)];

        public void Observe() => _listener.RecordObservableInstruments();

        public void Clear()
        {
            lock (_measured)
                _measured.Clear();
        }

        public void Dispose() => _listener.Dispose();

        private void Hear(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            Dictionary<string, object?> known = new(tags.ToArray());
            if (!known.TryGetValue("gen_ai.request.model", out object? model) || model as string != _modelId)
                return;
            lock (_measured)
                _measured.Add(new Measured(instrument.Name, value, known));
        }
    }

    private sealed record Measured(string Instrument, double Value, Dictionary<string, object?> Tags);
}
