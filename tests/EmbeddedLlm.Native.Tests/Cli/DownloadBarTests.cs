using EmbeddedLlm.Cli;

namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class DownloadBarTests
{
    [Fact]
    public void BeforeThereIsAFileTheModelIsLookedFor() => Assert.Equal("Looking for the model", DownloadBar.Describe(default));

    [Theory]
    [InlineData(5, "0:05")]
    [InlineData(100, "1:40")]
    [InlineData(3599, "59:59")]
    [InlineData(6000, "1:40:00")]
    [InlineData(360_000, "100:00:00")]
    public void TheTimeLeftIsInHoursMinutesAndSeconds(long seconds, string time) =>
        Assert.EndsWith($" MiB/s, {time} left", DownloadBar.Describe(new ModelDownloadProgress("a.gguf", 0, seconds << 20, 1 << 20)), StringComparison.Ordinal);

    [Fact]
    public void WhatIsNotKnownIsLeftOut() => Assert.Equal("a.gguf 512 KiB", DownloadBar.Describe(new ModelDownloadProgress("a.gguf", 1 << 19, null, 0)));
}
