using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Tests.Gguf;

public sealed class GgufModelValidatorTests
{
    public static TheoryData<string> RealVocabularies => ["ggml-vocab-qwen2.gguf", "ggml-vocab-llama-bpe.gguf", "ggml-vocab-llama-spm.gguf"];

    [Fact]
    public void StarterModelIsValid() =>
        GgufModelValidator.Validate(GgufFile.Open(Path.Combine(SharedData.RepositoryRoot, "src", "EmbeddedLlm.Starter", "starter.gguf")));

    [Theory]
    [MemberData(nameof(RealVocabularies))]
    public void RealVocabularyIsValid(string name) => GgufModelValidator.ValidateVocabulary(GgufFile.Open(SharedData.Require("data", "vocab", name)));

    [Fact]
    public void VocabularyWithoutHyperparametersIsNoModel()
    {
        GgufFile file = GgufFile.Open(SharedData.Require("data", "vocab", "ggml-vocab-qwen2.gguf"));
        EditableModel model = new(file);

        Assert.Throws<GgufFormatException>(() => GgufModelValidator.Validate(model.Remove("qwen2.block_count").Build()));
    }

    [Fact]
    public void ArchitectureThatIsNotKnownPasses() =>
        GgufModelValidator.Validate(new EditableModel().Set("general.architecture", "brand-new").SetTensor("blk.0.whatever.weight", GgmlType.I16, 8).Build());

    [Theory]
    [InlineData("qwen2.block_count", 0u)]
    [InlineData("qwen2.block_count", 513u)]
    [InlineData("qwen2.nextn_predict_layers", 3u)]
    [InlineData("qwen2.context_length", 0u)]
    [InlineData("qwen2.context_length", uint.MaxValue)]
    [InlineData("qwen2.embedding_length", 0u)]
    [InlineData("qwen2.attention.head_count", 3u)]
    [InlineData("qwen2.attention.head_count_kv", 3u)]
    [InlineData("qwen2.attention.head_count_kv", 8u)]
    [InlineData("qwen2.attention.value_length", 8u)]
    [InlineData("qwen2.rope.dimension_count", 8u)]
    [InlineData("qwen2.rope.dimension_count", 15u)]
    [InlineData("qwen2.rope.dimension_count", 32u)]
    [InlineData("qwen2.expert_count", 1_025u)]
    [InlineData("qwen2.expert_used_count", 1u)]
    [InlineData("qwen2.expert_group_count", 2u)]
    [InlineData("qwen2.pooling_type", 5u)]
    public void HyperparameterOutOfItsRangeIsRefused(string key, uint value) => AssertRefused(key, new EditableModel().Set(key, value));

    [Theory]
    [InlineData("qwen2.expert_count", 8u, "expert_used_count' is 0 of 8")]
    [InlineData("qwen2.attention.key_length", 8u, "heads of 16 for values and 8 for keys")]
    [InlineData("qwen2.attention.head_count", 8u, "64 rows for heads of 128")]
    public void HyperparametersThatContradictOthersAreRefused(string key, uint value, string reason) =>
        AssertRefused(reason, new EditableModel().Set(key, value));

    [Theory]
    [InlineData("gemma4", "attention.value_length", "heads of 0 for values and 16 for keys")]
    [InlineData("gemma4", "attention.value_length_swa", "heads of 0 for values and 16 for keys")]
    [InlineData("deepseek4", "attention.value_length", "heads of 0 for values and 16 for keys")]
    [InlineData("deepseek4", "rope.dimension_count", "is 0 in heads of 16")]
    public void HeadsThatAGraphAssertsToBeAlikeAreChecked(string architecture, string key, string reason) =>
        AssertRefused(reason, new EditableModel().Rename(architecture).Set($"{architecture}.{key}", 0u));

    [Theory]
    [InlineData("jamba", "ssm.inner_size", 100u)]
    [InlineData("lfm2", "shortconv.l_cache", 1u)]
    [InlineData("ernie4_5-moe", "interleave_moe_layer_step", 0u)]
    [InlineData("nanbeige", "num_loops", 0u)]
    [InlineData("nanbeige", "num_loops", 300u)]
    [InlineData("qwen3vl", "n_deepstack_layers", 2u)]
    [InlineData("minimax-m3", "attention.indexer.block_size", 0u)]
    [InlineData("gemma-embedding", "dense_2_feat_in", 65u)]
    [InlineData("mamba2", "ssm.group_count", 0u)]
    [InlineData("paddleocr", "rope.dimension_sections", 0u)]
    [InlineData("glm4", "rope.dimension_sections", 5u)]
    public void HyperparameterThatAnArchitectureAssertsIsRefused(string architecture, string name, uint value)
    {
        string key = $"{architecture}.{name}";
        AssertRefused(key, new EditableModel().Rename(architecture).Set(key, value));
    }

    [Theory]
    [InlineData("attention.key_length", 575u)]
    [InlineData("attention.value_length", 511u)]
    [InlineData("rope.dimension_count", 192u)]
    [InlineData("rope.dimension_count", 63u)]
    public void LatentAttentionWhoseSizesDoNotAddUpIsRefused(string name, uint value)
    {
        EditableModel Model() => new EditableModel().Rename("deepseek2")
            .Set("deepseek2.attention.head_count_kv", 1u)
            .Set("deepseek2.attention.key_length", 576u)
            .Set("deepseek2.attention.value_length", 512u)
            .Set("deepseek2.attention.key_length_mla", 192u)
            .Set("deepseek2.attention.value_length_mla", 128u)
            .Set("deepseek2.attention.kv_lora_rank", 512u)
            .Set("deepseek2.rope.dimension_count", 64u);

        GgufModelValidator.Validate(Model().Build());
        AssertRefused("deepseek2." + name, Model().Set("deepseek2." + name, value));
    }

    [Theory]
    [InlineData("qwen2.attention.layer_norm_rms_epsilon", float.NaN)]
    [InlineData("qwen2.attention.layer_norm_rms_epsilon", -1e-6f)]
    [InlineData("qwen2.attention.layer_norm_rms_epsilon", float.PositiveInfinity)]
    [InlineData("qwen2.rope.freq_base", float.NaN)]
    public void NumberThatIsNoneIsRefused(string key, float value) => AssertRefused(key, new EditableModel().Set(key, value));

    [Theory]
    [InlineData("qwen2.block_count")]
    [InlineData("qwen2.attention.head_count")]
    [InlineData("qwen2.rope.dimension_count")]
    public void HyperparameterOfAnotherTypeIsRefused(string key)
    {
        AssertRefused(key, new EditableModel().Set(key, 2));
        AssertRefused(key, new EditableModel().Set(key, "2"));
    }

    [Fact]
    public void RopeScalingOfAnotherNameIsRefused() =>
        AssertRefused("qwen2.rope.scaling.type", new EditableModel().Set("qwen2.rope.scaling.type", "dynamic"));

    [Fact]
    public void ArrayForAnotherNumberOfLayersIsRefused() =>
        AssertRefused("qwen2.attention.head_count_kv", new EditableModel().SetArray("qwen2.attention.head_count_kv", 2u, 2u, 2u));

    [Fact]
    public void LayersWithDifferentHeadsAreRefusedWhereTheArchitectureHasNoUseForThem() =>
        AssertRefused("qwen2.attention.head_count", new EditableModel().SetArray("qwen2.attention.head_count_kv", 2u, 1u));

    [Fact]
    public void ArrayWithTheSameHeadsForAllLayersIsValid() =>
        GgufModelValidator.Validate(new EditableModel().SetArray("qwen2.attention.head_count_kv", 2u, 2u).Build());

    [Theory]
    [InlineData("output_norm.weight", GgmlType.F16)]
    [InlineData("blk.0.attn_norm.weight", GgmlType.Q8_0)]
    [InlineData("blk.1.attn_q.bias", GgmlType.BF16)]
    [InlineData("blk.0.attn_q.weight", GgmlType.I32)]
    [InlineData("blk.0.ffn_up.weight", GgmlType.Q8_1)]
    [InlineData("token_embd.weight", GgmlType.F64)]
    [InlineData("rope_freqs.weight", GgmlType.F16)]
    [InlineData("blk.0.ffn_norm_exps.weight", GgmlType.F16)]
    [InlineData("blk.0.time_mix_a0.weight", GgmlType.F16)]
    [InlineData("blk.0.channel_mix_lerp_k.weight", GgmlType.F16)]
    [InlineData("blk.0.time_mix_decay.weight", GgmlType.F16)]
    [InlineData("blk.0.time_mix_lerp_x.weight", GgmlType.Q8_0)]
    [InlineData("blk.0.time_mix_ln.weight", GgmlType.F16)]
    [InlineData("blk.0.time_mix_k_a.weight", GgmlType.F16)]
    [InlineData("blk.0.time_mix_k_k.weight", GgmlType.F16)]
    [InlineData("blk.0.time_mix_r_k.weight", GgmlType.F16)]
    [InlineData("blk.0.time_mix_v0.weight", GgmlType.F16)]
    [InlineData("blk.0.time_mix_w0.weight", GgmlType.F16)]
    public void TensorOfATypeThatItsOperationAbortsOnIsRefused(string name, GgmlType type)
    {
        EditableModel model = new();
        bool isThere = model.Build().TryGetTensor(name, out _);
        AssertRefused(name, isThere ? model.SetTensor(name, type) : model.SetTensor(name, type, 32));
    }

    [Fact]
    public void ProjectionOfWhichNoFormIsThereIsRefusedWhereTheLoaderWouldNotNotice()
    {
        EditableModel Model() => new EditableModel().Rename("phi3");

        GgufModelValidator.Validate(Model().Build());
        AssertRefused("layer 1 has 'attn_output', but not 'attn_qkv'", Model().RemoveTensor("blk.1.attn_k.weight"));
    }

    [Fact]
    public void RelativePositionsOfTheFirstLayerAreRequired()
    {
        EditableModel Model() => new EditableModel().Rename("t5").SetTensor("enc.blk.0.attn_rel_b.weight", GgmlType.F32, 4, 8);

        AssertRefused("dec.blk.0.attn_rel_b.weight", Model());
        GgufModelValidator.Validate(Model().SetTensor("dec.blk.0.attn_rel_b.weight", GgmlType.F32, 4, 8).Build());
    }

    [Fact]
    public void MixturesWithoutTheirGateAreRefused()
    {
        EditableModel Model() => new EditableModel().Rename("rwkv7").SetTensor("blk.0.time_mix_lerp_fused.weight", GgmlType.F32, 64, 1, 1, 6);

        AssertRefused("without a gate", Model());
        GgufModelValidator.Validate(Model().SetTensor("blk.0.time_mix_g1.weight", GgmlType.F16, 64, 8).SetTensor("blk.0.time_mix_g2.weight", GgmlType.F16, 8, 64).Build());
    }

    [Fact]
    public void EmptyTensorIsRefused() => AssertRefused("extra", new EditableModel().SetTensor("extra", GgmlType.F32, 0));

    [Fact]
    public void NameOf64BytesIsRefused() => AssertRefused("the name of the tensor", new EditableModel().SetTensor(new string('t', 64), GgmlType.F32, 1));

    [Fact]
    public void DataOutOfOrderIsRefused()
    {
        GgufFile file = GgufBytes.Header(tensors: 2).Tensor("a", GgmlType.F32, 32, 1).Tensor("b", GgmlType.F32, 0, 1).Pad().Raw(new byte[64]).Read();

        GgufFormatException e = Assert.Throws<GgufFormatException>(() => GgufModelValidator.Validate(file));
        Assert.Contains("where 0 is expected", e.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void MultiModalProjectorIsRefused() => AssertRefused("clip", new EditableModel().Set("general.architecture", "clip"));

    [Fact]
    public void PartsOfASplitModelAreCheckedTogether()
    {
        GgufFile first = new EditableModel().Set("split.count", (ushort)2).Set("split.no", (ushort)0).Build();
        GgufFile second = Part(1, "blk.2.attn_norm.weight");

        GgufModelValidator.Validate([first, second]);
        Assert.Throws<GgufFormatException>(() => GgufModelValidator.Validate(first));
        Assert.Throws<GgufFormatException>(() => GgufModelValidator.Validate([first, Part(2, "blk.2.attn_norm.weight")]));
        Assert.Throws<GgufFormatException>(() => GgufModelValidator.Validate([first, Part(1, "output_norm.weight")]));
        Assert.Throws<GgufFormatException>(() => GgufModelValidator.Validate([first, GgufBytes.Header(keys: 1).Key("split.no", GgufValueType.UInt32).UInt32(1).Read()]));
    }

    [Fact]
    public void SplitFilesAreFoundByTheirNames()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            string path = Path.Combine(folder, "model-00001-of-00002.gguf");
            Write(path, 0);
            Assert.Throws<FileNotFoundException>(() => GgufFile.OpenParts(path));

            Write(Path.Combine(folder, "model-00002-of-00002.gguf"), 1);
            Assert.Equal(2, GgufFile.OpenParts(path).Count);

            File.Move(path, Path.Combine(folder, "other.gguf"));
            Assert.Throws<GgufFormatException>(() => GgufFile.OpenParts(Path.Combine(folder, "other.gguf")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        static void Write(string path, ushort number)
        {
            GgufWriter writer = new();
            writer.Add("split.count", (ushort)2);
            writer.Add("split.no", number);
            using FileStream stream = File.Create(path);
            writer.Write(stream);
        }
    }

    private static GgufFile Part(ushort number, string tensor)
    {
        GgufWriter writer = new();
        writer.Add("split.no", number);
        writer.AddTensor(tensor, GgmlType.F32, [1], new byte[4]);
        using MemoryStream stream = new();
        writer.Write(stream);
        stream.Position = 0;
        return GgufFile.Read(stream);
    }

    internal static void AssertRefused(string reason, EditableModel model)
    {
        GgufFormatException e = Assert.Throws<GgufFormatException>(() => GgufModelValidator.Validate(model.Build()));
        Assert.Contains(reason, e.Reason, StringComparison.Ordinal);
    }
}
