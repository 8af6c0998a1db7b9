using EmbeddedLlm.Catalog;
using Microsoft.AspNetCore.Http;

namespace EmbeddedLlm.Native.Tests.Catalog;

/// <summary>Whatever goes wrong, what is pulled is the model, and what has come is not lost.</summary>
public sealed class PullFaultTests : PullTestBase
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 4)]
    [InlineData(4, 4)]
    public async Task ConnectionsThatBreakAnywhereCostNothing(int seed, int connections)
    {
        Random random = new(seed);
        for (int i = 0; i < 5; i++)
            Server.Faults.Enqueue(Server.CutAfter(random.Next(Content.Length / 4)));
        await AssertPulledAsync(CreateStore(options => (options.Connections, options.MaxRetries) = (connections, 6)));
    }

    [Fact]
    public async Task TheNextAttemptGoesOnWhereTheLastOneEnded()
    {
        Server.Faults.Enqueue(Server.CutAfter(1 << 20));
        Server.Faults.Enqueue(HubServer.Answer(404));
        ModelDownloadException exception = await Assert.ThrowsAsync<ModelDownloadException>(() => CreateStore().PullAsync(Source, cancellationToken: Cancellation));
        Assert.Equal(404, (int?)exception.StatusCode);
        long length = Server.Contents.Last().Start;
        Assert.InRange(length, 1, 1 << 20);
        await AssertPulledAsync(CreateStore());
        Assert.Equal(length, Server.Contents.Last().Start);
        Assert.True(Server.BytesSent < Content.Length + (1 << 20));
    }

    [Fact]
    public async Task ACancelledPullIsResumed()
    {
        TaskCompletionSource stalled = new();
        Server.Faults.Enqueue(Server.StallAfter(1 << 20, stalled));
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task pull = CreateStore().PullAsync(Source, cancellationToken: stop.Token);
        await stalled.Task.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
        while (!pull.IsCompleted && new FileInfo(PartialPath).Length < 1 << 20)
            await Task.Delay(10, Cancellation);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pull);
        await AssertPulledAsync(CreateStore());
        Assert.InRange(Server.Contents.Last().Start, 1, 1 << 20);
        Assert.Equal(2, Server.Contents.Count());
    }

    [Fact]
    public async Task AnotherContentIsNotJoinedToWhatIsThere()
    {
        Server.TellsSha256 = false;
        await BreakAsync();
        byte[] other = CreateModel(Content.Length / 2);
        Server.Add($"{Repository}/{FileName}", other);
        await AssertPulledAsync(CreateStore(), other);
    }

    [Fact]
    public async Task AnotherContentOfTheSameSizeIsNotJoinedToWhatIsThere()
    {
        Server.TellsSha256 = false;
        await BreakAsync();
        byte[] other = [.. Content];
        other[^1] ^= 1;
        Server.Add($"{Repository}/{FileName}", other);
        await AssertPulledAsync(CreateStore(), other);
    }

    [Fact]
    public async Task WithoutAMarkOfItsContentADownloadBeginsAnew()
    {
        (Server.TellsSha256, Server.SendsETag) = (false, false);
        await BreakAsync();
        await AssertPulledAsync(CreateStore());
        Assert.All(Server.Contents, request => Assert.Equal(0, request.Start));
    }

    [Fact]
    public async Task WithoutAMarkOfTheirContentPartsAreNotJoined()
    {
        (Server.TellsSha256, Server.SendsETag) = (false, false);
        byte[] other = [.. Content];
        for (int i = Content.Length / 2; i < other.Length; i++)
            other[i] ^= 1;
        // The second content is there as soon as the first is being sent.
        Server.Faults.Enqueue(async (context, content) =>
        {
            Server.Add($"{Repository}/{FileName}", other);
            await Server.SendWholeAsync(context, content);
        });
        await AssertPulledAsync(CreateStore(options => options.Connections = 4), Content);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task AServerWithoutRangesMakesTheDownloadBeginAnew(int connections)
    {
        await BreakAsync();
        Server.IgnoresRanges = true;
        Server.Faults.Enqueue(Server.CutAfter(1 << 19));
        await AssertPulledAsync(CreateStore(options => options.Connections = connections));
    }

    [Fact]
    public async Task AServerThatSendsAnotherRangeMakesTheDownloadBeginAnew()
    {
        await BreakAsync();
        Server.Faults.Enqueue(async (context, content) =>
        {
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = $"bytes 7-{content.Length - 1}/{content.Length}";
            await context.Response.Body.WriteAsync(content.AsMemory(7), context.RequestAborted);
        });
        await AssertPulledAsync(CreateStore());
    }

    [Fact]
    public async Task DamageToWhatIsThereIsFoundAndMended()
    {
        await BreakAsync();
        await using (FileStream partial = new(PartialPath, FileMode.Open, FileAccess.ReadWrite))
        {
            partial.Position = 1000;
            partial.Write([1, 2, 3, 4, 5, 6, 7, 8]);
        }

        await AssertPulledAsync(CreateStore());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("""{"version":1,"eTag":"\"x\"","size":9999999,"segments":[[0,9999999,9999999]]}""")]
    [InlineData("""{"version":1,"eTag":"\"x\"","segments":[[0,-1,-5]]}""")]
    [InlineData("""{"version":1,"eTag":"\"x\"","size":10,"segments":[[5,10,1]]}""")]
    [InlineData("""{"version":1,"eTag":"\"x\"","size":10,"segments":[[0,10]]}""")]
    [InlineData("""{"version":1,"eTag":"\"x\"","size":10,"segments":null}""")]
    [InlineData("""{"version":1,"eTag":"x","segments":[[0,-1,10]]}""")]
    [InlineData("""{"version":1,"eTag":"*","segments":[[0,-1,10]]}""")]
    [InlineData("""{"version":1,"eTag":"W/\"x\"","segments":[[0,-1,10]]}""")]
    public async Task ADamagedJournalMakesTheDownloadBeginAnew(string journal)
    {
        await BreakAsync();
        await File.WriteAllTextAsync(PartialPath + ".json", journal, Cancellation);
        await AssertPulledAsync(CreateStore());
    }

    /// <summary>Nobody had promised a SHA-256 when it came, and somebody does now.</summary>
    [Fact]
    public async Task WhatHasComeWholeIsHeldAgainstALaterPromise()
    {
        await BreakAsync();
        byte[] other = [.. Content];
        other[^1] ^= 1;
        await File.WriteAllBytesAsync(PartialPath, other, Cancellation);
        await File.WriteAllTextAsync(PartialPath + ".json", $$"""{"version":1,"eTag":"\"x\"","size":{{other.Length}},"segments":[[0,{{other.Length}},{{other.Length}}]]}""", Cancellation);
        await AssertPulledAsync(CreateStore());
    }

    /// <summary>One that is damaged is as if it were not there, and the others are listed.</summary>
    [Theory]
    [InlineData("{")]
    [InlineData("""{"version":1,"source":"hf:a/b/c.gguf","firstFile":"c.gguf","pulled":"2026-01-01T00:00:00Z","files":[null]}""")]
    [InlineData("""{"version":1,"source":"hf:a/b/c.gguf","firstFile":"c.gguf","pulled":"2026-01-01T00:00:00Z","files":[{"size":1}]}""")]
    [InlineData("""{"version":1,"source":"hf:a/b/c.gguf","firstFile":null,"pulled":"2026-01-01T00:00:00Z","files":[{"name":"c.gguf","size":1,"sha256":""}]}""")]
    [InlineData("""{"version":1,"source":null,"firstFile":"Tiny-Q4_K_M.gguf","pulled":"2026-01-01T00:00:00Z","files":[{"name":"Tiny-Q4_K_M.gguf","size":3145888,"sha256":""}]}""")]
    public async Task ADamagedManifestIsNoModel(string manifest)
    {
        await CreateStore().PullAsync(Source, cancellationToken: Cancellation);
        await File.WriteAllTextAsync(FilePath + ".json", manifest.Replace("3145888", $"{Content.Length}", StringComparison.Ordinal), Cancellation);
        Assert.Empty(await CreateStore().ListAsync(Cancellation));
        AssertNothingIsFound();
        await AssertPulledAsync(CreateStore());

        void AssertNothingIsFound() => Assert.Null(CreateStore().Find(Source));
    }

    [Fact]
    public async Task AFolderThatCannotBeWrittenIsSaid()
    {
        Folder.Write("models", "a file"u8);
        ModelDownloadException exception = await Assert.ThrowsAsync<ModelDownloadException>(() => CreateStore().PullAsync(Source, cancellationToken: Cancellation));
        Assert.Contains(Folder.Path, exception.Message, StringComparison.Ordinal);
        Assert.IsAssignableFrom<IOException>(exception.InnerException);
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    public async Task ASizeThatCannotBeIsNoOverflow(long size)
    {
        Server.WrongSize = size;
        Server.TellsSha256 = false;
        for (int part = 1; part <= 3; part++)
            Server.Add($"{Repository}/Q8_0/Tiny-Q8_0-{part:D5}-of-00003.gguf", CreateModel(1 << 12, (part, 3)));
        Task<StoredModel> pull = CreateStore().PullAsync($"hf:{Repository}:Q8_0", cancellationToken: Cancellation);
        if (size > 0)
            Assert.Contains("the disk has", (await Assert.ThrowsAsync<ModelDownloadException>(() => pull)).Message, StringComparison.Ordinal);
        else
            Assert.Equal(3, (await pull).Files.Count);
    }

    [Fact]
    public async Task AWrongChecksumIsNoModel()
    {
        Server.WrongSha256 = new string('a', 64);
        await AssertRefusedAsync("SHA-256");
        Assert.False(File.Exists(PartialPath) && new FileInfo(PartialPath).Length > 0);
    }

    [Fact]
    public async Task AFileThatIsNotTheOneInTheListIsNotPulled()
    {
        Server.ResolveFaults.Enqueue(context =>
        {
            context.Response.StatusCode = 302;
            context.Response.Headers.Location = $"/cdn/{Repository}/{FileName}";
            context.Response.Headers["X-Linked-ETag"] = $"\"{new string('b', 64)}\"";
            return Task.CompletedTask;
        });
        await AssertRefusedAsync("is not the file it should be");
        Assert.Equal(0, new FileInfo(PartialPath).Length);
    }

    [Theory]
    [InlineData("text/html")]
    [InlineData("application/octet-stream")]
    public async Task APageInPlaceOfAModelIsNoModel(string type)
    {
        Server.TellsSha256 = false;
        Server.Faults.Enqueue((context, _) =>
        {
            context.Response.ContentType = type;
            return context.Response.WriteAsync("<!DOCTYPE html><html>Please log in.</html>");
        });
        await AssertRefusedAsync(type == "text/html" ? "HTML page" : "no GGUF file: it begins with '<!DOCTYPE html><html", listsSize: false);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AModelWithoutItsEndIsNoModel(bool tellsLength)
    {
        Server.Faults.Enqueue(async (context, content) =>
        {
            int half = content.Length / 2;
            if (tellsLength)
                context.Response.ContentLength = half;
            await context.Response.Body.WriteAsync(content.AsMemory(0, half), context.RequestAborted);
        });
        string address = new Uri(Server.Address, $"/cdn/{Repository}/{FileName}").AbsoluteUri;
        ModelDownloadException exception = await Assert.ThrowsAsync<ModelDownloadException>(() => CreateStore().PullAsync(address, cancellationToken: Cancellation));
        Assert.Contains("no whole GGUF file", exception.Message, StringComparison.Ordinal);
        Assert.Null(CreateStore().Find(address));
    }

    [Fact]
    public async Task AServerThatContradictsItselfIsNotBelieved()
    {
        Server.Faults.Enqueue((context, content) =>
        {
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = "bytes 0-9/1000000000000";
            return context.Response.Body.WriteAsync(content.AsMemory(0, 10)).AsTask();
        });
        await AssertRefusedAsync("size in bytes is 1000000000000");
    }

    [Theory]
    [InlineData(401, "HF_TOKEN")]
    [InlineData(403, "HF_TOKEN")]
    [InlineData(404, "no such file")]
    public async Task WhatWillNotPassIsNotTriedAgain(int status, string message)
    {
        Server.Faults.Enqueue(HubServer.Answer(status));
        await AssertRefusedAsync(message);
        Assert.Single(Server.Contents);
    }

    [Theory]
    [InlineData(401, null)]
    [InlineData(403, "secret")]
    public async Task WhoeverAsksAnotherHostThanTheHubIsNotToldOfATokenThatIsNotSentThere(int status, string? token)
    {
        Server.Faults.Enqueue(HubServer.Answer(status));
        ModelStore store = CreateStore(options => (options.Endpoint, options.Token) = (new Uri("https://hub.invalid/"), token));
        ModelDownloadException exception = await Assert.ThrowsAsync<ModelDownloadException>(
            () => store.PullAsync(new Uri(Server.Address, $"cdn/{Repository}/{FileName}").AbsoluteUri, cancellationToken: Cancellation));
        Assert.Contains("a token goes to 'https://hub.invalid/' alone", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("HF_TOKEN", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(429, "0")]
    [InlineData(429, null)]
    [InlineData(500, null)]
    [InlineData(503, "1")]
    public async Task WhatMayPassIsTriedAgainWhenTheServerSays(int status, string? retryAfter)
    {
        Server.Faults.Enqueue(HubServer.Answer(status, retryAfter));
        long start = TimeProvider.System.GetTimestamp();
        await AssertPulledAsync(CreateStore());
        Assert.Equal(2, Server.Contents.Count());
        Assert.True(retryAfter != "1" || TimeProvider.System.GetElapsedTime(start).TotalSeconds >= 0.95);
    }

    [Fact]
    public async Task AServerThatWantsToBeLeftAloneForHoursIs()
    {
        Server.Faults.Enqueue(HubServer.Answer(429, "7200"));
        await AssertRefusedAsync("wants to be left alone for 02:00:00");
    }

    [Fact]
    public async Task AFailureThatDoesNotPassEndsThePull()
    {
        for (int i = 0; i < 10; i++)
            Server.Faults.Enqueue(HubServer.Answer(503));
        ModelDownloadException exception = await Assert.ThrowsAsync<ModelDownloadException>(() => CreateStore(options => options.MaxRetries = 3).PullAsync(Source, cancellationToken: Cancellation));
        Assert.True(exception.IsTransient);
        Assert.Equal(4, Server.Contents.Count());
    }

    [Fact]
    public async Task AServerThatFallsSilentIsAskedAgain()
    {
        Server.Faults.Enqueue(Server.StallAfter(1 << 20));
        Server.Faults.Enqueue(Server.StallAfter(0));
        await AssertPulledAsync(CreateStore(options => options.StallTimeout = TimeSpan.FromMilliseconds(500)));
        Assert.True(Server.BytesSent < 2 * Content.Length);
    }

    [Fact]
    public async Task AFullDiskLosesNothing()
    {
        ModelStore full = CreateStore(change: settings => settings with { OpenPartial = path => new FullDisk(path, 1 << 20) });
        ModelDownloadException exception = await Assert.ThrowsAsync<ModelDownloadException>(() => full.PullAsync(Source, cancellationToken: Cancellation));
        Assert.Contains("No space left", exception.Message, StringComparison.Ordinal);
        Assert.Single(Server.Contents);
        await AssertPulledAsync(CreateStore());
        Assert.InRange(Server.Contents.Last().Start, (1 << 20) - (1 << 17), 1 << 20);
    }

    [Fact]
    public async Task WhatWouldNotFitIsNotBegun()
    {
        ModelStore small = CreateStore(change: settings => settings with { FreeSpace = _ => Content.Length - 1 });
        ModelDownloadException exception = await Assert.ThrowsAsync<ModelDownloadException>(() => small.PullAsync(Source, cancellationToken: Cancellation));
        Assert.Contains($"needs {Content.Length} bytes", exception.Message, StringComparison.Ordinal);
        Assert.Empty(Server.Contents);
    }

    [Fact]
    public async Task AServerThatNeverEndsDoesNotFillTheDisk()
    {
        Server.TellsSha256 = false;
        long sent = 0;
        Server.Faults.Enqueue(async (context, content) =>
        {
            while (true)
            {
                await context.Response.Body.WriteAsync(content.AsMemory(0, 1 << 16), context.RequestAborted);
                Interlocked.Add(ref sent, 1 << 16);
            }
        });
        long free = DownloadSettings.SpaceToLeave + (10 << 20);
        ModelStore store = CreateStore(change: settings => settings with { FreeSpace = _ => free - Interlocked.Read(ref sent), JournalInterval = 1 << 20 });
        ModelDownloadException exception = await Assert.ThrowsAsync<ModelDownloadException>(() => store.PullAsync(new Uri(Server.Address, $"/cdn/{Repository}/{FileName}").AbsoluteUri, cancellationToken: Cancellation));
        Assert.Contains("does not say how long it is", exception.Message, StringComparison.Ordinal);
        Assert.Single(Server.Contents);
        Assert.All(Directory.EnumerateFiles(Folder.Path, "*", SearchOption.AllDirectories), path => Assert.InRange(new FileInfo(path).Length, 0, 1 << 16));
    }

    /// <summary>Leaves a third of the file, as another process that ended.</summary>
    private async Task BreakAsync()
    {
        Server.Faults.Enqueue(Server.CutAfter(1 << 20));
        await Assert.ThrowsAsync<ModelDownloadException>(() => CreateStore(options => options.MaxRetries = 0, settings => settings with { OpenPartial = path => new FullDisk(path, 1 << 19) }).PullAsync(Source, cancellationToken: Cancellation));
        Assert.True(File.Exists(PartialPath));
        Server.Faults.Clear();
    }
}
