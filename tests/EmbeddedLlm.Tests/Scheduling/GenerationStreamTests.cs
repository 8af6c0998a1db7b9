using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class GenerationStreamTests
{
    [Fact]
    public async Task TheReaderHearsOfASealedEndWhenItIsOpened()
    {
        GenerationStream stream = new();
        stream.Append("last words"u8);
        Assert.True(stream.TrySeal(new GenerationSummary { OutputTokens = 3 }));
        Assert.True(stream.IsComplete);
        Assert.False(TryFail(stream, new DecodeException("too late")));
        Assert.True(await stream.WaitToReadAsync());
        Assert.Equal("last words", stream.ReadText());
        ValueTask<bool> end = stream.WaitToReadAsync();
        Assert.False(end.IsCompleted);
        stream.Open();
        Assert.False(await end);
        Assert.Equal(3, stream.Summary.OutputTokens);
        Assert.False(await stream.WaitToReadAsync());
    }

    [Fact]
    public async Task ASealedFailureIsThrownWhenItIsOpened()
    {
        GenerationStream stream = new();
        ValueTask<bool> waiting = stream.WaitToReadAsync();
        stream.Append("never read"u8);
        Assert.True(await waiting);
        Assert.True(stream.TrySeal(new DecodeException("broken")));
        Assert.Equal("", stream.ReadText());
        waiting = stream.WaitToReadAsync();
        Assert.False(waiting.IsCompleted);
        stream.Open();
        await Assert.ThrowsAsync<DecodeException>(async () => await waiting);
    }

    [Fact]
    public async Task AReaderWhoIsJustWokenDoesNotHearOfAFailureBeforeItIsOpened()
    {
        for (int i = 0; i < 200; i++)
        {
            GenerationStream stream = new();
            bool isSettled = false;
            Task<bool> reading = Read();
            stream.Append("x"u8);
            Assert.True(stream.TrySeal(new DecodeException("broken")));
            // Time for the reader to be woken for the text, which is gone.
            Thread.SpinWait(20_000);
            Volatile.Write(ref isSettled, true);
            stream.Open();
            Assert.True(await reading);

            async Task<bool> Read()
            {
                try
                {
                    while (await stream.WaitToReadAsync())
                        stream.ReadText();
                    return false;
                }
                catch (DecodeException)
                {
                    return Volatile.Read(ref isSettled);
                }
            }
        }
    }

    [Fact]
    public async Task TextThatCameMeanwhileIsReadAsOne()
    {
        GenerationStream stream = new();
        stream.Append("Hello"u8);
        stream.Append(" world"u8);
        Assert.True(await stream.WaitToReadAsync());
        Assert.Equal("Hello world", stream.ReadText());
    }

    [Fact]
    public async Task AWaitEndsWithTheNextText()
    {
        GenerationStream stream = new();
        ValueTask<bool> wait = stream.WaitToReadAsync();
        Assert.False(wait.IsCompleted);
        stream.Append("x"u8);
        Assert.True(await wait);
        Assert.Equal("x", stream.ReadText());
    }

    [Fact]
    public async Task WhoWantsAllIsWokenAtTheEnd()
    {
        GenerationStream stream = new();
        stream.Append("One"u8);
        ValueTask<bool> all = stream.WaitForAllAsync();
        stream.Append(", two"u8);
        stream.Append(", three"u8);
        Assert.True(stream.TrySeal(new GenerationSummary { OutputTokens = 5 }));
        await Task.Delay(20);
        Assert.False(all.IsCompleted);
        stream.Open();
        Assert.True(await all);
        Assert.Equal(5, stream.Summary.OutputTokens);
        Assert.Equal("One, two, three", stream.ReadText());
        Assert.False(await stream.WaitForAllAsync());
    }

    [Fact]
    public async Task WhoWantsAllAtTheEndDoesNotWait()
    {
        GenerationStream stream = new();
        stream.Append("all of it"u8);
        Assert.True(stream.TryComplete(default));
        Assert.True(await stream.WaitForAllAsync());
        Assert.Equal("all of it", stream.ReadText());
    }

    [Fact]
    public async Task WhoWantsAllHearsOfAFailure()
    {
        GenerationStream stream = new();
        ValueTask<bool> all = stream.WaitForAllAsync();
        stream.Append("some of it"u8);
        Assert.True(TryFail(stream, new DecodeException("broken")));
        await Assert.ThrowsAsync<DecodeException>(async () => await all);
    }

    [Fact]
    public async Task TheEndComesAfterTheText()
    {
        GenerationStream stream = new();
        stream.Append("x"u8);
        Assert.True(stream.TryComplete(new GenerationSummary { OutputTokens = 3 }));
        Assert.True(await stream.WaitToReadAsync());
        Assert.Equal("x", stream.ReadText());
        Assert.False(await stream.WaitToReadAsync());
        Assert.Equal(3, stream.Summary.OutputTokens);
    }

    [Fact]
    public async Task OnlyTheFirstEndCounts()
    {
        GenerationStream stream = new();
        Assert.True(TryFail(stream, new DecodeException("first")));
        Assert.False(TryFail(stream, new DecodeException("second")));
        Assert.False(stream.TryComplete(default));
        stream.Append("late"u8);
        Assert.Equal("first", (await Assert.ThrowsAsync<DecodeException>(async () => await stream.WaitToReadAsync())).Message);
    }

    [Fact]
    public async Task AWaitEndsWithAFailure()
    {
        GenerationStream stream = new();
        ValueTask<bool> wait = stream.WaitToReadAsync();
        TryFail(stream, new DecodeException("broken"));
        await Assert.ThrowsAsync<DecodeException>(async () => await wait);
    }

    [Fact]
    public void TwoReadersAreRefused()
    {
        GenerationStream stream = new();
        _ = stream.WaitToReadAsync().AsTask();
        Assert.Throws<InvalidOperationException>(() => { _ = stream.WaitToReadAsync().AsTask(); });
    }

    [Fact]
    public async Task AReaderBesideOneThatIsBeingWokenIsRefused()
    {
        GenerationStream stream = new();
        ValueTask<bool> wait = stream.WaitToReadAsync();
        stream.Append("x"u8);
        Assert.Throws<InvalidOperationException>(() => { _ = stream.WaitToReadAsync().AsTask(); });
        Assert.True(await wait);
        Assert.True(await stream.WaitToReadAsync());
    }

    [Fact]
    public async Task AFailureBeforeTheReaderIsWokenIsWhatItGets()
    {
        for (int i = 0; i < 100; i++)
        {
            GenerationStream stream = new();
            Task<bool> wait = stream.WaitToReadAsync().AsTask();
            stream.Append("x"u8);
            TryFail(stream, new DecodeException("broken"));
            try
            {
                // The text may still have been there when the reader was woken.
                Assert.True(await wait);
            }
            catch (DecodeException)
            {
            }

            await Assert.ThrowsAsync<DecodeException>(async () => await stream.WaitToReadAsync());
        }
    }

    private static bool TryFail(GenerationStream stream, Exception exception)
    {
        if (!stream.TrySeal(exception))
            return false;
        stream.Open();
        return true;
    }
}
