using EmbeddedLlm.Gguf;
using EmbeddedLlm.SyntheticModels;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace EmbeddedLlm.Native.Tests.Runtime;

public sealed class LoadTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static string Starter => Path.Combine(AppContext.BaseDirectory, "models", "starter.gguf");

    [Fact]
    public async Task ProgressGoesFromZeroToOne()
    {
        RecordingProgress progress = new();
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", progress: progress, cancellationToken: Cancel);
        Assert.Equal(progress.Values.Order(), progress.Values);
        Assert.Equal(1f, progress.Values[^1]);
    }

    [Fact]
    public async Task AProgressThatThrowsStopsTheLoadWithItsException()
    {
        RecordingProgress progress = new() { OnReport = () => throw new InvalidOperationException("on purpose") };
        InvalidOperationException exception = await Assert.ThrowsAsync<InvalidOperationException>(() => EmbeddedModel.LoadAsync("starter", progress: progress, cancellationToken: Cancel));
        Assert.Equal("on purpose", exception.Message);
    }

    [Fact]
    public async Task OptionsThatAreChangedAfterwardsHaveNoEffect()
    {
        List<string> devices = [];
        EmbeddedModelOptions options = new() { ContextLength = 300, MaxSequences = 2, Devices = devices, GpuLayers = 0 };
        Task<EmbeddedModel> loading = EmbeddedModel.LoadAsync("starter", options, cancellationToken: Cancel);
        options.ContextLength = 200;
        options.MaxSequences = -1;
        options.KeyCacheType = (KvCacheType)77;
        options.ChatTemplate = "{{";
        devices.Add("no such device");
        await using EmbeddedModel model = await loading;
        Assert.Equal(300, model.ContextLength);
        Assert.Equal("1, 2, 3, 4, 5.", (await model.AsChatClient().GetResponseAsync("Count to five.", cancellationToken: Cancel)).Text);
        Assert.NotEmpty(await model.AsEmbeddingGenerator().GenerateAsync(["Hello"], cancellationToken: Cancel));
    }

    /// <summary>To open a pipe that nobody writes to would never end.</summary>
    [Fact]
    public async Task APipeIsNoModelAndNoAdapterAndNoPrefix()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there are no pipes in folders");
        using TemporaryFolder folder = new();
        string pipe = folder.PathOf("pipe.gguf");
        string link = folder.PathOf("link.gguf");
        using (System.Diagnostics.Process process = System.Diagnostics.Process.Start("mkfifo", [pipe]))
            await process.WaitForExitAsync(Cancel);
        File.CreateSymbolicLink(link, pipe);
        await Assert.ThrowsAsync<GgufFormatException>(() => EmbeddedModel.LoadAsync(pipe, cancellationToken: Cancel));
        await Assert.ThrowsAsync<GgufFormatException>(() => EmbeddedModel.LoadAsync(link, cancellationToken: Cancel));
        await Assert.ThrowsAsync<GgufFormatException>(() => EmbeddedModel.LoadAsync("starter", new() { Adapters = [new LoraAdapter(pipe)] }, cancellationToken: Cancel));
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", cancellationToken: Cancel);
        await Assert.ThrowsAsync<PrefixFileException>(() => model.RestoreAsync(pipe, cancellationToken: Cancel));
    }

    [Fact]
    public async Task AModelMayBeALinkToItsFile()
    {
        using TemporaryFolder folder = new();
        string link = folder.PathOf("link.gguf");
        File.CreateSymbolicLink(link, Starter);
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(link, cancellationToken: Cancel);
        Assert.Equal("1, 2, 3, 4, 5.", (await model.AsChatClient().GetResponseAsync("Count to five.", cancellationToken: Cancel)).Text);
    }

    /// <summary>In a server it is some request that loads the model first, and what is ambient in it (its services, its user, its activity) ends with it.</summary>
    [Fact]
    public async Task AModelKeepsNothingAliveThatIsAmbientWhereItIsLoaded()
    {
        (EmbeddedModel model, WeakReference ambient) = await Task.Run(LoadAsync, Cancel);
        await using (model)
        {
            for (int i = 0; i < 100 && ambient.IsAlive; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                await Task.Yield();
            }

            Assert.False(ambient.IsAlive);
        }

        static async Task<(EmbeddedModel Model, WeakReference Ambient)> LoadAsync()
        {
            AsyncLocal<object> local = new() { Value = new object() };
            WeakReference ambient = new(local.Value);
            EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", cancellationToken: Cancel);
            await model.AsChatClient().GetResponseAsync("Count to five.", cancellationToken: Cancel);
            await model.AsEmbeddingGenerator().GenerateAsync(["Hello"], cancellationToken: Cancel);
            return (model, ambient);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("starter")]
    public async Task AModelThatNobodyDisposesLeavesNoThreadBehind(string? draftModel)
    {
        WeakReference[] engines = await Task.Run(LoadAsync, Cancel);
        await AssertCollectedAsync(engines);

        async Task<WeakReference[]> LoadAsync()
        {
            EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", new() { DraftModel = draftModel }, cancellationToken: Cancel);
            await model.AsChatClient().GetResponseAsync("Count to five.", cancellationToken: Cancel);
            // What holds an answer to a grammar knows the model.
            await model.AsChatClient().GetResponseAsync("A number, please.", new() { ResponseFormat = ChatResponseFormat.Json, MaxOutputTokens = 20 }, Cancel);
            IEmbeddingGenerator<string, Embedding<float>> generator = model.AsEmbeddingGenerator();
            await generator.GenerateAsync(["Hello"], cancellationToken: Cancel);
            return [new(model), new(model.Engine), new(generator)];
        }
    }

    [Fact]
    public async Task ALoggerThatThrowsAtTheEndOfALoadLeavesNoThreadBehind()
    {
        await AssertCollectedAsync([await Task.Run(LoadAsync, Cancel)]);

        static async Task<WeakReference> LoadAsync()
        {
            FailingLogger logger = new();
            await Assert.ThrowsAsync<InvalidOperationException>(() => EmbeddedModel.LoadAsync("starter", new() { LoggerFactory = logger }, cancellationToken: Cancel));
            return new WeakReference(logger);
        }
    }

    private static async Task AssertCollectedAsync(WeakReference[] references)
    {
        for (int i = 0; i < 200 && references.Any(reference => reference.IsAlive); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Delay(10, Cancel);
        }

        Assert.DoesNotContain(references, reference => reference.IsAlive);
    }

    [Fact]
    public async Task CancellationDuringTheLoadStopsIt()
    {
        using CancellationTokenSource source = new();
        RecordingProgress progress = new() { OnReport = source.Cancel };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => EmbeddedModel.LoadAsync("starter", progress: progress, cancellationToken: source.Token));
        Assert.NotEqual(1f, progress.Values[^1]);
    }

    [Fact]
    public async Task FactsAndMetadataAreThere()
    {
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(Starter, new() { ContextLength = 300, MaxSequences = 3, Threads = 1 }, cancellationToken: Cancel);
        Assert.Equal("starter", model.Id);
        Assert.Equal(Starter, model.Path);
        Assert.Equal((918_656, 1024, 300, 1), (model.ParameterCount, model.VocabularySize, model.ContextLength, model.Threads));
        Assert.Equal(1024, model.CacheLength);
        Assert.True(model.Metadata.TryGetString("general.architecture", out string? architecture));
        Assert.Equal("llama", architecture);
    }

    [Theory]
    [InlineData(KvCacheType.F32, KvCacheType.F32)]
    [InlineData(KvCacheType.BF16, KvCacheType.F16)]
    [InlineData(KvCacheType.Q8_0, KvCacheType.Q8_0)]
    public async Task KvCacheTypesAreHonoured(KvCacheType keys, KvCacheType values)
    {
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", new() { KeyCacheType = keys, ValueCacheType = values }, cancellationToken: Cancel);
        Assert.Equal("1, 2, 3, 4, 5.", (await model.AsChatClient().GetResponseAsync("Count to five.", cancellationToken: Cancel)).Text);
    }

    [Fact]
    public async Task AQuantisedValueCacheWithoutFlashAttentionIsRefusedInWords()
    {
        EmbeddedModelOptions options = new() { ValueCacheType = KvCacheType.Q8_0, FlashAttention = false };
        ArgumentException exception = await Assert.ThrowsAsync<ArgumentException>(() => EmbeddedModel.LoadAsync("starter", options, cancellationToken: Cancel));
        Assert.Contains("FlashAttention", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(KvCacheType.Q8_0, null)]
    [InlineData(KvCacheType.Q4_0, false)]
    [InlineData(KvCacheType.Q5_0, true)]
    public async Task AQuantisedKeyCacheWhoseBlocksCutHeadsIsRefusedInWords(KvCacheType keys, bool? flashAttention)
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("model.gguf");
        SyntheticModel.Write(path, SyntheticShape.Tiny, SyntheticVocabulary.ByteLevel(300));
        EmbeddedModelOptions options = new() { KeyCacheType = keys, FlashAttention = flashAttention, ContextLength = 64 };
        ModelLoadException exception = await Assert.ThrowsAsync<ModelLoadException>(() => EmbeddedModel.LoadAsync(path, options, cancellationToken: Cancel));
        Assert.Contains("KeyCacheType", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NoMoreThreadsComputeThanThereAreCores()
    {
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", new() { Threads = 10_000 }, cancellationToken: Cancel);
        Assert.Equal(Environment.ProcessorCount, model.Threads);
    }

    [Fact]
    public async Task AReadInsteadOfMappedModelAnswersTheSame()
    {
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", new() { MemoryMap = false }, cancellationToken: Cancel);
        Assert.Equal("1, 2, 3, 4, 5.", (await model.AsChatClient().GetResponseAsync("Count to five.", cancellationToken: Cancel)).Text);
    }

    [Fact]
    public async Task ACacheThatCannotFitIsRefusedBeforeItIsAllocated()
    {
        InsufficientMemoryException exception = await Assert.ThrowsAsync<InsufficientMemoryException>(() => EmbeddedModel.LoadAsync("starter", new() { CacheLength = int.MaxValue - 1000 }, cancellationToken: Cancel));
        Assert.Contains("MiB", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<!DOCTYPE html><html><body>404</body></html>")]
    [InlineData("")]
    [InlineData("GGUF")]
    public async Task AFileThatIsNoModelIsAFormatError(string content)
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("model.gguf", System.Text.Encoding.UTF8.GetBytes(content));
        GgufFormatException exception = await Assert.ThrowsAsync<GgufFormatException>(() => EmbeddedModel.LoadAsync(path, cancellationToken: Cancel));
        Assert.Equal(path, exception.Path);
        Assert.Contains(path, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFileCutShortIsAFormatError()
    {
        using TemporaryFolder folder = new();
        byte[] whole = await File.ReadAllBytesAsync(Starter, Cancel);
        foreach (int length in (int[])[100, 10_000, 100_000, whole.Length - 1])
        {
            string path = folder.Write("model.gguf", whole.AsSpan(0, length));
            await Assert.ThrowsAsync<GgufFormatException>(() => EmbeddedModel.LoadAsync(path, cancellationToken: Cancel));
        }
    }

    [Fact]
    public async Task AnUnknownArchitectureIsAnErrorWithLlamaCppsOwnWords()
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("model.gguf");
        SyntheticModel.Write(path, SyntheticShape.Tiny with { Architecture = "nonsense" }, SyntheticVocabulary.ByteLevel(512));
        ModelLoadException exception = await Assert.ThrowsAsync<ModelLoadException>(() => EmbeddedModel.LoadAsync(path, cancellationToken: Cancel));
        Assert.Contains("nonsense", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AModelWithoutAChatTemplateNeedsChatMlToBeAskedFor()
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("model.gguf");
        WriteStarterWithout("tokenizer.chat_template", path);

        await using (EmbeddedModel model = await EmbeddedModel.LoadAsync(path, cancellationToken: Cancel))
            Assert.Contains("ChatTemplateFallback", Assert.Throws<ModelLoadException>(model.AsChatClient).Message, StringComparison.Ordinal);
        await using (EmbeddedModel model = await EmbeddedModel.LoadAsync(path, new() { ChatTemplateFallback = ChatTemplateFallback.ChatMl }, cancellationToken: Cancel))
            Assert.Equal(3, (await model.AsChatClient().GetResponseAsync("Hello!", new() { MaxOutputTokens = 3 }, Cancel)).Usage!.OutputTokenCount);
    }

    [Fact]
    public async Task ABrokenChatTemplateIsAnErrorWithItsPlace()
    {
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", new() { ChatTemplate = "{% for message in messages %}\n{{ message." }, cancellationToken: Cancel);
        Templates.ChatTemplateException exception = Assert.Throws<Templates.ChatTemplateException>(model.AsChatClient);
        Assert.Equal(2, exception.Line);
    }

    [Fact]
    public async Task DisposalWhileRequestsRunEndsThemAndReturns()
    {
        EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", new() { MaxSequences = 4 }, cancellationToken: Cancel);
        IChatClient chat = model.AsChatClient();
        ChatOptions endless = new()
        {
            RawRepresentationFactory = _ => new EmbeddedChatOptions { LogitBias = new Dictionary<int, float> { [model.Tokenize("<|im_end|>", true)[0]] = float.NegativeInfinity } },
        };
        TaskCompletionSource running = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task[] requests = [.. Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                await foreach (ChatResponseUpdate update in chat.GetStreamingResponseAsync("Tell me a story.", endless, Cancel))
                    running.TrySetResult();
            }
        }))];
        await running.Task;
        await model.DisposeAsync();
        foreach (Task request in requests)
            await Assert.ThrowsAsync<ObjectDisposedException>(() => request);
        await model.DisposeAsync();
        model.Dispose();
    }

    [Fact]
    public async Task WhoeverUsesADisposedModelHearsOfTheModel()
    {
        EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", cancellationToken: Cancel);
        IChatClient chat = model.AsChatClient();
        IEmbeddingGenerator<string, Embedding<float>> generator = model.AsEmbeddingGenerator();
        await model.DisposeAsync();
        Func<Task>[] uses =
        [
            () => chat.GetResponseAsync("Hello!", cancellationToken: Cancel),
            () => chat.GetStreamingResponseAsync("Hello!", cancellationToken: Cancel).ToListAsync(Cancel).AsTask(),
            () => generator.GenerateAsync(["Hello!"], cancellationToken: Cancel),
            () => model.CompleteAsync("Hello!", cancellationToken: Cancel),
            () => Task.FromResult(model.Tokenize("Hello!")),
        ];
        foreach (Func<Task> use in uses)
        {
            ObjectDisposedException exception = await Assert.ThrowsAsync<ObjectDisposedException>(use);
            Assert.Contains("The model has been disposed", exception.Message, StringComparison.Ordinal);
            Assert.Empty(exception.ObjectName);
        }
    }

    [Fact]
    public async Task ALongPrefillIsCancelledInTheMidstOfADecode()
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("model.gguf");
        SyntheticModel.Write(path, SyntheticShape.Small with { Layers = 8, Width = 512, FeedForward = 2048, ContextLength = 8192 }, SyntheticVocabulary.ByteLevel(2048));
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, new() { ContextLength = 8192, BatchSize = 8192, MaxSequences = 1 }, cancellationToken: Cancel);
        IChatClient chat = model.AsChatClient();
        using CancellationTokenSource source = new();
        ValueTask<bool> reading = chat.GetStreamingResponseAsync(new string('x', 8000), cancellationToken: source.Token).GetAsyncEnumerator(source.Token).MoveNextAsync();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await reading);
        Assert.Equal(1, (await chat.GetResponseAsync("Hello!", new() { MaxOutputTokens = 1 }, Cancel)).Usage!.OutputTokenCount);
    }

    private static void WriteStarterWithout(string key, string path)
    {
        GgufFile starter = GgufFile.Open(Starter);
        byte[] bytes = File.ReadAllBytes(Starter);
        GgufWriter writer = new();
        foreach ((string name, GgufValue value) in starter.Metadata.Where(entry => entry.Key != key))
            writer.Add(name, value);
        foreach (GgufTensorInfo tensor in starter.Tensors)
            writer.AddTensor(tensor.Name, tensor.Type, tensor.Dimensions, bytes.AsMemory((int)(starter.DataOffset + tensor.Offset), (int)tensor.ByteSize));
        using FileStream stream = File.Create(path);
        writer.Write(stream, TestContext.Current.CancellationToken);
    }

    private sealed class FailingLogger : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel == LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException("on purpose");

        public void Dispose()
        {
        }
    }

    private sealed class RecordingProgress : IProgress<float>
    {
        public List<float> Values { get; } = [];

        public Action OnReport { get; init; } = () => { };

        public void Report(float value)
        {
            Values.Add(value);
            OnReport();
        }
    }
}
