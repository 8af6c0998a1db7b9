using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using EmbeddedLlm.SyntheticModels;
using Microsoft.Extensions.Logging;

namespace EmbeddedLlm.Native.Tests.Runtime;

/// <summary>Plans against the sizes that llama.cpp logs when it allocates. The weights are read, not mapped, since a mapping's size is that of the file.</summary>
public sealed partial class MemoryPlanTests
{
    private const double Mebi = 1 << 20;

    // llama.cpp looks for these in models whose name has "phi3" in it.
    private static readonly SyntheticVocabulary Vocabulary = SyntheticVocabulary.ByteLevel(16_000, "<unk>", "<s>", "</s>");

    private static readonly SyntheticShape Medium = new(
        "llama", Layers: 4, Width: 512, Heads: 8, KvHeads: 4, HeadSize: 64, FeedForward: 1536, ContextLength: 32_768, 10_000, 1e-5f, TiedEmbeddings: false, RopeFactors: false, SyntheticMix.Q8_0);

    private static readonly SyntheticShape MediumOfExperts = Medium with { FeedForward = 512, Experts = 8, ExpertsUsed = 2 };

    private static readonly EmbeddedModelOptions[] Settings =
    [
        .. Enumerable.Range(0, 26).Select(RandomSetting),
        new() { ContextLength = 2048, MaxSequences = 1, BatchSize = 1024 },
        new() { ContextLength = 4096, MaxSequences = 4, BatchSize = 256, FlashAttention = false },
        new() { ContextLength = 8192, MaxSequences = 2, KeyCacheType = KvCacheType.Q8_0, ValueCacheType = KvCacheType.Q8_0 },
        new() { ContextLength = 16_384, CacheLength = 16_384, MaxSequences = 8, BatchSize = 128, KeyCacheType = KvCacheType.F32, ValueCacheType = KvCacheType.F32, FlashAttention = true, PrefixCacheLength = 0 },
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("llama")]
    [InlineData("mixtral")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    [InlineData("gemma2")]
    [InlineData("gemma3")]
    [InlineData("phi3")]
    [InlineData("qwen2moe")]
    [InlineData("qwen3moe")]
    [InlineData("gpt-oss")]
    [InlineData("deepseek2")]
    [InlineData("mamba2")]
    [InlineData("granitehybrid")]
    [InlineData("lfm2")]
    public async Task ThePlanIsWhatLlamaCppAllocates(string name)
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf(name + ".gguf");
        SyntheticModel.Write(path, ShapeOf(name), Vocabulary);
        List<string> faults = [];
        double worst = 0;
        for (int i = 0; i < Settings.Length; i++)
        {
            (MemoryPlan plan, Dictionary<string, double> allocated) = await PlanAndLoadAsync(path, Settings[i]);
            DeviceMemoryPlan planned = Assert.Single(plan.Devices);
            double total = allocated.Values.Sum();
            Compare("weights", planned.Weights, "model", 0.01);
            Compare("KV cache", planned.KvCache, "KV", 0.001);
            Compare("states", planned.States, "RS", 0.001);
            Compare("compute", planned.Compute, "compute", 0.1);
            Compare("output", planned.Output, "output", 0.001);
            Compare("total", planned.Total, "total", 0.03);
            worst = Math.Max(worst, Math.Abs((planned.Total / Mebi / total) - 1));

            void Compare(string part, long bytes, string logged, double tolerance)
            {
                double actual = logged == "total" ? total : allocated.GetValueOrDefault(logged);
                double error = (bytes / Mebi) - actual;
                TestContext.Current.TestOutputHelper!.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"{name,-14} {i}  {part,-9} planned {bytes / Mebi,9:F2} MiB  allocated {actual,9:F2} MiB  {(actual > 0 ? error / actual : 0),7:P2}"));
                // Logged sizes have two decimals, and buffers some padding. Where steps are long, a few of them may find another place than here.
                double slack = part is "compute" or "total" ? 8 : 0.1;
                if (Math.Abs(error) > Math.Max(tolerance * actual, slack))
                    faults.Add(string.Create(CultureInfo.InvariantCulture, $"setting {i}: {part} is {bytes / Mebi:F2} MiB in the plan and {actual:F2} MiB in llama.cpp"));
            }
        }

        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {Settings.Length} settings, the total at most {worst:P2} off"));
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [Fact]
    public async Task AModelThatDoesNotFitIsRefusedWithItsPlan()
    {
        EmbeddedModelOptions options = new() { ContextLength = 1024, CacheLength = 1024, GpuLayers = 0, MemoryLimit = long.MaxValue };
        options.MemoryLimit = (await EmbeddedModel.PlanAsync("starter", options, Cancel)).TotalBytes - 1;
        InsufficientMemoryException exception = await Assert.ThrowsAsync<InsufficientMemoryException>(() => EmbeddedModel.LoadAsync("starter", options, cancellationToken: Cancel));
        Assert.False(exception.Plan.Fits);
        Assert.Equal(options.MemoryLimit, exception.Plan.Devices[0].Available);
        Assert.Contains("starter", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AContextThatIsLeftOpenIsMadeToFit()
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("model.gguf");
        SyntheticModel.Write(path, SyntheticShape.Small with { ContextLength = 8192, Layers = 8 }, SyntheticVocabulary.ByteLevel(1000));
        MemoryPlan whole = await EmbeddedModel.PlanAsync(path, new() { ContextLength = 8192, CacheLength = 8192, MaxSequences = 1, MemoryLimit = long.MaxValue }, Cancel);
        EmbeddedModelOptions options = new() { MaxSequences = 1, MemoryLimit = whole.TotalBytes - (whole.Devices[0].KvCache / 2) };
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, options, cancellationToken: Cancel);
        Assert.InRange(model.ContextLength, 4096, 8191);
        Assert.True((await EmbeddedModel.PlanAsync(path, options, Cancel)).Fits);
    }

    /// <summary>What no load would take has no plan.</summary>
    [Theory]
    [InlineData(KvCacheType.Q8_0, KvCacheType.F16, "KeyCacheType")]
    [InlineData(KvCacheType.F16, KvCacheType.Q4_0, "ValueCacheType")]
    public async Task ACacheWhoseBlocksCutHeadsHasNoPlan(KvCacheType keys, KvCacheType values, string option)
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("model.gguf");
        SyntheticModel.Write(path, SyntheticShape.Tiny, SyntheticVocabulary.ByteLevel(300));
        EmbeddedModelOptions options = new() { KeyCacheType = keys, ValueCacheType = values, ContextLength = 64 };
        ModelLoadException refusal = await Assert.ThrowsAsync<ModelLoadException>(() => EmbeddedModel.LoadAsync(path, options, cancellationToken: Cancel));
        ModelLoadException exception = await Assert.ThrowsAsync<ModelLoadException>(() => EmbeddedModel.PlanAsync(path, options, Cancel));
        Assert.Contains(option, exception.Message, StringComparison.Ordinal);
        Assert.Equal(refusal.Message, exception.Message);
    }

    private static EmbeddedModelOptions RandomSetting(int seed)
    {
        Random random = new(seed);
        KvCacheType[] types = [KvCacheType.F32, KvCacheType.F16, KvCacheType.BF16, KvCacheType.Q8_0, KvCacheType.Q5_0, KvCacheType.Q4_0];
        EmbeddedModelOptions setting = new()
        {
            ContextLength = random.Next(256, 12_000),
            MaxSequences = random.Next(1, 9),
            BatchSize = 1 << random.Next(5, 12),
            KeyCacheType = types[random.Next(types.Length)],
            FlashAttention = random.Next(3) switch { 0 => null, 1 => true, _ => false },
        };
        if (random.Next(2) == 0)
            setting.CacheLength = setting.ContextLength + random.Next(8_000);
        // llama.cpp has quantised values with flash attention only.
        setting.ValueCacheType = types[random.Next(setting.FlashAttention == true ? types.Length : 2)];
        return setting;
    }

    private static SyntheticShape ShapeOf(string name) => name switch
    {
        "mixtral" => MediumOfExperts,
        // In the latter each sixth layer looks back without limit.
        "gemma2" or "gemma3" => Medium with { Architecture = name, Layers = 6, Window = 1024, TiedEmbeddings = true },
        "qwen2moe" or "qwen3moe" => MediumOfExperts with { Architecture = name },
        "gpt-oss" => MediumOfExperts with { Architecture = name, Window = 128 },
        "deepseek2" => MediumOfExperts with { Architecture = name, KvHeads = 1, LatentRank = 256 },
        "mamba2" or "granitehybrid" => Medium with { Architecture = name, StateSize = 128 },
        _ => Medium with { Architecture = name },
    };

    private static async Task<(MemoryPlan Plan, Dictionary<string, double> Allocated)> PlanAndLoadAsync(string path, EmbeddedModelOptions setting)
    {
        BufferSizes sizes = new();
        EmbeddedModelOptions options = new()
        {
            ContextLength = setting.ContextLength,
            CacheLength = setting.CacheLength,
            MaxSequences = setting.MaxSequences,
            BatchSize = setting.BatchSize,
            // Latent attention keeps both in one.
            KeyCacheType = path.Contains("deepseek2", StringComparison.Ordinal) ? setting.ValueCacheType : setting.KeyCacheType,
            ValueCacheType = setting.ValueCacheType,
            FlashAttention = setting.FlashAttention,
            PrefixCacheLength = setting.PrefixCacheLength,
            GpuLayers = 0,
            MemoryMap = false,
            LoggerFactory = sizes,
        };
        MemoryPlan plan = await EmbeddedModel.PlanAsync(path, options, Cancel);
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, options, cancellationToken: Cancel);
        Assert.Equal((plan.ContextLength, (plan.CacheLength + 255) / 256 * 256), (model.ContextLength, model.CacheLength == 0 ? plan.CacheLength : (model.CacheLength + 255) / 256 * 256));
        return (plan, sizes.Mebibytes);
    }

    /// <summary>Adds up the buffers that llama.cpp logs, by their kind: those of the thread that loaded the model, as all loads of the process log to all loggers.</summary>
    private sealed partial class BufferSizes : ILoggerFactory, ILogger
    {
        private readonly ConcurrentQueue<(int Thread, string Text)> _lines = new();

        public Dictionary<string, double> Mebibytes
        {
            get
            {
                Dictionary<string, double> sums = [];
                int loader = _lines.Single(line => line.Text.StartsWith("Loaded ", StringComparison.Ordinal)).Thread;
                foreach ((_, string text) in _lines.Where(line => line.Thread == loader))
                {
                    if (BufferSize().Match(text) is { Success: true } match)
                        sums[match.Groups[1].Value] = sums.GetValueOrDefault(match.Groups[1].Value) + double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture);
                }

                return sums;
            }
        }

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Enqueue((Environment.CurrentManagedThreadId, formatter(state, exception)));

        public void Dispose()
        {
        }

        [GeneratedRegex(@"(model|KV|RS|compute|output) buffer size = +([0-9.]+) MiB")]
        private static partial Regex BufferSize();
    }
}
