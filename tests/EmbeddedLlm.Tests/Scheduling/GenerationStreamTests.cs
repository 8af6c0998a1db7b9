using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class GenerationStreamTests
{
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
        Assert.True(stream.TryFail(new DecodeException("first")));
        Assert.False(stream.TryFail(new DecodeException("second")));
        Assert.False(stream.TryComplete(default));
        stream.Append("late"u8);
        Assert.Equal("first", (await Assert.ThrowsAsync<DecodeException>(async () => await stream.WaitToReadAsync())).Message);
    }

    [Fact]
    public async Task AWaitEndsWithAFailure()
    {
        GenerationStream stream = new();
        ValueTask<bool> wait = stream.WaitToReadAsync();
        stream.TryFail(new DecodeException("broken"));
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
            stream.TryFail(new DecodeException("broken"));
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
}
