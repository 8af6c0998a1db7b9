using System.Diagnostics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace EmbeddedLlm.Native.Tests.Client;

public sealed class PipelineTests(StarterModelFixture starter)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void ServicesAreAnswered()
    {
        ChatClientMetadata metadata = starter.Chat.GetRequiredService<ChatClientMetadata>();
        Assert.Equal(("embeddedllm", "starter"), (metadata.ProviderName, metadata.DefaultModelId));
        Assert.Same(starter.Model, starter.Chat.GetService<EmbeddedModel>());
        Assert.Same(starter.Chat, starter.Chat.GetService<IChatClient>());
        Assert.Null(starter.Chat.GetService<string>());
        Assert.Null(starter.Chat.GetService(typeof(IChatClient), "key"));
    }

    [Fact]
    public async Task DisposingAClientLeavesTheModelLoaded()
    {
        starter.Model.AsChatClient().Dispose();
        Assert.Equal("1, 2, 3, 4, 5.", (await starter.Chat.GetResponseAsync("Count to five.", cancellationToken: Cancel)).Text);
    }

    [Fact]
    public async Task LoggingCachingAndTelemetryWorkAroundIt()
    {
        List<Activity> activities = [];
        using TracerProvider tracing = Sdk.CreateTracerProviderBuilder().AddSource("embeddedllm-test").AddInMemoryExporter(activities).Build();
        RecordingLoggerFactory logs = new();
        IChatClient chat = starter.Model.AsChatClient().AsBuilder()
            .UseLogging(logs)
            .UseDistributedCache(new MemoryDistributedCache(Options.Create(new MemoryDistributedCacheOptions())))
            .UseOpenTelemetry(logs, "embeddedllm-test")
            .Build();

        ChatResponse first = await chat.GetResponseAsync("Count to five.", cancellationToken: Cancel);
        ChatResponse second = await chat.GetResponseAsync("Count to five.", cancellationToken: Cancel);
        Assert.Equal("1, 2, 3, 4, 5.", first.Text);
        Assert.Equal(first.ResponseId, second.ResponseId);
        Activity activity = Assert.Single(activities);
        Assert.Equal("embeddedllm", activity.GetTagItem("gen_ai.provider.name"));
        Assert.Equal(25, (int)activity.GetTagItem("gen_ai.usage.input_tokens")! + (int)activity.GetTagItem("gen_ai.usage.output_tokens")!);
        Assert.Contains(logs.Lines, line => line.Contains("GetResponseAsync", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AllMiddlewareWorksAroundItAtOnce(bool isStreamed)
    {
        List<Activity> activities = [];
        string source = $"embeddedllm-stack-{isStreamed}";
        using TracerProvider tracing = Sdk.CreateTracerProviderBuilder().AddSource(source).AddInMemoryExporter(activities).Build();
        RecordingLoggerFactory logs = new();
        int calls = 0;
#pragma warning disable MEAI001 // The reducers are experimental.
        IChatClient chat = starter.Model.AsChatClient().AsBuilder()
            .UseLogging(logs)
            .UseDistributedCache(new MemoryDistributedCache(Options.Create(new MemoryDistributedCacheOptions())))
            .UseOpenTelemetry(logs, source)
            .UseFunctionInvocation(logs, client => client.MaximumIterationsPerRequest = 1)
            .UseChatReducer(new MessageCountingChatReducer(2))
            .ConfigureOptions(options => options.Temperature = 0)
            .Build();
#pragma warning restore MEAI001
        ChatOptions options = new() { Tools = [AIFunctionFactory.Create(() => { calls++; return "sunny"; }, "weather")], ToolMode = ChatToolMode.RequireAny };
        ChatMessage[] messages = [new(ChatRole.User, "Hello!"), new(ChatRole.Assistant, "Hi."), new(ChatRole.User, "How is the weather?")];
        ChatResponse first = await AskAsync();
        ChatResponse second = await AskAsync();
        Assert.Equal(first.Text, second.Text);
        Assert.Equal("weather", Assert.Single(first.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>()).Name);
        Assert.Equal("sunny", Assert.Single(first.Messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>()).Result?.ToString());
        Assert.True(first.Usage!.OutputTokenCount > 0);
        // The second answer is the cache's.
        Assert.Equal(1, calls);
        Assert.Contains(activities, activity => activity.GetTagItem("gen_ai.provider.name") as string == "embeddedllm");
        Assert.Contains(logs.Lines, line => line.Contains(isStreamed ? "GetStreamingResponseAsync" : "GetResponseAsync", StringComparison.Ordinal));

        async Task<ChatResponse> AskAsync() => isStreamed
            ? await chat.GetStreamingResponseAsync(messages, options, Cancel).ToChatResponseAsync(Cancel)
            : await chat.GetResponseAsync(messages, options, Cancel);
    }

    [Fact]
    public async Task AContainerLoadsTheModelWithTheFirstRequestAndFreesIt()
    {
        RecordingLoggerFactory logs = new();
        ServiceProvider services = new ServiceCollection()
            .AddSingleton<ILoggerFactory>(logs)
            .AddEmbeddedLlm("starter", options => options.MaxSequences = 2)
            .BuildServiceProvider();
        IChatClient chat = services.GetRequiredService<IChatClient>();
        Assert.Null(chat.GetService<EmbeddedModel>());
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ => (await chat.GetResponseAsync("Count to five.", cancellationToken: Cancel)).Text));
        Assert.All(answers, answer => Assert.Equal("1, 2, 3, 4, 5.", answer));
        EmbeddedModel model = chat.GetRequiredService<EmbeddedModel>();
        Assert.Contains(logs.Lines, line => line.StartsWith("llama.cpp:", StringComparison.Ordinal));
        await services.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(() => model.Tokenize("x"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => chat.GetResponseAsync("Hello!", cancellationToken: Cancel));
    }

    [Fact]
    public async Task OptionsMayServeTheNextRequestWhileTheModelIsLoaded()
    {
        await using ServiceProvider services = new ServiceCollection().AddEmbeddedLlm("starter").BuildServiceProvider();
        IChatClient client = services.GetRequiredService<IChatClient>();
        ChatOptions options = new() { Temperature = 0, MaxOutputTokens = 1 };
        Task<ChatResponse> first = client.GetResponseAsync("Count to five.", options, Cancel);
        options.MaxOutputTokens = 2;
        Assert.Equal(1, (await first).Usage!.OutputTokenCount);
    }

    [Fact]
    public async Task AContainerMayBeDisposedSynchronously()
    {
        ServiceProvider services = new ServiceCollection().AddEmbeddedLlm("starter").BuildServiceProvider();
        IChatClient chat = services.GetRequiredService<IChatClient>();
        await chat.GetResponseAsync("Hello!", cancellationToken: Cancel);
        EmbeddedModel model = chat.GetRequiredService<EmbeddedModel>();
        services.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.Tokenize("x"));
    }

    [Fact]
    public async Task OptionsThatMakeNoSenseAreToldBeforeTheFirstRequest()
    {
        await using ServiceProvider services = new ServiceCollection().AddEmbeddedLlm("starter", options => options.MaxSequences = 0).BuildServiceProvider();
        Assert.Equal(nameof(EmbeddedModelOptions.MaxSequences), Assert.Throws<ArgumentOutOfRangeException>(services.GetRequiredService<IChatClient>).ParamName);
    }

    [Fact]
    public async Task SeveralModelsAreRegisteredUnderKeys()
    {
        await using ServiceProvider services = new ServiceCollection()
            .AddEmbeddedLlm("starter")
            .AddKeyedEmbeddedLlm("small", "starter", options => options.ContextLength = 64)
            .AddKeyedEmbeddedLlmEmbeddings("small", "starter", options: new() { Pooling = EmbeddingPooling.Last })
            .BuildServiceProvider();
        IChatClient chat = services.GetRequiredKeyedService<IChatClient>("small");
        Assert.NotSame(services.GetRequiredService<IChatClient>(), chat);
        await chat.GetResponseAsync("Hello!", cancellationToken: Cancel);
        Assert.Equal(64, chat.GetRequiredService<EmbeddedModel>().ContextLength);
        Assert.NotNull(services.GetKeyedService<IEmbeddingGenerator<string, Embedding<float>>>("small"));
        Assert.Null(services.GetService<IEmbeddingGenerator<string, Embedding<float>>>());
    }

    /// <summary>Whoever makes the messages may be bound to the caller's thread, and a list may change while the model is loaded or the prompt is made.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task MessagesAreGoneThroughBeforeTheCallReturns(bool isContained)
    {
        await using ServiceProvider services = new ServiceCollection().AddEmbeddedLlm("starter").BuildServiceProvider();
        IChatClient chat = isContained ? services.GetRequiredService<IChatClient>() : starter.Chat;
        int caller = Environment.CurrentManagedThreadId;
        List<int> threads = [];
        List<ChatMessage> history = [new(ChatRole.User, "Count to five.")];
        Task<ChatResponse> response = chat.GetResponseAsync(Messages(), cancellationToken: Cancel);
        history.Clear();
        Assert.Equal("1, 2, 3, 4, 5.", (await response).Text);
        Assert.Equal([caller], threads);

        IEnumerable<ChatMessage> Messages()
        {
            threads.Add(Environment.CurrentManagedThreadId);
            foreach (ChatMessage message in history)
                yield return message;
        }
    }

    [Fact]
    public async Task AFailedLoadIsTheRequestsErrorAndIsTriedAgain()
    {
        await using ServiceProvider services = new ServiceCollection().AddEmbeddedLlm("no-such-model").BuildServiceProvider();
        IChatClient chat = services.GetRequiredService<IChatClient>();
        await Assert.ThrowsAsync<ModelLoadException>(() => chat.GetResponseAsync("Hello!", cancellationToken: Cancel));
        await Assert.ThrowsAsync<ModelLoadException>(() => chat.GetResponseAsync("Hello!", cancellationToken: Cancel));
    }

    private sealed class RecordingLoggerFactory : ILoggerFactory, ILogger
    {
        private readonly System.Collections.Concurrent.ConcurrentQueue<string> _lines = new();

        public IEnumerable<string> Lines => _lines;

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
