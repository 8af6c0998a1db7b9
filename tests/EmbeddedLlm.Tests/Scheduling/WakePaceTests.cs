using System.Text;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class WakePaceTests
{
    private readonly ManualTime _time = new();
    private readonly GenerationStream _stream = new();

    [Fact]
    public async Task TokensOfShortStepsComeTogether()
    {
        WakePace pace = Pace(1);
        Append(pace, 0.4, "a", mayWait: false);
        Assert.Equal("a", await ReadAsync());
        Task<bool> next = _stream.WaitToReadAsync().AsTask();
        Append(pace, 0.4, "b");
        Append(pace, 0.4, "c");
        await NothingComesAsync(next);
        Append(pace, 0.4, "d");
        Assert.True(await next);
        Assert.Equal("bcd", _stream.ReadText());
    }

    [Theory]
    [InlineData(1, 1.0)]
    [InlineData(1, 30)]
    [InlineData(0, 0.1)]
    public async Task TokensOfLongerStepsComeAtOnce(double interval, double step)
    {
        WakePace pace = Pace(interval);
        foreach (string token in (string[])["a", "b", "c"])
        {
            Task<bool> next = _stream.WaitToReadAsync().AsTask();
            Append(pace, step, token);
            Assert.True(await next);
            Assert.Equal(token, _stream.ReadText());
        }
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 4)]
    [InlineData(4, 8)]
    [InlineData(50, 8)]
    public async Task TheMoreCallersTheLongerTheyWait(int callers, int steps)
    {
        WakePace pace = Pace(1);
        Append(pace, 0.5, "a", mayWait: false);
        Assert.Equal("a", await ReadAsync());
        Task<bool> next = _stream.WaitToReadAsync().AsTask();
        for (int i = 1; i < steps; i++)
            Append(pace, 0.5, "b", callers: callers);
        await NothingComesAsync(next);
        Append(pace, 0.5, "c", callers: callers);
        Assert.True(await next);
        Assert.Equal(new string('b', steps - 1) + "c", _stream.ReadText());
    }

    [Fact]
    public async Task NobodyWaitsForALongStep()
    {
        WakePace pace = Pace(1);
        Task<bool> next = _stream.WaitToReadAsync().AsTask();
        Append(pace, 0.4, "a");
        await NothingComesAsync(next);
        pace.WakeLate();
        Assert.True(await next);
        Assert.Equal("a", _stream.ReadText());
    }

    [Fact]
    public async Task WhoComesForTextThatIsThereDoesNotWait()
    {
        WakePace pace = Pace(1);
        Append(pace, 0.4, "a");
        Assert.Equal("a", await ReadAsync());
        // Which is no reason to wake for nothing later.
        Task<bool> next = _stream.WaitToReadAsync().AsTask();
        pace.WakeLate();
        await NothingComesAsync(next);
        Append(pace, 0.4, "b");
        pace.WakeLate();
        Assert.True(await next);
    }

    [Fact]
    public async Task TheEndDoesNotWait()
    {
        WakePace pace = Pace(1);
        Task<bool> next = _stream.WaitToReadAsync().AsTask();
        Append(pace, 0.4, "a");
        Assert.True(_stream.TryComplete(new GenerationSummary { OutputTokens = 1 }));
        Assert.True(await next);
        Assert.Equal("a", _stream.ReadText());
        pace.WakeLate();
        Assert.False(await _stream.WaitToReadAsync());
    }

    [Fact]
    public async Task TheLastTextComesWithTheEnd()
    {
        WakePace pace = Pace(1);
        Task<bool> next = _stream.WaitToReadAsync().AsTask();
        Append(pace, 30, "a", mayWait: false, isLast: true);
        Assert.True(_stream.TrySeal(new GenerationSummary { OutputTokens = 1 }));
        await NothingComesAsync(next);
        _stream.Open();
        Assert.True(await next);
        Assert.Equal("a", _stream.ReadText());
        ValueTask<bool> end = _stream.WaitToReadAsync();
        Assert.True(end.IsCompleted);
        Assert.False(await end);
    }

    [Fact]
    public async Task TheSchedulerWakesForAPromptAndWithTime()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), time: _time, wakeInterval: TimeSpan.FromMilliseconds(1));
        GenerationStream first = fixture.Submit("one", maxTokens: 100);
        Assert.True(fixture.Scheduler.Step());
        first.ReadText();

        Task<bool> next = first.WaitToReadAsync().AsTask();
        Steps(8);
        await NothingComesAsync(next);
        GenerationStream second = fixture.Submit("two", maxTokens: 100);
        Steps(1);
        Assert.True(await next);
        Assert.NotEqual("", first.ReadText());

        next = first.WaitToReadAsync().AsTask();
        Steps(8);
        await NothingComesAsync(next);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Steps(1);
        Assert.True(await next);
        fixture.Run();
        Assert.True(first.IsComplete && second.IsComplete);

        void Steps(int count)
        {
            for (int i = 0; i < count; i++)
                Assert.True(fixture.Scheduler.Step());
        }
    }

    private static async Task NothingComesAsync(Task<bool> next)
    {
        await Task.Delay(20);
        Assert.False(next.IsCompleted);
    }

    private WakePace Pace(double milliseconds) => new(_time, TimeSpan.FromMilliseconds(milliseconds));

    private void Append(WakePace pace, double milliseconds, string text, bool mayWait = true, int callers = 1, bool isLast = false)
    {
        _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        pace.BeginStep(callers, mayWait);
        pace.Append(_stream, Encoding.UTF8.GetBytes(text), tokens: null, isLast);
    }

    private async Task<string> ReadAsync()
    {
        Assert.True(await _stream.WaitToReadAsync());
        return _stream.ReadText();
    }
}
