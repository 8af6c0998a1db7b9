using System.Diagnostics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace EmbeddedLlm.Native.Tests.Client;

public sealed class TelemetryTests(StarterModelFixture starter)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AChatsActivityNamesProviderModelAndUsage()
    {
        using Activities activities = new("embeddedllm-chat");
        IChatClient chat = starter.Model.AsChatClient().AsBuilder().UseOpenTelemetry(sourceName: "embeddedllm-chat").Build();
        ChatResponse response = await chat.GetResponseAsync("Count to five.", new() { MaxOutputTokens = 50 }, Cancel);
        Activity activity = Assert.Single(activities.Stopped);
        AssertTags(activity, "chat");
        Assert.Equal("starter", activity.GetTagItem("gen_ai.response.model"));
        Assert.Equal(response.Usage!.InputTokenCount, (int)activity.GetTagItem("gen_ai.usage.input_tokens")!);
        Assert.Equal(response.Usage.OutputTokenCount, (int)activity.GetTagItem("gen_ai.usage.output_tokens")!);
        Assert.Equal("[\"stop\"]", activity.GetTagItem("gen_ai.response.finish_reasons"));
        Assert.Equal(response.ResponseId, activity.GetTagItem("gen_ai.response.id"));
    }

    [Fact]
    public async Task AnEmbeddingsActivityNamesProviderModelAndUsage()
    {
        using Activities activities = new("embeddedllm-embeddings");
        IEmbeddingGenerator<string, Embedding<float>> generator = starter.Model.AsEmbeddingGenerator().AsBuilder().UseOpenTelemetry(sourceName: "embeddedllm-embeddings").Build();
        GeneratedEmbeddings<Embedding<float>> embeddings = await generator.GenerateAsync(["The cat sat."], cancellationToken: Cancel);
        Activity activity = Assert.Single(activities.Stopped);
        AssertTags(activity, "embeddings");
        Assert.Equal(embeddings.Usage!.InputTokenCount, (int)activity.GetTagItem("gen_ai.usage.input_tokens")!);
    }

    /// <summary>Telemetry asks for the metadata when its pipeline is built, which is before the first request has loaded the model.</summary>
    [Fact]
    public async Task ActivitiesOfAModelThatAContainerLoadsNameProviderAndModel()
    {
        using Activities activities = new("embeddedllm-container");
        await using ServiceProvider services = new ServiceCollection().AddEmbeddedLlm("starter").AddEmbeddedLlmEmbeddings("Starter").BuildServiceProvider();
        IChatClient chat = services.GetRequiredService<IChatClient>().AsBuilder().UseOpenTelemetry(sourceName: "embeddedllm-container").Build();
        await chat.GetResponseAsync("Hello!", new() { MaxOutputTokens = 1 }, Cancel);
        AssertTags(Assert.Single(activities.Stopped), "chat");
        activities.Stopped.Clear();
        IEmbeddingGenerator<string, Embedding<float>> generator = services.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>().AsBuilder().UseOpenTelemetry(sourceName: "embeddedllm-container").Build();
        await generator.GenerateAsync(["x"], cancellationToken: Cancel);
        AssertTags(Assert.Single(activities.Stopped), "embeddings");
    }

    [Fact]
    public async Task TheMetersMetricsArriveAtOpenTelemetry()
    {
        List<Metric> metrics = [];
        using MeterProvider provider = Sdk.CreateMeterProviderBuilder().AddMeter(EmbeddedModel.MeterName).AddInMemoryExporter(metrics).Build();
        await starter.Chat.GetResponseAsync("Count to five.", cancellationToken: Cancel);
        provider.ForceFlush();
        Metric firstToken = metrics.Single(metric => metric.Name == "gen_ai.server.time_to_first_token");
        Assert.Equal("s", firstToken.Unit);
        MetricPoint point = PointOf(firstToken, "starter");
        Assert.True(point.GetHistogramCount() >= 1);
        List<double> bounds = [];
        foreach (HistogramBucket bucket in point.GetHistogramBuckets())
            bounds.Add(bucket.ExplicitBound);
        Assert.Contains(0.001, bounds);
        Assert.True(PointOf(metrics.Single(metric => metric.Name == "embeddedllm.generated.tokens"), "starter").GetSumLong() >= 5);
        Assert.Equal(starter.Model.CacheLength, PointOf(metrics.Single(metric => metric.Name == "embeddedllm.kv_cache.size"), "starter").GetSumLong() % (starter.Model.CacheLength + 1));
    }

    [Fact]
    public async Task StatisticsAreReadWhileTheModelAnswersAndAfterItsDisposal()
    {
        EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", cancellationToken: Cancel);
        Assert.Equal(new EngineStatistics { CellCount = model.CacheLength, Threads = model.Threads }, model.GetStatistics());
        ChatResponse response = await model.AsChatClient().GetResponseAsync("Count to five.", cancellationToken: Cancel);
        await model.DisposeAsync();
        EngineStatistics figures = model.GetStatistics();
        Assert.Equal(response.Usage!.InputTokenCount, figures.PromptTokens);
        Assert.Equal(response.Usage.OutputTokenCount, figures.GeneratedTokens);
        Assert.Equal((1L, 0L, 0), (figures.Completed, figures.Failed, figures.Running));
        Assert.True(figures.Steps > 1);
    }

    private static void AssertTags(Activity activity, string operation)
    {
        Assert.Equal(operation, activity.GetTagItem("gen_ai.operation.name"));
        Assert.Equal("embeddedllm", activity.GetTagItem("gen_ai.provider.name"));
        Assert.Equal("starter", activity.GetTagItem("gen_ai.request.model"));
    }

    private static MetricPoint PointOf(Metric metric, string model)
    {
        foreach (ref readonly MetricPoint point in metric.GetMetricPoints())
        {
            foreach (KeyValuePair<string, object?> tag in point.Tags)
            {
                if (tag.Key == "gen_ai.request.model" && tag.Value as string == model)
                    return point;
            }
        }

        throw new InvalidOperationException($"{metric.Name} has no point of {model}.");
    }

    private sealed class Activities : IDisposable
    {
        private readonly ActivityListener _listener;

        public Activities(string source)
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = other => other.Name == source,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = Stopped.Add,
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public List<Activity> Stopped { get; } = [];

        public void Dispose() => _listener.Dispose();
    }
}
