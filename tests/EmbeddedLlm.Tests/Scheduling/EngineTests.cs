using System.Text;
using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class EngineTests
{
    private long _answered;

    [Fact]
    public async Task EightConcurrentStreamsGetEachTheTextTheyGetAlone()
    {
        await using Engine engine = Create(new FakeDecoder(8));
        string[] prompts = [.. Enumerable.Range(0, 8).Select(i => $"caller {i} asks")];
        string[] texts = await Task.WhenAll(prompts.Select(prompt => Task.Run(() => ReadAll(engine.Submit(SchedulerFixture.Request(prompt, 100), default)))));
        Assert.Equal(prompts.Select(prompt => FakeDecoder.Answer(prompt, 100)), texts);
    }

    [Fact]
    public async Task DisposalEndsRunningAndWaitingRequests()
    {
        using Gate gate = new();
        FakeDecoder decoder = WaitingFor(gate);
        Engine engine = Create(decoder);
        GenerationStream running = engine.Submit(SchedulerFixture.Request("running"), default);
        GenerationStream waiting = engine.Submit(SchedulerFixture.Request("waiting"), default);
        gate.AwaitArrival();
        ValueTask disposal = engine.DisposeAsync();
        Assert.Equal(1, decoder.AbortRequests);
        gate.Open();
        await disposal;
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await ReadAll(running));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await ReadAll(waiting));
        Assert.Throws<ObjectDisposedException>(() => engine.Submit(SchedulerFixture.Request("late"), default));
        Assert.True(decoder.IsDisposed);
        await engine.DisposeAsync();
    }

    [Fact]
    public async Task DrainingAnswersAllThereAreAndRefusesFurtherOnes()
    {
        using Gate gate = new();
        FakeDecoder decoder = WaitingFor(gate);
        await using Engine engine = Create(decoder);
        Task<string>[] answers = [.. new[] { "running", "waiting" }.Select(prompt => ReadAll(engine.Submit(SchedulerFixture.Request(prompt, 20), default)))];
        using CancellationTokenSource source = new();
        Task impatient = engine.DrainAsync(source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        Task drain = engine.DrainAsync(default);
        Assert.Throws<ObjectDisposedException>(() => engine.Submit(SchedulerFixture.Request("late"), default));
        Assert.False(drain.IsCompleted);
        gate.Open();
        await drain;
        Assert.Equal([FakeDecoder.Answer("running", 20), FakeDecoder.Answer("waiting", 20)], await Task.WhenAll(answers));
        await engine.DrainAsync(default);
    }

    [Fact]
    public async Task AForgottenEngineAnswersWhatRunsAndEndsByItself()
    {
        using Gate gate = new();
        FakeDecoder decoder = WaitingFor(gate);
        Engine engine = Create(decoder);
        Task<string>[] answers = [.. new[] { "running", "waiting" }.Select(prompt => ReadAll(engine.Submit(SchedulerFixture.Request(prompt, 20), default)))];
        engine.EndWhenIdle();
        engine.EndWhenIdle();
        Assert.Throws<ObjectDisposedException>(() => engine.Submit(SchedulerFixture.Request("late"), default));
        Assert.False(decoder.IsDisposed);
        gate.Open();
        Assert.Equal([FakeDecoder.Answer("running", 20), FakeDecoder.Answer("waiting", 20)], await Task.WhenAll(answers));
        Assert.True(SpinWait.SpinUntil(() => decoder.IsDisposed, TimeSpan.FromMinutes(1)));
        Assert.Equal(0, decoder.AbortRequests);
        await engine.DrainAsync(default);
        await engine.DisposeAsync();
    }

    [Fact]
    public async Task AnEngineIsDisposedFromItsOwnThreadAsWell()
    {
        FakeDecoder decoder = new(1);
        Engine? engine = null;
        decoder.OnDecode = step =>
        {
            if (step == 3)
                engine!.Dispose();
            return DecodeResult.Done;
        };
        engine = Create(decoder);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => ReadAll(engine.Submit(SchedulerFixture.Request("running"), default)));
        await engine.DisposeAsync();
        Assert.True(decoder.IsDisposed);
    }

    [Fact]
    public async Task RequestsThatWaitWithoutABoundHoldUpNoThreadAndEndWithTheEngine()
    {
        using Gate gate = new();
        FakeDecoder decoder = WaitingFor(gate);
        Engine engine = new(decoder, FakeDecoder.Vocabulary, new() { ContextLength = 512, QueueCapacity = int.MaxValue }, NullLogger.Instance);
        // All submitted and waited for by this one thread.
        Task<string>[] answers = [.. Enumerable.Range(0, 5000).Select(i => ReadAll(engine.Submit(SchedulerFixture.Request($"request {i}"), default)))];
        Assert.DoesNotContain(answers, answer => answer.IsCompleted);
        ValueTask disposal = engine.DisposeAsync();
        gate.Open();
        await disposal;
        foreach (Task<string> answer in answers)
            await Assert.ThrowsAsync<ObjectDisposedException>(() => answer);
    }

    [Fact]
    public async Task DisposalEndsADrain()
    {
        Engine engine = Create(new FakeDecoder(1));
        engine.Submit(SchedulerFixture.Request(FakeDecoder.PromptsWithAnswersOf(400, 1)[0], 400), default);
        Task drain = engine.DrainAsync(default);
        await engine.DisposeAsync();
        await drain;
        await engine.DrainAsync(default);
    }

    [Fact]
    public async Task AnExceptionInAStepEndsTheRequestsAndTheEngineGoesOn()
    {
        FakeDecoder decoder = new(2);
        decoder.OnDecode = step => step == 2 ? throw new InvalidOperationException("on purpose") : DecodeResult.Done;
        await using Engine engine = Create(decoder);
        DecodeException exception = await Assert.ThrowsAsync<DecodeException>(() => ReadAll(engine.Submit(SchedulerFixture.Request("one"), default)));
        Assert.Equal("on purpose", exception.InnerException?.Message);
        Assert.Equal(FakeDecoder.Answer("two", 30), await ReadAll(engine.Submit(SchedulerFixture.Request("two", 30), default)));
    }

    [Fact]
    public async Task ALoggerThatFailsAsWellCostsNobodyMore()
    {
        FakeDecoder decoder = new(2);
        decoder.OnDecode = step => step == 2 ? throw new InvalidOperationException("on purpose") : DecodeResult.Done;
        await using Engine engine = new(decoder, FakeDecoder.Vocabulary, new() { ContextLength = 512, QueueCapacity = 100 }, new FailingLogger());
        await Assert.ThrowsAsync<DecodeException>(() => ReadAll(engine.Submit(SchedulerFixture.Request("one"), default)));
        Assert.Equal(FakeDecoder.Answer("two", 30), await ReadAll(engine.Submit(SchedulerFixture.Request("two", 30), default)));
    }

    [Fact]
    public async Task AnExceptionInAStepLeavesThoseThatWaitTheirTurn()
    {
        using Gate gate = new();
        FakeDecoder decoder = new(1);
        decoder.OnDecode = step =>
        {
            gate.Pass();
            // By then both submissions have woken the engine, and neither will again.
            return step == 3 ? throw new InvalidOperationException("on purpose") : DecodeResult.Done;
        };
        await using Engine engine = Create(decoder);
        Task<string> running = ReadAll(engine.Submit(SchedulerFixture.Request(FakeDecoder.PromptsWithAnswersOf(20, 1)[0], 20), default));
        gate.AwaitArrival();
        Task<string> waiting = ReadAll(engine.Submit(SchedulerFixture.Request("waiting", 20), default));
        gate.Open();
        await Assert.ThrowsAsync<DecodeException>(() => running);
        Assert.Equal(FakeDecoder.Answer("waiting", 20), await waiting.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task AnExceptionAtAdmissionEndsTheRequestAndTheEngineGoesOn()
    {
        await using Engine engine = Create(new FakeDecoder(1));
        GenerationRequest broken = new()
        {
            Prompt = [1, 2, 3],
            Constraint = new AnswerConstraint
            {
                Grammar = Grammar.FromGbnf("root ::= \"forced\" [a-z]"),
                Vocabulary = new GrammarVocabulary(FakeDecoder.Vocabulary),
                Tokenize = _ => throw new InvalidOperationException("on purpose"),
            },
        };
        await Assert.ThrowsAsync<DecodeException>(() => ReadAll(engine.Submit(broken, default)).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        Assert.Equal(FakeDecoder.Answer("next", 20), await ReadAll(engine.Submit(SchedulerFixture.Request("next", 20), default)));
    }

    [Fact]
    public async Task ADecoderThatThrowsWhenItIsToForgetEndsAllRequestsAndTheEngine()
    {
        using Gate gate = new();
        FakeDecoder decoder = new(2)
        {
            OnRemove = () => throw new InvalidOperationException("on purpose"),
            OnDecode = _ =>
            {
                gate.Pass();
                return DecodeResult.Done;
            },
        };
        await using Engine engine = Create(decoder);
        string prompt = FakeDecoder.PromptsWithAnswersOf(20, 1)[0];
        Task<string>[] answers = [.. Enumerable.Range(0, 3).Select(i => ReadAll(engine.Submit(SchedulerFixture.Request(prompt, 20), default)))];
        gate.Open();
        Assert.Equal(FakeDecoder.Answer(prompt, 20), await answers[0]);
        foreach (Task<string> answer in answers[1..])
            await Assert.ThrowsAsync<DecodeException>(() => answer.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<DecodeException>(async () => await ReadAll(engine.Submit(SchedulerFixture.Request("late"), default)));
        await Assert.ThrowsAsync<DecodeException>(() => engine.InvokeAsync(scheduler => scheduler.FreeSlots, default));
        await engine.DisposeAsync();
        Assert.True(decoder.IsDisposed);
        Assert.Throws<ObjectDisposedException>(() => engine.Submit(SchedulerFixture.Request("later"), default));
    }

    [Fact]
    public async Task CancellationWhileADecodeRunsReturnsBeforeTheDecodeDoes()
    {
        using Gate gate = new();
        FakeDecoder decoder = WaitingFor(gate);
        await using Engine engine = Create(decoder);
        using CancellationTokenSource source = new();
        Task<string> reading = ReadAll(engine.Submit(SchedulerFixture.Request("slow"), source.Token));
        gate.AwaitArrival();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        gate.Open();
    }

    [Fact]
    public async Task ACallThatComesWhileAStepWaitsForCallersIsMadeAlsoWhereNothingIsLeftToCompute()
    {
        await using Engine engine = new(new FakeDecoder(2), FakeDecoder.Vocabulary, new() { ContextLength = 512, QueueCapacity = 100, PacesPrefill = true }, NullLogger.Instance);
        for (int i = 0; i < 1000; i++)
        {
            // The first step waits for others; the call wakes it, and so does the cancellation, which leaves it without work.
            using CancellationTokenSource source = new();
            GenerationStream stream = engine.Submit(SchedulerFixture.Request("a prompt"), source.Token);
            Task<int> call = engine.InvokeAsync(scheduler => scheduler.FreeSlots, default);
            await source.CancelAsync();
            await call.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            Assert.True(stream.IsComplete);
        }
    }

    [Fact]
    public async Task ACallThatIsCancelledWhileAStepRunsIsNotMade()
    {
        using Gate gate = new();
        await using Engine engine = Create(WaitingFor(gate));
        Task<string> answer = ReadAll(engine.Submit(SchedulerFixture.Request("running", 5), default));
        gate.AwaitArrival();
        using CancellationTokenSource source = new();
        bool isMade = false;
        Task<bool> call = engine.InvokeAsync(_ => isMade = true, source.Token);
        Task<bool> next = engine.InvokeAsync(_ => true, default);
        await source.CancelAsync();
        OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(source.Token, exception.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.InvokeAsync(_ => isMade = true, source.Token));
        gate.Open();
        Assert.True(await next);
        await answer;
        Assert.False(isMade);
    }

    [Fact]
    public async Task WhoHasAnAnswerFindsItInTheFigures()
    {
        await using Engine engine = Create(new FakeDecoder(8));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(caller => Task.Run(async () =>
        {
            for (int i = 0; i < 200; i++)
            {
                await ReadAll(engine.Submit(SchedulerFixture.Request($"caller {caller} {i}", 3), default));
                Assert.True(Volatile.Read(ref _answered) < engine.Statistics.Completed);
                Interlocked.Increment(ref _answered);
            }
        })));
    }

    private static Engine Create(FakeDecoder decoder) => new(decoder, FakeDecoder.Vocabulary, new() { ContextLength = 512, QueueCapacity = 100 }, NullLogger.Instance);

    private static async Task<string> ReadAll(GenerationStream stream)
    {
        StringBuilder text = new();
        while (await stream.WaitToReadAsync())
            text.Append(stream.ReadText());
        return text.ToString();
    }

    private sealed class FailingLogger : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException("on purpose");
    }

    private static FakeDecoder WaitingFor(Gate gate) => new(1)
    {
        OnDecode = _ =>
        {
            gate.Pass();
            return DecodeResult.Done;
        },
    };
}
