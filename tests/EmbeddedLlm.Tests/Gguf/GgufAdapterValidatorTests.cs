using EmbeddedLlm.Gguf;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Tests.Gguf;

public sealed class GgufAdapterValidatorTests
{
    private const string Query = "blk.0.attn_q.weight";

    private static readonly GgufFile s_model = new EditableModel().Build();

    [Fact]
    public void AHealthyAdapterIsFineAndFitsItsModel()
    {
        GgufFile adapter = Adapter().Build();
        GgufAdapterValidator.Validate(adapter);
        Assert.Null(GgufAdapterValidator.FindMismatch(adapter, [s_model]));
        Assert.Equal(2 * 7 * 2, adapter.Tensors.Count);
    }

    [Fact]
    public void AModelIsNoAdapter() => AssertRefused("'general.type' is 'model', not 'adapter'", new EditableModel());

    [Theory]
    [InlineData("general.type", "'general.type' is missing")]
    [InlineData("adapter.type", "'adapter.type' is missing")]
    [InlineData("general.architecture", "'general.architecture' is missing")]
    public void WhatMustBeThereIs(string key, string reason) => AssertRefused(reason, Adapter().Remove(key));

    [Fact]
    public void AlphaMayBeMissing() => GgufAdapterValidator.Validate(Adapter().Remove("adapter.lora.alpha").Build());

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void AlphaIsFinite(float alpha) => AssertRefused("'adapter.lora.alpha' is not finite", Adapter().Set("adapter.lora.alpha", alpha));

    [Fact]
    public void AlphaIsASingle() => AssertRefused("'adapter.lora.alpha' is of type UInt32, not Float32", Adapter().Set("adapter.lora.alpha", 16u));

    [Fact]
    public void OtherAdaptersAreRefusedByName()
    {
        AssertRefused("'adapter.type' is 'control_vector', not 'lora'", Adapter().Set("adapter.type", "control_vector"));
        AssertRefused("an activated LoRA (aLoRA), which is not supported", Adapter().SetArray("adapter.alora.invocation_tokens", 1u, 2u));
    }

    [Fact]
    public void APairIsWhole()
    {
        AssertRefused($"the tensor '{Query}.lora_a' has no '{Query}.lora_b' beside it", Adapter().RemoveTensor(Query + ".lora_b"));
        AssertRefused($"the tensor '{Query}.lora_b' has no '{Query}.lora_a' beside it", Adapter().RemoveTensor(Query + ".lora_a"));
    }

    [Fact]
    public void AnAdapterWithoutAnyPairIsRefused()
    {
        EditableModel adapter = Adapter();
        foreach (GgufTensorInfo tensor in adapter.Build().Tensors)
            adapter.RemoveTensor(tensor.Name);
        AssertRefused("it has no LoRA tensors", adapter);
        AssertRefused("it has no LoRA tensors", adapter.SetTensor("blk.0.attn_norm.weight", GgmlType.F32, 64));
    }

    [Theory]
    [InlineData("blk.0.attn_q.weight")]
    [InlineData("blk.0.attn_q.lora_c")]
    [InlineData("blk.0.attn_q.bias")]
    public void ATensorThatIsNoPartOfAPairIsRefused(string name) => AssertRefused($"the tensor '{name}' is neither .lora_a nor .lora_b", Adapter().SetTensor(name, GgmlType.F32, 64, 64));

    [Fact]
    public void ANormIsPassedOver() => GgufAdapterValidator.Validate(Adapter().SetTensor("blk.0.attn_norm.weight", GgmlType.F32, 64).Build());

    [Fact]
    public void ANameThatLlamaCppWouldShortenTwiceIsRefused() =>
        AssertRefused("is an adapter of an adapter", Adapter().SetTensor(Query + ".lora_a.lora_a", GgmlType.F32, 64, 4).SetTensor(Query + ".lora_a.lora_b", GgmlType.F32, 4, 64));

    [Theory]
    [InlineData(GgmlType.I32)]
    [InlineData(GgmlType.F64)]
    [InlineData(GgmlType.I8)]
    public void NumbersThatMatricesAreNotMultipliedInAreRefused(GgmlType type) => AssertRefused("which is not for weights", Adapter().SetTensor(Query + ".lora_a", type, 64, 4));

    [Fact]
    public void BothMatricesHaveOneRank() => AssertRefused("has rank 4 and", Adapter().SetTensor(Query + ".lora_b", GgmlType.F32, 8, 64));

    [Theory]
    [InlineData(Query + ".lora_a", 32L, 4L)]
    [InlineData(Query + ".lora_b", 4L, 32L)]
    [InlineData(Query + ".lora_a", 64L, 4L, 2L)]
    [InlineData(Query + ".lora_b", 4L, 64L, 3L)]
    public void ShapesThatDoNotFitTheModelsAreNamed(string tensor, params long[] dimensions)
    {
        GgufFile adapter = Adapter().SetTensor(tensor, GgmlType.F32, dimensions).Build();
        GgufAdapterValidator.Validate(adapter);
        string mismatch = GgufAdapterValidator.FindMismatch(adapter, [s_model])!;
        Assert.StartsWith($"'{Query}.lora_a F32 [", mismatch);
        Assert.EndsWith($" are not for '{Query} Q8_0 [64 × 64]'", mismatch);
    }

    [Fact]
    public void AnotherArchitectureIsNamed() => AssertMismatch("it is for the architecture 'llama', and the model's is 'qwen2'", Adapter().Set("general.architecture", "llama"));

    [Fact]
    public void ATensorThatTheModelHasNotIsNamed() =>
        AssertMismatch("the model has no tensor 'blk.7.attn_q.weight'", Adapter().SetTensor("blk.7.attn_q.weight.lora_a", GgmlType.F32, 64, 4).SetTensor("blk.7.attn_q.weight.lora_b", GgmlType.F32, 4, 64));

    [Fact]
    public void AVectorHasNoAdapter() =>
        AssertMismatch("the tensor 'blk.0.attn_norm.weight' is no matrix", Adapter().SetTensor("blk.0.attn_norm.weight.lora_a", GgmlType.F32, 64, 4).SetTensor("blk.0.attn_norm.weight.lora_b", GgmlType.F32, 4, 1));

    [Fact]
    public void EmbeddingsAreChangedOnlyWhereTheyAreNotTheOutputAsWell()
    {
        GgufFile adapter = Adapter().SetTensor("token_embd.weight.lora_a", GgmlType.F32, 4, 300).SetTensor("token_embd.weight.lora_b", GgmlType.F32, 4, 64).Build();
        GgufAdapterValidator.Validate(adapter);
        Assert.Contains("output matrix as well", GgufAdapterValidator.FindMismatch(adapter, [s_model]));
        GgufFile untied = new EditableModel(SyntheticShape.Tiny with { TiedEmbeddings = false }).Build();
        Assert.Null(GgufAdapterValidator.FindMismatch(adapter, [untied]));
        Assert.Contains("are not for 'token_embd.weight", GgufAdapterValidator.FindMismatch(Adapter().SetTensor("token_embd.weight.lora_a", GgmlType.F32, 64, 4).SetTensor("token_embd.weight.lora_b", GgmlType.F32, 4, 300).Build(), [untied]));
    }

    [Fact]
    public void ExpertsHaveAMatrixEach()
    {
        GgufFile model = new EditableModel().SetTensor("blk.0.ffn_up_exps.weight", GgmlType.F32, 64, 128, 8).Build();
        EditableModel adapter = Adapter().SetTensor("blk.0.ffn_up_exps.weight.lora_a", GgmlType.F32, 64, 4, 8);
        Assert.Null(GgufAdapterValidator.FindMismatch(adapter.SetTensor("blk.0.ffn_up_exps.weight.lora_b", GgmlType.F32, 4, 128, 8).Build(), [model]));
        Assert.NotNull(GgufAdapterValidator.FindMismatch(adapter.SetTensor("blk.0.ffn_up_exps.weight.lora_b", GgmlType.F32, 4, 128, 7).Build(), [model]));
    }

    [Fact]
    public void TensorsInAnyOfTheModelsFilesAreFound()
    {
        GgufFile first = new EditableModel().RemoveTensor(Query).Build();
        Assert.Contains(Query, GgufAdapterValidator.FindMismatch(Adapter().Build(), [first]));
        Assert.Null(GgufAdapterValidator.FindMismatch(Adapter().Build(), [first, s_model]));
    }

    [Fact]
    public void EveryTruncationIsRefusedAndEveryDamagedByteIsRefusedOrStillSound()
    {
        using MemoryStream stream = new();
        new SyntheticAdapter { Rank = 1, Targets = name => name == Query }.Describe(s_model).Write(stream);
        byte[] bytes = stream.ToArray();
        for (int length = 0; length < bytes.Length; length++)
            Assert.Throws<GgufFormatException>(() => Check(bytes[..length]));
        Check(bytes);
        int refused = 0;
        for (int i = 0; i < bytes.Length - (2 * 64 * sizeof(float)); i++)
        {
            foreach (byte flip in new byte[] { 1, 0x80, 0xFF })
            {
                bytes[i] ^= flip;
                try
                {
                    Check(bytes);
                }
                catch (GgufFormatException)
                {
                    refused++;
                }

                bytes[i] ^= flip;
            }
        }

        Assert.InRange(refused, 100, int.MaxValue);

        static void Check(byte[] bytes)
        {
            GgufFile file = GgufFile.Read(new MemoryStream(bytes));
            GgufAdapterValidator.Validate(file);
            GgufAdapterValidator.FindMismatch(file, [s_model]);
        }
    }

    private static EditableModel Adapter()
    {
        using MemoryStream stream = new();
        new SyntheticAdapter().Describe(s_model).Write(stream);
        stream.Position = 0;
        return new EditableModel(GgufFile.Read(stream));
    }

    private static void AssertRefused(string reason, EditableModel adapter)
    {
        GgufFormatException exception = Assert.Throws<GgufFormatException>(() => GgufAdapterValidator.Validate(adapter.Build()));
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
    }

    private static void AssertMismatch(string reason, EditableModel adapter)
    {
        GgufFile file = adapter.Build();
        GgufAdapterValidator.Validate(file);
        Assert.Equal(reason, GgufAdapterValidator.FindMismatch(file, [s_model]));
    }
}
