using Microsoft.Extensions.Logging;

namespace EmbeddedLlm.Native.Tests.Catalog;

/// <summary>Downloads from a hub that behaves.</summary>
public sealed class PullTests : PullTestBase
{
    [Theory]
    [InlineData(Source)]
    [InlineData("hf:someone/Tiny-GGUF")]
    [InlineData("hf:someone/Tiny-GGUF/Tiny-Q4_K_M.gguf")]
    public async Task AModelOfTheHubIsPulled(string source)
    {
        StoredModel model = await CreateStore().PullAsync(source, cancellationToken: Cancellation);
        Assert.Equal(FilePath, model.Path);
        Assert.Equal(Content, await File.ReadAllBytesAsync(model.Path, Cancellation));
        Assert.Equal(("Q4_K_M", Content.Length, "0123456789abcdef0123456789abcdef01234567"), (model.Quantisation, model.Size, model.Revision));
        Assert.Equal([FileName, FileName + ".json"], Directory.EnumerateFiles(Path.GetDirectoryName(FilePath)!).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task AnAddressOfTheHubIsTheSameModel()
    {
        StoredModel model = await CreateStore().PullAsync(new Uri(Server.Address, $"/{Repository}/blob/main/{FileName}").AbsoluteUri, cancellationToken: Cancellation);
        Assert.Equal(model, CreateStore().Find(Source), (a, b) => a!.Path == b!.Path);
    }

    [Fact]
    public async Task AnyAddressIsPulledIntoAFolderOfItsOwn()
    {
        StoredModel model = await CreateStore().PullAsync(new Uri(Server.Address, $"/cdn/{Repository}/{FileName}").AbsoluteUri, cancellationToken: Cancellation);
        Assert.Equal(Content, await File.ReadAllBytesAsync(model.Path, Cancellation));
        Assert.StartsWith(Path.Combine(Folder.Path, "models", "url", "h-127.0.0.1"), model.Path, StringComparison.Ordinal);
    }

    /// <summary>It may be a signature or a token. What is kept still tells one address from another.</summary>
    [Fact]
    public async Task WhatIsBehindTheQuestionMarkOfAnAddressIsKeptNowhere()
    {
        Server.TellsSha256 = false;
        string[] addresses = [.. ((string[])["secret1", "secret2"]).Select(secret => new Uri(Server.Address, $"/cdn/{Repository}/{FileName}?signature={secret}").AbsoluteUri)];
        RecordedLog log = new();
        ModelStore store = CreateStore(options => options.LoggerFactory = log);
        foreach (string address in addresses)
        {
            StoredModel pulled = await store.PullAsync(address, cancellationToken: Cancellation);
            Assert.Equal(pulled.Path, store.Find(address)!.Path);
            Assert.Equal(pulled.Path, store.Find(pulled.Name)!.Path);
        }

        IReadOnlyList<StoredModel> models = await store.ListAsync(Cancellation);
        Assert.Equal(2, models.Select(model => model.Name).Distinct().Count());
        Assert.All(models, model => Assert.DoesNotContain("secret", model.ToString(), StringComparison.Ordinal));
        Assert.All(
            Directory.EnumerateFiles(Folder.Path, "*.json", SearchOption.AllDirectories),
            file => Assert.DoesNotContain("secret", file + File.ReadAllText(file), StringComparison.Ordinal));
        Assert.Equal(2, log.Lines.Count);
        Assert.All(log.Lines, line => Assert.DoesNotContain("secret", line, StringComparison.Ordinal));

        Assert.True(await store.RemoveAsync(models[0].Name, Cancellation));
        Assert.Equal(models[1].Name, Assert.Single(await store.ListAsync(Cancellation)).Name);
        int requests = Server.Requests.Count;
        ModelDownloadException exception = await Assert.ThrowsAsync<ModelDownloadException>(() => store.PullAsync(models[0].Name, cancellationToken: Cancellation));
        Assert.Contains("the whole address", exception.Message, StringComparison.Ordinal);
        Assert.Equal(requests, Server.Requests.Count);
    }

    [Fact]
    public async Task WhatIsPulledIsFoundWithoutAServer()
    {
        StoredModel pulled = await CreateStore().PullAsync(Source, cancellationToken: Cancellation);
        int requests = Server.Requests.Count;
        Assert.Equal(pulled.Path, (await CreateStore(options => options.Offline = true).PullAsync(Source, cancellationToken: Cancellation)).Path);
        Assert.Equal(pulled.Path, Assert.Single(await CreateStore().ListAsync(Cancellation)).Path);
        Assert.Equal(requests, Server.Requests.Count);
    }

    [Fact]
    public async Task OfflineNothingIsAsked()
    {
        ModelDownloadException exception = await Assert.ThrowsAsync<ModelDownloadException>(() => CreateStore(options => options.Offline = true).PullAsync(Source, cancellationToken: Cancellation));
        Assert.Contains("offline mode", exception.Message, StringComparison.Ordinal);
        Assert.Empty(Server.Requests);
    }

    [Fact]
    public async Task ProgressEndsWithAllBytesOfAllFiles()
    {
        Reports reports = new();
        await CreateStore().PullAsync(Source, reports, Cancellation);
        Assert.Equal((FileName, Content.Length, (long?)Content.Length), (reports.All[0].File, reports.All[^1].Bytes, reports.All[^1].TotalBytes));
        Assert.Equal(reports.All.Select(report => report.Bytes).Order(), reports.All.Select(report => report.Bytes));
    }

    /// <summary>Of an address nobody knows the size before the server has answered.</summary>
    [Fact]
    public async Task ProgressTellsNoTotalThatNobodyKnows()
    {
        Reports reports = new();
        Server.Faults.Enqueue(Server.CutAfter(1 << 20));
        await CreateStore().PullAsync(new Uri(Server.Address, $"/cdn/{Repository}/{FileName}").AbsoluteUri, reports, Cancellation);
        Assert.Null(reports.All[0].TotalBytes);
        Assert.All(reports.All.Where(report => report.Bytes > 0), report => Assert.Equal(Content.Length, report.TotalBytes));
        Assert.Equal(Content.Length, reports.All[^1].Bytes);
    }

    [Fact]
    public async Task AFileIsPulledInPartsAtTheSameTime()
    {
        StoredModel model = await CreateStore(options => options.Connections = 4).PullAsync(Source, cancellationToken: Cancellation);
        Assert.Equal(Content, await File.ReadAllBytesAsync(model.Path, Cancellation));
        Assert.Equal(4, Server.Contents.Select(request => request.Start).Distinct().Count());
    }

    [Fact]
    public async Task ASplitModelIsPulledWhole()
    {
        byte[][] parts = AddSplit(count: 3);
        StoredModel model = await CreateStore().PullAsync($"hf:{Repository}:Q8_0", cancellationToken: Cancellation);
        Assert.Equal(parts.Sum(part => part.Length), model.Size);
        Assert.Equal(parts, model.Files.Select(File.ReadAllBytes));
        Assert.EndsWith("Tiny-Q8_0-00001-of-00003.gguf", model.Path, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnAddressOfASplitModelsFirstFileIsTheWholeModel()
    {
        byte[][] parts = AddSplit(count: 2);
        StoredModel model = await CreateStore().PullAsync(new Uri(Server.Address, $"/cdn/{Repository}/Q8_0/Tiny-Q8_0-00001-of-00002.gguf?download=true").AbsoluteUri, cancellationToken: Cancellation);
        Assert.Equal(parts, model.Files.Select(File.ReadAllBytes));
    }

    [Fact]
    public async Task ABreakInAPartLeavesTheOthers()
    {
        AddSplit(count: 2);
        ModelStore store = CreateStore(options => options.MaxRetries = 0, settings => settings with { OpenPartial = path => new FullDisk(path, path.Contains("-00002-of", StringComparison.Ordinal) ? 100_000 : long.MaxValue) });
        await Assert.ThrowsAsync<ModelDownloadException>(() => store.PullAsync($"hf:{Repository}:Q8_0", cancellationToken: Cancellation));
        Assert.Null(CreateStore().Find($"hf:{Repository}:Q8_0"));
        int sent = Server.Contents.Count(request => request.Path.Contains("-00001-of", StringComparison.Ordinal));
        await CreateStore().PullAsync($"hf:{Repository}:Q8_0", cancellationToken: Cancellation);
        Assert.Equal(sent, Server.Contents.Count(request => request.Path.Contains("-00001-of", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task PartsOfDifferentModelsAreNoModel()
    {
        AddSplit(count: 2);
        Server.Add($"{Repository}/Q8_0/Tiny-Q8_0-00002-of-00002.gguf", CreateModel(1 << 19, (1, 2)));
        ModelDownloadException exception = await Assert.ThrowsAsync<ModelDownloadException>(() => CreateStore().PullAsync($"hf:{Repository}:Q8_0", cancellationToken: Cancellation));
        Assert.Contains("are not one model", exception.Message, StringComparison.Ordinal);
        Assert.Null(CreateStore().Find($"hf:{Repository}:Q8_0"));
    }

    [Fact]
    public async Task PartsThatNobodyVouchesForDoNotStandInTheWayOfRightOnes()
    {
        byte[][] parts = AddSplit(count: 2);
        string second = $"{Repository}/Q8_0/Tiny-Q8_0-00002-of-00002.gguf";
        string address = new Uri(Server.Address, $"/cdn/{Repository}/Q8_0/Tiny-Q8_0-00001-of-00002.gguf").AbsoluteUri;
        Server.Add(second, CreateModel(parts[1].Length, (1, 2)));
        Server.TellsSha256 = false;
        await Assert.ThrowsAsync<ModelDownloadException>(() => CreateStore().PullAsync(address, cancellationToken: Cancellation));
        Server.Add(second, parts[1]);
        StoredModel model = await CreateStore().PullAsync(address, cancellationToken: Cancellation);
        Assert.Equal(parts, model.Files.Select(File.ReadAllBytes));
    }

    [Fact]
    public async Task PartsThatAreNoModelCanBeRemoved()
    {
        AddSplit(count: 2);
        Server.Add($"{Repository}/Q8_0/Tiny-Q8_0-00002-of-00002.gguf", CreateModel(1 << 19, (1, 2)));
        StoredModel other = await CreateStore().PullAsync(Source, cancellationToken: Cancellation);
        await Assert.ThrowsAsync<ModelDownloadException>(() => CreateStore().PullAsync($"hf:{Repository}:Q8_0", cancellationToken: Cancellation));
        Assert.True(await CreateStore().RemoveAsync($"hf:{Repository}:Q8_0", Cancellation));
        Assert.Empty(Directory.EnumerateFiles(Folder.Path, "*Q8_0*", SearchOption.AllDirectories));
        Assert.True(File.Exists(other.Path));
        Assert.False(await CreateStore().RemoveAsync($"hf:{Repository}:Q8_0", Cancellation));
    }

    [Theory]
    [InlineData("hf:someone/Tiny-GGUF:Q5_K_M", "no model quantised as Q5_K_M; it has Q4_K_M, Q8_0")]
    [InlineData("hf:someone/Tiny-GGUF/other.gguf", "no file 'other.gguf'")]
    [InlineData("hf:someone/Nothing", "404")]
    public async Task WhatTheHubDoesNotHaveIsSaid(string source, string message)
    {
        AddSplit(count: 2);
        ModelDownloadException exception = await Assert.ThrowsAsync<ModelDownloadException>(() => CreateStore().PullAsync(source, cancellationToken: Cancellation));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TwoWhoWantTheSameModelShareOneDownload()
    {
        TaskCompletionSource stalled = new();
        Server.Faults.Enqueue(async (context, content) =>
        {
            stalled.SetResult();
            await Server.SendWholeAsync(context, content);
        });
        Task<StoredModel> first = CreateStore().PullAsync(Source, cancellationToken: Cancellation);
        await stalled.Task;
        Task<StoredModel> second = CreateStore().PullAsync(Source, cancellationToken: Cancellation);
        Assert.Equal((await first).Path, (await second).Path);
        Assert.Equal(Content.Length, Server.BytesSent);
    }

    [Fact]
    public async Task VerifyFindsWhatIsDamaged()
    {
        ModelStore store = CreateStore();
        StoredModel model = await store.PullAsync(Source, cancellationToken: Cancellation);
        Assert.True((await store.VerifyAsync(Source, cancellationToken: Cancellation)).IsIntact);
        byte[] damaged = [.. Content];
        damaged[^1] ^= 1;
        await File.WriteAllBytesAsync(model.Path, damaged, Cancellation);
        Assert.Contains("has the SHA-256", Assert.Single((await store.VerifyAsync(Source, cancellationToken: Cancellation)).Problems), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARemovedModelIsGone()
    {
        ModelStore store = CreateStore();
        await store.PullAsync(Source, cancellationToken: Cancellation);
        Assert.True(await store.RemoveAsync(Source, Cancellation));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(Folder.Path, "models")));
        Assert.False(await store.RemoveAsync(Source, Cancellation));
    }

    [Fact]
    public async Task WhatHasComeSoFarCanBeRemoved()
    {
        Server.Faults.Enqueue(Server.CutAfter(1 << 20));
        await Assert.ThrowsAsync<ModelDownloadException>(() => CreateStore(options => options.MaxRetries = 0, settings => settings with { OpenPartial = path => new FullDisk(path, 500_000) }).PullAsync(Source, cancellationToken: Cancellation));
        Assert.True(await CreateStore().RemoveAsync(Source, Cancellation));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(Folder.Path, "models")));
    }

    /// <summary>A process that ends while it writes a journal leaves the new one beside the old one.</summary>
    [Fact]
    public async Task AHalfWrittenJournalIsRemovedWithTheRest()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PartialPath)!);
        foreach (string path in (string[])[PartialPath, PartialPath + ".json", PartialPath + ".json.new"])
            await File.WriteAllTextAsync(path, "{", Cancellation);
        Assert.True(await CreateStore().RemoveAsync(Source, Cancellation));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(Folder.Path, "models")));
    }

    private byte[][] AddSplit(int count)
    {
        byte[][] parts = [.. Enumerable.Range(1, count).Select(number => CreateModel(1 << 19, (number, count)))];
        for (int i = 0; i < count; i++)
            Server.Add($"{Repository}/Q8_0/Tiny-Q8_0-{i + 1:D5}-of-{count:D5}.gguf", parts[i]);
        return parts;
    }

    private sealed class RecordedLog : ILoggerFactory, ILogger
    {
        public List<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Add(formatter(state, exception));

        public void Dispose()
        {
        }
    }

    private sealed class Reports : IProgress<ModelDownloadProgress>
    {
        public List<ModelDownloadProgress> All { get; } = [];

        public void Report(ModelDownloadProgress value)
        {
            lock (All)
                All.Add(value);
        }
    }
}
