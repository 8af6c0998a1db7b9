using EmbeddedLlm.Gguf;
using EmbeddedLlm.Native.Tests.Interop;
using EmbeddedLlm.SyntheticModels;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Runtime;

public sealed class QuantizationTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(nameof(SyntheticMix.F32), QuantizationType.Q8_0, GgmlType.Q8_0)]
    [InlineData(nameof(SyntheticMix.F16), QuantizationType.Q4_K_M, GgmlType.Q4_K)]
    [InlineData(nameof(SyntheticMix.F16), QuantizationType.Q5_K_M, GgmlType.Q5_K)]
    [InlineData(nameof(SyntheticMix.F16), QuantizationType.Q6_K, GgmlType.Q6_K)]
    [InlineData(nameof(SyntheticMix.F16), QuantizationType.IQ4_XS, GgmlType.IQ4_XS)]
    [InlineData(nameof(SyntheticMix.F32), QuantizationType.BF16, GgmlType.BF16)]
    [InlineData(nameof(SyntheticMix.F16), QuantizationType.TQ2_0, GgmlType.TQ2_0)]
    public async Task AQuantisedModelIsSmallerAndAnswers(string mix, QuantizationType type, GgmlType expected)
    {
        using TemporaryFolder folder = new();
        (string source, string destination) = (WriteModel(folder, Enum.Parse<SyntheticMix>(mix)), folder.PathOf("out.gguf"));
        await ModelQuantizer.QuantizeAsync(source, destination, type, cancellationToken: Cancel);

        Assert.True(new FileInfo(destination).Length < new FileInfo(source).Length);
        Assert.True(GgufFile.Open(destination).TryGetTensor("blk.0.attn_q.weight", out GgufTensorInfo? tensor));
        Assert.Equal(expected, tensor.Type);
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(destination, cancellationToken: Cancel);
        Assert.Equal(3, (await model.CompleteAsync("Hello", new() { MaxOutputTokens = 3, Seed = 1 }, Cancel)).Usage.OutputTokenCount);
    }

    [Fact]
    public async Task EveryTypeCanBeWrittenAndLoaded()
    {
        using TemporaryFolder folder = new();
        string source = WriteModel(folder, SyntheticMix.F16);
        foreach (QuantizationType type in Enum.GetValues<QuantizationType>())
        {
            string destination = folder.PathOf($"{type}.gguf");
            await ModelQuantizer.QuantizeAsync(source, destination, type, cancellationToken: Cancel);
            await using EmbeddedModel model = await EmbeddedModel.LoadAsync(destination, cancellationToken: Cancel);
            Assert.True(model.Metadata.TryGetInteger("general.file_type", out long written));
            Assert.Equal((long)type, written);
        }
    }

    [Fact]
    public async Task TheStarterAnswersTheSameWithEightBits()
    {
        using TemporaryFolder folder = new();
        string destination = folder.PathOf("out.gguf");
        await ModelQuantizer.QuantizeAsync(TestPaths.Starter, destination, QuantizationType.Q8_0, new() { AllowRequantization = true }, cancellationToken: Cancel);
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(destination, cancellationToken: Cancel);
        Assert.Equal("1, 2, 3, 4, 5.", (await model.AsChatClient().GetResponseAsync("Count to five.", cancellationToken: Cancel)).Text);
    }

    /// <summary>llama.cpp starts as many threads as it is told to, and where the system refuses one it ends the process.</summary>
    [Fact]
    public async Task NoMoreThreadsQuantiseThanThereAreCores()
    {
        using TemporaryFolder folder = new();
        string source = WriteModel(folder, SyntheticMix.F16);
        await ModelQuantizer.QuantizeAsync(source, folder.PathOf("many.gguf"), QuantizationType.Q8_0, new() { Threads = int.MaxValue }, cancellationToken: Cancel);
        await ModelQuantizer.QuantizeAsync(source, folder.PathOf("one.gguf"), QuantizationType.Q8_0, new() { Threads = 1 }, cancellationToken: Cancel);
        Assert.Equal(await File.ReadAllBytesAsync(folder.PathOf("one.gguf"), Cancel), await File.ReadAllBytesAsync(folder.PathOf("many.gguf"), Cancel));
    }

    [Fact]
    public async Task ProgressGrowsToOne()
    {
        using TemporaryFolder folder = new();
        Recorder progress = new();
        await ModelQuantizer.QuantizeAsync(WriteModel(folder, SyntheticMix.F16), folder.PathOf("out.gguf"), QuantizationType.Q8_0, progress: progress, cancellationToken: Cancel);
        Assert.True(progress.Values.Count > 10);
        Assert.Equal(progress.Values.Order(), progress.Values);
        Assert.Equal(1, progress.Values[^1]);
    }

    [Fact]
    public async Task AFileThatIsThereIsKeptUnlessItMayBeReplaced()
    {
        using TemporaryFolder folder = new();
        string source = WriteModel(folder, SyntheticMix.F16);
        string destination = folder.Write("out.gguf", "mine"u8);
        await Assert.ThrowsAsync<IOException>(() => ModelQuantizer.QuantizeAsync(source, destination, QuantizationType.Q8_0, cancellationToken: Cancel));
        Assert.Equal("mine", await File.ReadAllTextAsync(destination, Cancel));
        await ModelQuantizer.QuantizeAsync(source, destination, QuantizationType.Q8_0, new() { Overwrite = true }, cancellationToken: Cancel);
        Assert.True(new FileInfo(destination).Length > 1000);
    }

    [Fact]
    public async Task SourceAndDestinationAreNotTheSameFile()
    {
        using TemporaryFolder folder = new();
        string source = WriteModel(folder, SyntheticMix.F16);
        string link = folder.PathOf("link.gguf");
        File.CreateSymbolicLink(link, source);
        QuantizationOptions options = new() { Overwrite = true };
        await Assert.ThrowsAsync<ArgumentException>(() => ModelQuantizer.QuantizeAsync(source, Path.Combine(folder.Path, ".", "in.gguf"), QuantizationType.Q8_0, options, cancellationToken: Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => ModelQuantizer.QuantizeAsync(source, link, QuantizationType.Q8_0, options, cancellationToken: Cancel));
    }

    [Fact]
    public async Task NoneOfTheFilesOfASplitSourceIsTheDestination()
    {
        using TemporaryFolder folder = new();
        string[] parts = SplitModel.Write(WriteModel(folder, SyntheticMix.F16), count: 3);
        byte[] last = await File.ReadAllBytesAsync(parts[2], Cancel);
        await Assert.ThrowsAsync<ArgumentException>(() => ModelQuantizer.QuantizeAsync(parts[0], parts[2], QuantizationType.Q8_0, new() { Overwrite = true }, cancellationToken: Cancel));
        Assert.Equal(last, await File.ReadAllBytesAsync(parts[2], Cancel));
    }

    [Fact]
    public async Task AnUnknownTypeIsRefused()
    {
        using TemporaryFolder folder = new();
        string source = WriteModel(folder, SyntheticMix.F16);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => ModelQuantizer.QuantizeAsync(source, folder.PathOf("out.gguf"), (QuantizationType)4, cancellationToken: Cancel));
    }

    [Fact]
    public async Task WhatIsQuantisedAlreadyIsNotQuantisedAgainUnasked()
    {
        using TemporaryFolder folder = new();
        QuantizationException exception = await Assert.ThrowsAsync<QuantizationException>(
            () => ModelQuantizer.QuantizeAsync(WriteModel(folder, SyntheticMix.Q8_0), folder.PathOf("out.gguf"), QuantizationType.Q4_K_M, cancellationToken: Cancel));
        Assert.Contains("AllowRequantization", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADamagedSourceIsRefusedBeforeAnythingIsWritten()
    {
        using TemporaryFolder folder = new();
        byte[] bytes = await File.ReadAllBytesAsync(WriteModel(folder, SyntheticMix.F16), Cancel);
        string source = folder.Write("in.gguf", bytes.AsSpan(0, bytes.Length - 1));
        await Assert.ThrowsAsync<GgufFormatException>(() => ModelQuantizer.QuantizeAsync(source, folder.PathOf("out.gguf"), QuantizationType.Q8_0, cancellationToken: Cancel));
        Assert.Equal([source], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public async Task WeightsThatAreNoNumbersAreRefusedAndNothingIsLeftBehind()
    {
        using TemporaryFolder folder = new();
        string source = WriteModel(folder, SyntheticMix.F32);
        GgufFile file = GgufFile.Open(source);
        Assert.True(file.TryGetTensor("blk.1.ffn_down.weight", out GgufTensorInfo? tensor));
        await using (FileStream stream = new(source, FileMode.Open, FileAccess.Write))
        {
            stream.Position = file.DataOffset + tensor.Offset;
            stream.Write(BitConverter.GetBytes(float.NaN));
        }

        QuantizationException exception = await Assert.ThrowsAsync<QuantizationException>(
            () => ModelQuantizer.QuantizeAsync(source, folder.PathOf("out.gguf"), QuantizationType.Q4_K_M, cancellationToken: Cancel));
        Assert.Contains("ffn_down", exception.Message, StringComparison.Ordinal);
        Assert.Equal([source], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public async Task ACancelledRunLeavesNothingBehind()
    {
        using TemporaryFolder folder = new();
        string source = WriteModel(folder, SyntheticMix.F16);
        using CancellationTokenSource cancellation = new();
        Recorder progress = new() { OnReport = cancellation.Cancel };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => ModelQuantizer.QuantizeAsync(source, folder.PathOf("out.gguf"), QuantizationType.Q8_0, progress: progress, cancellationToken: cancellation.Token));
        Assert.Equal([source], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public async Task WhatProgressThrowsIsThrownAndNothingIsLeftBehind()
    {
        using TemporaryFolder folder = new();
        string source = WriteModel(folder, SyntheticMix.F16);
        Recorder progress = new() { OnReport = () => throw new InvalidOperationException("Enough.") };
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => ModelQuantizer.QuantizeAsync(source, folder.PathOf("out.gguf"), QuantizationType.Q8_0, progress: progress, cancellationToken: Cancel));
        Assert.Equal([source], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public async Task OptionsThatChangeMeanwhileChangeNothing()
    {
        using TemporaryFolder folder = new();
        string destination = folder.Write("out.gguf", "old"u8);
        QuantizationOptions options = new() { Overwrite = true };
        Recorder progress = new() { OnReport = () => options.Overwrite = false };
        await ModelQuantizer.QuantizeAsync(WriteModel(folder, SyntheticMix.F16), destination, QuantizationType.Q8_0, options, progress, Cancel);
        Assert.True(new FileInfo(destination).Length > 1000);
    }

    private static string WriteModel(TemporaryFolder folder, SyntheticMix mix)
    {
        string path = folder.PathOf("in.gguf");
        SyntheticModel.Write(path, SyntheticShape.Small with { Mix = mix }, SyntheticVocabulary.ByteLevel(512));
        return path;
    }

    private sealed class Recorder : IProgress<float>
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
