using System.Runtime.Intrinsics.X86;
using EmbeddedLlm.Attention;
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
    public void HeadsOfWholeBlocksAreFused(int headSize) => Assert.True(AttentionKernel.IsFusedByLlama(InfoOf(headSize), new(), gpuLayers: 0));

    [Theory]
    [InlineData(80)]
    [InlineData(48)]
    public void OnACpuHeadsThatLeaveNumbersOverAreNot(int headSize)
    {
        Assert.False(AttentionKernel.IsFusedByLlama(InfoOf(headSize), new(), gpuLayers: 0));
        Assert.True(AttentionKernel.IsFusedByLlama(InfoOf(headSize), new(), gpuLayers: 1));
    }

    /// <summary>With AVX-512 values are a multiple of 32 numbers, with AVX2 of 16: both where it has the first.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(64)]
    [InlineData(80)]
    [InlineData(256)]
    public void HeadsOfWholeVectorsAreOursOnACpu(int headSize)
    {
        Assert.SkipUnless(Simd256.IsSupported, "needs AVX2");
        Assert.True(AttentionKernel.IsOurs(InfoOf(headSize), new(), gpuLayers: 0));
        Assert.True(AttentionKernel.IsOurs(InfoOf(headSize), new() { FlashAttention = true }, gpuLayers: 0));
        Assert.True(AttentionKernel.IsFused(InfoOf(headSize), new(), gpuLayers: 0));
        Assert.False(AttentionKernel.IsOurs(InfoOf(headSize), new() { FlashAttention = false }, gpuLayers: 0));
        Assert.False(AttentionKernel.IsOurs(InfoOf(headSize), new(), gpuLayers: 1));
        Assert.False(AttentionKernel.IsOurs(InfoOf(headSize), new() { KeyCacheType = KvCacheType.Q8_0 }, gpuLayers: 0));
        Assert.False(AttentionKernel.IsOurs(InfoOf(headSize), new() { ValueCacheType = KvCacheType.F32 }, gpuLayers: 0));
    }

    [Theory]
    [InlineData(24)]
    [InlineData(2048)]
    public void OtherHeadsAreLeftToLlamaCpp(int headSize) => Assert.False(AttentionKernel.IsOurs(InfoOf(headSize), new(), gpuLayers: 0));

    [Fact]
    public void ABlockIsAsLongAsVectorsAre() => Assert.Equal(!(Avx512F.IsSupported && Avx512BW.IsSupported), AttentionKernel.IsFusedByLlama(InfoOf(96), new(), gpuLayers: 0));

    [Fact]
    public void QuantisedValuesAreFused() => Assert.True(AttentionKernel.IsFused(InfoOf(80), new() { ValueCacheType = KvCacheType.Q8_0 }, gpuLayers: 0));

    [Theory]
    [InlineData(64, false)]
    [InlineData(80, true)]
    public void TheOptionDecides(int headSize, bool option) => Assert.Equal(option, AttentionKernel.IsFused(InfoOf(headSize), new() { FlashAttention = option }, gpuLayers: 0));

    [Fact]
    public void OnlyLlamaCppsFusedKernelOnTheCpuHasTiles()
    {
        GgufModelInfo info = InfoOf(64);
        EmbeddedModelOptions theirs = new() { KeyCacheType = KvCacheType.F32, ValueCacheType = KvCacheType.F32 };
        AttentionTile tile = AttentionKernel.TileOf(info, theirs, gpuLayers: 0, bytesPerToken: info.TensorBytes);
        Assert.Equal(64, tile.Length);
        // Of 2 layers of 4 heads of 64 numbers, keys and values.
        Assert.Equal(5.0 * 2 * 4 * 128 / info.ParameterCount, tile.CellCost, precision: 9);
        Assert.Equal(AttentionKernel.IsOurs(info, new(), gpuLayers: 0) ? default : tile, AttentionKernel.TileOf(info, new(), gpuLayers: 0, info.TensorBytes));
        Assert.Equal(default, AttentionKernel.TileOf(info, theirs, gpuLayers: 1, info.TensorBytes));
        Assert.Equal(default, AttentionKernel.TileOf(info, new() { FlashAttention = false, KeyCacheType = KvCacheType.F32, ValueCacheType = KvCacheType.F32 }, gpuLayers: 0, info.TensorBytes));
        Assert.Equal(default, AttentionKernel.TileOf(info, new() { KeyCacheType = KvCacheType.Q8_0 }, gpuLayers: 0, info.TensorBytes));
        Assert.Equal(default, AttentionKernel.TileOf(info, new() { KeyCacheType = KvCacheType.BF16, ValueCacheType = KvCacheType.BF16 }, gpuLayers: 0, info.TensorBytes));
        Assert.Equal(default, AttentionKernel.TileOf(InfoOf(80), theirs, gpuLayers: 0, info.TensorBytes));
    }

    private static GgufModelInfo InfoOf(int headSize)
    {
        using MemoryStream stream = new();
        SyntheticModel.Describe(SyntheticShape.Tiny with { HeadSize = headSize }, SyntheticVocabulary.ByteLevel(300)).Write(stream);
        stream.Position = 0;
        return GgufModelInfo.From([GgufFile.Read(stream)]);
    }
}
