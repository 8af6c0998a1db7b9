using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Tests.Gguf;

public sealed class AmxLayoutTests
{
    [Theory]
    [InlineData("blk.0.attn_q.weight", GgmlType.Q8_0, 38.0 / 34)]
    [InlineData("blk.0.attn_q.weight", GgmlType.Q4_K, 148.0 / 144)]
    [InlineData("blk.0.attn_q.weight", GgmlType.Q5_K, 180.0 / 176)]
    [InlineData("blk.0.attn_q.weight", GgmlType.IQ4_XS, 138.0 / 136)]
    [InlineData("blk.0.attn_q.weight", GgmlType.Q6_K, 1)]
    [InlineData("blk.0.attn_q.weight", GgmlType.Q4_0, 1)]
    [InlineData("blk.0.attn_q.weight", GgmlType.F16, 1)]
    [InlineData("blk.0.attn_q.weight", GgmlType.F32, 0)]
    [InlineData("blk.0.attn_q.weight", GgmlType.Q5_0, 0)]
    [InlineData("position_embd.weight", GgmlType.Q8_0, 0)]
    [InlineData("blk.0.ssm_conv1d.weight", GgmlType.F16, 0)]
    public void AMatrixGrowsByWhatItsBlocksHoldBesides(string name, GgmlType type, double growth)
    {
        GgufTensorInfo tensor = TensorOf(name, type, 512, 64);
        Assert.Equal(tensor.ByteSize * growth, AmxLayout.Measure(tensor), precision: 6);
    }

    [Theory]
    [InlineData(GgmlType.Q8_0, new[] { 512L, 48L })]
    [InlineData(GgmlType.F16, new[] { 520L, 64L })]
    [InlineData(GgmlType.Q8_0, new[] { 512L })]
    [InlineData(GgmlType.Q8_0, new[] { 512L, 64L, 2L })]
    public void WhatFitsNoTilesStaysAsItIs(GgmlType type, long[] dimensions) => Assert.Equal(0, AmxLayout.Measure(TensorOf("blk.0.ffn_up.weight", type, dimensions)));

    [Theory]
    [InlineData("blk.0.attn_k_b.weight", GgmlType.Q8_0, true)]
    [InlineData("blk.0.attn_v_b.weight", GgmlType.F16, true)]
    [InlineData("blk.0.attn_v_b.weight", GgmlType.F32, false)]
    [InlineData("blk.0.ffn_up_exps.weight", GgmlType.Q8_0, false)]
    public void AStackOfMatricesBreaksItUnlessItIsOfExperts(string name, GgmlType type, bool breaks)
    {
        Assert.Equal(breaks, AmxLayout.IsBrokenBy(TensorOf(name, type, 512, 64, 4)));
        Assert.Equal(!breaks, new ModelMemory([new EditableModel().SetTensor(name, type, 512, 64, 4).Build()]).AllowsAmx);
        Assert.False(AmxLayout.IsBrokenBy(TensorOf(name, type, 512, 64)));
        Assert.False(AmxLayout.IsBrokenBy(TensorOf(name, type, 512, 65, 4)));
    }

    [Theory]
    [InlineData("llama", true, true, true)]
    [InlineData("lfm2", false, true, false)]
    [InlineData("qwen35", false, true, false)]
    [InlineData("granitehybrid", false, true, false)]
    [InlineData("minimax-01", false, false, false)]
    public void SequencesInADimensionOfTheirOwnKeepWeightsAsTheyAre(string architecture, bool allowsAmx, bool withoutAmx, bool withAmx)
    {
        ModelMemory memory = new([new EditableModel().Rename(architecture).Build()]);
        Assert.Equal(allowsAmx, memory.AllowsAmx);
        Assert.Equal(withoutAmx, memory.AllowsRearranging(hasAmx: false));
        Assert.Equal(withAmx, memory.AllowsRearranging(hasAmx: true));
    }

    private static GgufTensorInfo TensorOf(string name, GgmlType type, params long[] dimensions)
    {
        Assert.True(new EditableModel().SetTensor(name, type, dimensions).Build().TryGetTensor(name, out GgufTensorInfo? tensor));
        return tensor;
    }
}
