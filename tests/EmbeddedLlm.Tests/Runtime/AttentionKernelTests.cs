using System.Runtime.Intrinsics.X86;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.Scheduling;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Tests.Runtime;

public sealed class AttentionKernelTests
{
    [Theory]
    [InlineData(64)]
    [InlineData(128)]
    public void HeadsOfWholeBlocksAreFused(int headSize) => Assert.True(AttentionKernel.IsFused(InfoOf(headSize), new(), gpuLayers: 0));

    [Theory]
    [InlineData(80)]
    [InlineData(48)]
    public void OnACpuHeadsThatLeaveNumbersOverAreNot(int headSize)
    {
        Assert.False(AttentionKernel.IsFused(InfoOf(headSize), new(), gpuLayers: 0));
        Assert.True(AttentionKernel.IsFused(InfoOf(headSize), new(), gpuLayers: 1));
    }

    [Fact]
    public void ABlockIsAsLongAsVectorsAre() => Assert.Equal(!(Avx512F.IsSupported && Avx512BW.IsSupported), AttentionKernel.IsFused(InfoOf(96), new(), gpuLayers: 0));

    [Fact]
    public void QuantisedValuesAreFused() => Assert.True(AttentionKernel.IsFused(InfoOf(80), new() { ValueCacheType = KvCacheType.Q8_0 }, gpuLayers: 0));

    [Theory]
    [InlineData(64, false)]
    [InlineData(80, true)]
    public void TheOptionDecides(int headSize, bool option) => Assert.Equal(option, AttentionKernel.IsFused(InfoOf(headSize), new() { FlashAttention = option }, gpuLayers: 0));

    [Fact]
    public void OnlyTheFusedKernelOnTheCpuHasTiles()
    {
        GgufModelInfo info = InfoOf(64);
        AttentionTile tile = AttentionKernel.TileOf(info, new(), gpuLayers: 0, bytesPerToken: info.TensorBytes);
        Assert.Equal(64, tile.Length);
        // Of 2 layers of 4 heads of 64 numbers, keys and values.
        Assert.Equal(5.0 * 2 * 4 * 128 / info.ParameterCount, tile.CellCost, precision: 9);
        Assert.Equal(default, AttentionKernel.TileOf(info, new(), gpuLayers: 1, info.TensorBytes));
        Assert.Equal(default, AttentionKernel.TileOf(info, new() { FlashAttention = false }, gpuLayers: 0, info.TensorBytes));
        Assert.Equal(default, AttentionKernel.TileOf(info, new() { KeyCacheType = KvCacheType.Q8_0 }, gpuLayers: 0, info.TensorBytes));
        Assert.Equal(default, AttentionKernel.TileOf(info, new() { KeyCacheType = KvCacheType.BF16, ValueCacheType = KvCacheType.BF16 }, gpuLayers: 0, info.TensorBytes));
        Assert.Equal(default, AttentionKernel.TileOf(InfoOf(80), new(), gpuLayers: 0, info.TensorBytes));
    }

    private static GgufModelInfo InfoOf(int headSize)
    {
        using MemoryStream stream = new();
        SyntheticModel.Describe(SyntheticShape.Tiny with { HeadSize = headSize }, SyntheticVocabulary.ByteLevel(300)).Write(stream);
        stream.Position = 0;
        return GgufModelInfo.From([GgufFile.Read(stream)]);
    }
}
