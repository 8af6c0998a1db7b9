using EmbeddedLlm.Gguf;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.SyntheticModels;
using EmbeddedLlm.Tests.Gguf;

namespace EmbeddedLlm.Tests.Runtime;

public sealed class MemoryPlannerTests
{
    private const int Step = 256;

    private static readonly SyntheticShape Shape = SyntheticShape.Tiny with { Layers = 6, ContextLength = 16_384 };

    private static readonly MachineMemory Endless = new(null, []);

    [Theory]
    [InlineData("qwen2")]
    [InlineData("gemma2")]
    [InlineData("granitehybrid")]
    public void TheLargestContextFitsAndOneStepMoreDoesNot(string architecture)
    {
        ModelMemory memory = MemoryOf(SyntheticShape.TinyOf(architecture) with { ContextLength = 16_384 });
        long whole = PlanOf(memory, new() { ContextLength = 16_384, CacheLength = 16_384 }, Endless).TotalBytes;
        long none = PlanOf(memory, new() { ContextLength = Step, CacheLength = Step }, Endless).TotalBytes;
        foreach (double share in (double[])[0.1, 0.37, 0.5, 0.93])
        {
            MachineMemory machine = new(none + (long)((whole - none) * share), []);
            int largest = PlanOf(memory, new(), machine).LargestContextLength;
            Assert.InRange(largest, Step, 16_384 - Step);
            Assert.True(PlanOf(memory, new() { ContextLength = largest, CacheLength = largest }, machine).Fits);
            Assert.False(PlanOf(memory, new() { ContextLength = largest + Step, CacheLength = largest + Step }, machine).Fits);
        }
    }

    [Fact]
    public void NoContextIsLargerThanTheTrainedOne() => Assert.Equal(16_384, PlanOf(MemoryOf(Shape), new(), Endless).LargestContextLength);

    [Fact]
    public void WhereNothingFitsTheLargestContextIsNone()
    {
        MemoryPlan plan = PlanOf(MemoryOf(Shape), new(), new MachineMemory(1000, []));
        Assert.Equal((0, false), (plan.LargestContextLength, plan.Fits));
    }

    [Fact]
    public void AnOpenCacheShrinksBeforeTheContext()
    {
        ModelMemory memory = MemoryOf(Shape);
        MemoryPlan wanted = PlanOf(memory, new() { ContextLength = 4096 }, Endless);
        Assert.Equal(8 * 4096, wanted.CacheLength);
        MemoryPlan plan = PlanOf(memory, new() { ContextLength = 4096 }, new MachineMemory(wanted.TotalBytes - (wanted.Devices[0].KvCache / 3), []));
        Assert.True(plan.Fits);
        Assert.Equal(4096, plan.ContextLength);
        Assert.InRange(plan.CacheLength, 4096, wanted.CacheLength - Step);
    }

    [Fact]
    public void AContextThatWasAskedForStays()
    {
        MemoryPlan plan = PlanOf(MemoryOf(Shape), new() { ContextLength = 4096 }, new MachineMemory(1000, []));
        Assert.Equal((4096, 4096, false), (plan.ContextLength, plan.CacheLength, plan.Fits));
    }

    [Fact]
    public void AllLayersAreOnAGpuWithRoom()
    {
        MemoryPlan plan = PlanOf(MemoryOf(Shape), new(), new MachineMemory(null, [new GpuMemory("CUDA0", 1L << 30)]));
        Assert.Equal((7, 7), (plan.GpuLayers, plan.Layers));
        Assert.Equal(["CPU", "CUDA0"], plan.Devices.Select(device => device.Device));
        Assert.Equal(0, plan.Devices[0].KvCache);
    }

    [Fact]
    public void OneLayerMoreThanOnASmallGpuWouldNotFit()
    {
        ModelMemory memory = MemoryOf(Shape);
        DeviceMemoryPlan all = PlanOf(memory, new(), new MachineMemory(null, [new GpuMemory("CUDA0", null)])).Devices[1];
        MachineMemory machine = new(null, [new GpuMemory("CUDA0", all.Total - (all.KvCache / 2))]);
        MemoryPlan plan = PlanOf(memory, new() { CacheLength = 65_536, ContextLength = 8192 }, machine);
        Assert.InRange(plan.GpuLayers, 1, 6);
        Assert.True(plan.Fits);
        Assert.False(PlanOf(memory, new() { CacheLength = 65_536, ContextLength = 8192, GpuLayers = plan.GpuLayers + 1 }, machine).Fits);
    }

    [Fact]
    public void LayersGoToGpusByTheirFreeMemory()
    {
        MemoryPlan plan = PlanOf(MemoryOf(Shape with { Layers = 11 }), new() { GpuLayers = 8 }, new MachineMemory(null, [new GpuMemory("A", 3L << 30), new GpuMemory("B", 1L << 30)]));
        Assert.Equal(8, plan.GpuLayers);
        // Twelve layers with the output: four in main memory, six on the first GPU, one and the output on the second.
        Assert.Equal([4, 6, 1], plan.Devices.Select(device => (int)(device.KvCache * 11 / plan.Devices.Sum(each => each.KvCache))));
    }

    [Fact]
    public void LayersGoToGpusByTheirShares()
    {
        MachineMemory machine = new(null, [new GpuMemory("A", 3L << 30), new GpuMemory("B", 1L << 30)]);
        MemoryPlan plan = PlanOf(MemoryOf(Shape with { Layers = 11 }), new() { GpuLayers = 8, DeviceShares = [1, 3] }, machine);
        Assert.Equal([4, 2, 5], plan.Devices.Select(device => (int)(device.KvCache * 11 / plan.Devices.Sum(each => each.KvCache))));
    }

    [Fact]
    public void NoMoreLayersAreOnGpusThanWereNotRefused()
    {
        MachineMemory machine = new(null, [new GpuMemory("CUDA0", 1L << 30)]);
        Assert.Equal(4, new MemoryPlanner(MemoryOf(Shape), new(), machine, mostGpuLayers: 4).Choose("model").Plan.GpuLayers);
        Assert.Equal(7, new MemoryPlanner(MemoryOf(Shape), new(), machine, mostGpuLayers: 100).Choose("model").Plan.GpuLayers);
    }

    [Fact]
    public void WhereNoLayerIsOnAGpuNoGpuIsNamedToLlamaCpp()
    {
        MachineMemory machine = new(null, [new GpuMemory("A", 3L << 30) { Device = 10 }, new GpuMemory("B", 1L << 30) { Device = 20 }]);
        EmbeddedModelOptions none = new() { GpuLayers = 0 };
        EmbeddedModelOptions some = new() { GpuLayers = 2 };
        (ContextSizes sizes, MemoryPlan plan) = new MemoryPlanner(MemoryOf(Shape), none, machine).Choose("model");
        Assert.Equal([0], new LoadPlan(sizes, plan, machine, none).Devices);
        (sizes, plan) = new MemoryPlanner(MemoryOf(Shape), some, machine).Choose("model");
        LoadPlan load = new(sizes, plan, machine, some);
        Assert.Equal([10, 20, 0], load.Devices);
        Assert.Equal([3L << 30, 1L << 30, 0], load.Shares[..3]);
        Assert.Equal(16, load.Shares.Length);
    }

    [Theory]
    [InlineData(null, false, null, 512)]
    [InlineData(false, false, null, 256)]
    [InlineData(false, false, 1024, 1024)]
    [InlineData(false, false, 1, 8)]
    [InlineData(false, true, null, 512)]
    public void StepsAreShorterWhereACpuComputesAttentionInSteps(bool? isFused, bool hasGpu, int? asked, int expected)
    {
        SyntheticShape shape = Shape with { HeadSize = 64 };
        MachineMemory machine = new(null, hasGpu ? [new GpuMemory("CUDA0", 1L << 30)] : []);
        EmbeddedModelOptions options = new() { FlashAttention = isFused, BatchSize = asked, MaxSequences = 8 };
        Assert.Equal(expected, new MemoryPlanner(MemoryOf(shape), options, machine).Choose("model").Sizes.BatchSize);
        options.GpuLayers = 0;
        Assert.Equal(hasGpu ? 256 : expected, new MemoryPlanner(MemoryOf(shape), options, machine).Choose("model").Sizes.BatchSize);
    }

    [Fact]
    public void WithoutAGpuNoLayerIsOnOne() => Assert.Equal(0, PlanOf(MemoryOf(Shape), new() { GpuLayers = 5 }, Endless).GpuLayers);

    [Fact]
    public void TheExceptionSaysWhatIsNeededAndWhatFits()
    {
        ModelMemory memory = MemoryOf(Shape);
        MachineMemory machine = new(PlanOf(memory, new() { ContextLength = 1024, CacheLength = 1024 }, Endless).TotalBytes, []);
        InsufficientMemoryException exception = new(PlanOf(memory, new() { ContextLength = 16_384 }, machine));
        Assert.Contains("A context of 1,024 tokens fits", exception.Message, StringComparison.Ordinal);
        Assert.Contains("'model' needs", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("gemma2")]
    [InlineData("granitehybrid")]
    [InlineData("lfm2")]
    [InlineData("deepseek2")]
    [InlineData("gpt-oss")]
    public void AModelWhoseLayersHaveNoKeysAndValuesHasAPlan(string architecture)
    {
        SyntheticShape shape = SyntheticShape.Tiny with { Architecture = architecture, Layers = 4, StateSize = 16, Window = 32, LatentRank = 16, Experts = 2, ExpertsUsed = 1 };
        EditableModel model = new(FileOf(shape));
        model.SetArray($"{architecture}.attention.head_count_kv", 0u, 0u, 0u, 0u);
        MemoryPlan plan = PlanOf(new ModelMemory([model.Build()]), new() { ContextLength = 1024 }, Endless);
        Assert.Equal(0, plan.Devices[0].KvCache);
        Assert.NotEqual(0, plan.Devices[0].Compute);
    }

    [Fact]
    public void ExpertsThatAreNotChosenAreNotReadForAToken()
    {
        ModelMemory dense = MemoryOf(Shape with { Architecture = "llama" });
        ModelMemory experts = MemoryOf(Shape with { Architecture = "llama", Experts = 8, ExpertsUsed = 1 });
        Assert.InRange(experts.BytesPerToken, dense.BytesPerToken, dense.BytesPerToken * 1.1);
        Assert.True(experts.Info.TensorBytes > 2 * dense.Info.TensorBytes);
    }

    [Fact]
    public void TheLayoutForAmxTakesMoreOfMainMemory()
    {
        ModelMemory memory = MemoryOf(Shape);
        MachineMemory machine = new(null, [new GpuMemory("CUDA0", null)]);
        long plain = WeightsOf(memory, Endless, gpuLayers: 0);
        Assert.InRange(WeightsOf(memory, Endless with { HasAmx = true }, gpuLayers: 0), plain + 1, plain * 3 / 2);
        Assert.Equal(WeightsOf(memory, machine, gpuLayers: 3), WeightsOf(memory, machine with { HasAmx = true }, gpuLayers: 3));

        ModelMemory stacks = MemoryOf(SyntheticShape.Small with { Architecture = "deepseek2", KvHeads = 1, LatentRank = 64, Mix = SyntheticMix.Q8_0 });
        Assert.False(stacks.AllowsAmx);
        Assert.Equal(WeightsOf(stacks, Endless, gpuLayers: 0), WeightsOf(stacks, Endless with { HasAmx = true }, gpuLayers: 0));
    }

    private static long WeightsOf(ModelMemory memory, MachineMemory machine, int gpuLayers) =>
        PlanOf(memory, new() { ContextLength = 1024, GpuLayers = gpuLayers }, machine).Devices[0].Weights;

    private static MemoryPlan PlanOf(ModelMemory memory, EmbeddedModelOptions options, MachineMemory machine) => new MemoryPlanner(memory, options, machine).Choose("model").Plan;

    private static ModelMemory MemoryOf(SyntheticShape shape) => new([FileOf(shape)]);

    private static GgufFile FileOf(SyntheticShape shape)
    {
        using MemoryStream stream = new();
        SyntheticModel.Describe(shape, SyntheticVocabulary.ByteLevel(300)).Write(stream);
        stream.Position = 0;
        return GgufFile.Read(stream);
    }
}
