using System.Text;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class TimeoutTests
{
    private readonly ManualTime _time = new();
    private readonly string[] _prompts = FakeDecoder.PromptsWithAnswersOf(100, 2);

    [Fact]
    public async Task ARequestWithoutAFirstTokenInTimeEndsWithTheLimitsName()
    {
        SchedulerFixture fixture = new(new FakeDecoder(1), time: _time);
        fixture.Submit(_prompts[0], 100);
        GenerationStream waiting = Submit(fixture, _prompts[1], firstToken: 5, whole: 60);
        fixture.Scheduler.Step();
        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.False(waiting.IsComplete);
        _time.Advance(TimeSpan.FromSeconds(1));
        TimeoutException exception = await Assert.ThrowsAsync<TimeoutException>(async () => await waiting.WaitToReadAsync());
        Assert.Contains("00:00:05 (FirstTokenTimeout)", exception.Message, StringComparison.Ordinal);
        fixture.Run();
        Assert.Equal(0, _time.Timers);
    }

    [Fact]
    public async Task ARequestThatTakesTooLongEndsInTheMiddleOfItsAnswer()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), time: _time);
        GenerationStream stream = Submit(fixture, _prompts[0], firstToken: 5, whole: 60);
        fixture.Scheduler.Step();
        fixture.Scheduler.Step();
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.True(await stream.WaitToReadAsync());
        Assert.Equal(FakeDecoder.Answer(_prompts[0], 2), stream.ReadText());
        _time.Advance(TimeSpan.FromSeconds(1));
        TimeoutException exception = await Assert.ThrowsAsync<TimeoutException>(async () => await stream.WaitToReadAsync());
        Assert.Contains("00:01:00 (RequestTimeout)", exception.Message, StringComparison.Ordinal);
        Assert.False(fixture.Scheduler.Step());
        fixture.Run();
    }

    [Fact]
    public void ATimeoutAbortsADecodeThatIsMostlyItsOwn()
    {
        FakeDecoder decoder = new();
        decoder.OnDecode = _ =>
        {
            _time.Advance(TimeSpan.FromSeconds(5));
            return decoder.AbortRequests > 0 ? DecodeResult.Aborted : DecodeResult.Done;
        };
        SchedulerFixture fixture = new(decoder, time: _time);
        Submit(fixture, _prompts[0], firstToken: 5, whole: 60);
        fixture.Run();
        Assert.Equal(1, decoder.AbortRequests);
    }

    /// <summary>What comes between the last operation of a decode and its end is no reason to give the next one up.</summary>
    [Fact]
    public async Task ACancellationAtTheEndOfADecodeDoesNotAbortTheNextOne()
    {
        using CancellationTokenSource source = new();
        FakeDecoder decoder = new() { HeedsAborts = true };
        decoder.OnDecoded = step =>
        {
            if (step == 1)
                source.Cancel();
        };
        SchedulerFixture fixture = new(decoder, time: _time);
        GenerationStream cancelled = Submit(fixture, _prompts[0], firstToken: 5, whole: 60, source.Token);
        fixture.Scheduler.Step();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await cancelled.WaitToReadAsync());
        GenerationStream next = Submit(fixture, _prompts[1], firstToken: 5, whole: 60);
        fixture.Run();
        Assert.Equal(FakeDecoder.Answer(_prompts[1], 100), SchedulerFixture.Text(next));
        // A step for the prompt, and one for each token but the last.
        Assert.Equal(1 + 100, decoder.Steps);
    }

    /// <summary>Text that a grammar leaves no choice about is there before the prompt is computed.</summary>
    [Fact]
    public async Task TextThatIsForcedIsAFirstToken()
    {
        SchedulerFixture fixture = new(new FakeDecoder(1, batch: 4), time: _time);
        GenerationRequest request = new()
        {
            Prompt = [.. "a prompt of several steps"u8.ToArray().Select(b => (int)b)],
            MaxOutputTokens = 100,
            Sampling = new SamplingOptions { Temperature = 0 },
            FirstTokenTimeout = TimeSpan.FromSeconds(5),
            Constraint = new AnswerConstraint
            {
                Grammar = Grammar.FromGbnf("root ::= \"Result: \" [a-z]{5}"),
                Vocabulary = new GrammarVocabulary(FakeDecoder.Vocabulary),
                Tokenize = static text => [.. Encoding.UTF8.GetBytes(text).Select(b => (int)b)],
            },
        };
        GenerationStream stream = fixture.Scheduler.Submit(request, CancellationToken.None);
        fixture.Scheduler.Step();
        Assert.True(await stream.WaitToReadAsync());
        Assert.Equal("Result: ", stream.ReadText());
        _time.Advance(TimeSpan.FromSeconds(6));
        fixture.Run();
        Assert.Equal(5, SchedulerFixture.Text(stream).Length);
    }

    [Fact]
    public async Task CancellationBeforeTheLimitStaysCancellation()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), time: _time);
        using CancellationTokenSource source = new();
        GenerationStream stream = Submit(fixture, _prompts[0], firstToken: 5, whole: 60, source.Token);
        await source.CancelAsync();
        _time.Advance(TimeSpan.FromHours(1));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await stream.WaitToReadAsync());
    }

    [Fact]
    public void NoTimerIsLeftBehind()
    {
        SchedulerFixture fixture = new(new FakeDecoder(1), queueCapacity: 1, time: _time);
        GenerationStream first = Submit(fixture, _prompts[0], firstToken: 5, whole: 60);
        Assert.Equal(2, _time.Timers);
        Assert.Throws<QueueFullException>(() => Submit(fixture, _prompts[1], firstToken: 5, whole: 60));
        Assert.Equal(2, _time.Timers);
        fixture.Scheduler.Step();
        Assert.Equal(1, _time.Timers);
        fixture.Run();
        Assert.Equal(FakeDecoder.Answer(_prompts[0], 100), SchedulerFixture.Text(first));
        GenerationStream abandoned = Submit(fixture, _prompts[1], firstToken: 5, whole: 60);
        abandoned.Abandon();
        Assert.Equal((0, 0), (_time.Timers, fixture.Scheduler.WaitingCount));
        fixture.Run();
    }

    private static GenerationStream Submit(SchedulerFixture fixture, string prompt, int firstToken, int whole, CancellationToken cancellationToken = default) =>
        fixture.Scheduler.Submit(
            SchedulerFixture.Request(prompt, 100, firstToken: TimeSpan.FromSeconds(firstToken), whole: TimeSpan.FromSeconds(whole)), cancellationToken);
}
