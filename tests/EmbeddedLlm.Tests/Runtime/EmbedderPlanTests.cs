using EmbeddedLlm.Interop;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Runtime;

public sealed class EmbedderPlanTests
{
    private static readonly EmbeddingFacts Encoder = new(EmbeddingPooling.Mean, HasRankingHead: false, GivesProbabilities: false, IsEncoder: true, NeedsWholeInputs: true);
    private static readonly EmbeddingFacts Decoder = Encoder with { IsEncoder = false, NeedsWholeInputs = false };

    [Theory]
    [InlineData(null, null, false, 256)]
    [InlineData(true, null, false, 256)]
    [InlineData(false, null, false, 64)]
    [InlineData(null, null, true, 512)]
    [InlineData(false, 300, false, 300)]
    [InlineData(null, 16, true, 16)]
    public void InputsArePackedAsLongAsThatPays(bool? isFused, int? asked, bool usesGpu, int expected)
    {
        EmbeddedModelOptions options = new() { FlashAttention = isFused, BatchSize = asked };
        EmbedderPlan whole = PlanOf(Encoder, options, usesGpu);
        Assert.Equal((expected, 512, 512, null), (whole.PackedTokens, whole.BatchCapacity, whole.MaxTokens, whole.Merge));
        EmbedderPlan pieces = PlanOf(Decoder, options, usesGpu);
        Assert.Equal((expected, 512, PieceMerge.Mean), (pieces.PackedTokens, pieces.MaxTokens, pieces.Merge));
        Assert.InRange(pieces.BatchCapacity, expected, expected + pieces.MaxSequences - 1);
        Assert.Equal(Math.Min(expected, 64), pieces.MaxSequences);
    }

    [Fact]
    public void WhereAStepIsRightForOneSequenceOnlyInputsAreComputedOneAfterTheOther() =>
        Assert.Equal(1, PlanOf(Decoder with { ComputesOneInput = true }, new(), usesGpu: false).MaxSequences);

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(65)]
    [InlineData(257)]
    [InlineData(int.MaxValue)]
    public void ABatchHoldsAsManyTokensOfEachSequence(int batchSize)
    {
        foreach (EmbeddingFacts facts in new[] { Encoder, Decoder })
        {
            foreach (int? maxTokens in new int?[] { null, 1, 100, 514 })
            {
                foreach (bool hasStates in new[] { false, true })
                {
                    EmbedderPlan plan = EmbedderPlan.Create(new EmbedderKey(EmbeddingPooling.Mean, maxTokens), facts, trained: 514, hasStates, new() { BatchSize = batchSize }, usesGpu: false);
                    Assert.Equal(0, plan.BatchCapacity % plan.MaxSequences);
                    Assert.InRange(plan.PackedTokens, 1, plan.BatchCapacity);
                    Assert.InRange(plan.BatchCapacity, facts.NeedsWholeInputs ? plan.MaxTokens : 1, Math.Max(plan.MaxTokens, 64 * plan.MaxTokens) + 64);
                }
            }
        }
    }

    [Theory]
    [InlineData(null, llama_flash_attn_type.AUTO)]
    [InlineData(true, llama_flash_attn_type.ENABLED)]
    [InlineData(false, llama_flash_attn_type.DISABLED)]
    internal void TheKernelIsTheFusedOneUnlessRefused(bool? option, llama_flash_attn_type expected) =>
        Assert.Equal(expected, PlanOf(Encoder, new() { FlashAttention = option }, usesGpu: false).FlashAttention);

    private static EmbedderPlan PlanOf(EmbeddingFacts facts, EmbeddedModelOptions options, bool usesGpu) =>
        EmbedderPlan.Create(new EmbedderKey(EmbeddingPooling.Mean, MaxTokens: null), facts, trained: 512, hasStates: false, options, usesGpu);
}
