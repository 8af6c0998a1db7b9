using EmbeddedLlm.Gguf;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Tests.Gguf;

/// <summary>Files that load in llama.cpp, and whose context or first token would end the process.</summary>
public sealed class GgufGraphChecksTests
{
    [Theory]
    [InlineData("gemma2", 1u)]
    [InlineData("gemma3", 1u)]
    [InlineData("cohere2", 1u)]
    [InlineData("gpt-oss", 1u)]
    [InlineData("olmo2", 1u)]
    public void WindowWithoutALayerThatSlidesIsRefused(string architecture, uint period)
    {
        EditableModel Model() => new EditableModel(SyntheticShape.Tiny with { Layers = 4 }).Rename(architecture).Set(architecture + ".attention.sliding_window", 32u);
        GgufModelValidator.Validate(Model().Build());
        AssertRefused(architecture + ".attention.sliding_window_pattern", Model().Set(architecture + ".attention.sliding_window_pattern", period));
    }

    [Fact]
    public void PatternIsNotLookedAtWhereThereIsNoWindow() =>
        GgufModelValidator.Validate(new EditableModel().Rename("olmo2").Set("olmo2.attention.sliding_window_pattern", 1u).Build());

    [Fact]
    public void ListOfLayersOfWhichNoneSlidesIsRefused()
    {
        EditableModel Model(params bool[] slides) => new EditableModel().Rename("muse-glimmer").SetArray("muse-glimmer.attention.sliding_window_pattern", slides);
        GgufModelValidator.Validate(Model(true, false).Build());
        AssertRefused("muse-glimmer.attention.sliding_window_pattern", Model(false, false));
    }

    [Theory]
    [InlineData(3u, "of which two need caches")]
    [InlineData(uint.MaxValue, "of which two need caches")]
    [InlineData(2u, "not of its kind")]
    public void LayersThatShareACacheHaveOneOfTheirKind(uint shared, string reason)
    {
        EditableModel Model(params bool[] slides) => new EditableModel(SyntheticShape.Tiny with { Layers = 4 }).Rename("gemma4")
            .SetArray("gemma4.attention.sliding_window_pattern", slides).Set("gemma4.attention.shared_kv_layers", 2u);
        GgufModelValidator.Validate(Model(true, false, true, false).Build());
        AssertRefused(reason, Model(false, false, true, false).Set("gemma4.attention.shared_kv_layers", shared));
    }

    [Theory]
    [InlineData("qwen3next", "full_attention_interval", 0u)]
    [InlineData("minimax-01", "full_attention_interval", 0u)]
    [InlineData("deepseek4", "hyper_connection.count", 3u)]
    [InlineData("deepseek4", "attention.output_group_count", 0u)]
    [InlineData("deepseek4", "attention.output_group_count", 3u)]
    [InlineData("glm-dsa", "attention.indexer.types", 0u)]
    public void HyperparameterThatAGraphDividesByOrAssertsIsRefused(string architecture, string name, uint value) =>
        AssertRefused($"{architecture}.{name}", new EditableModel().Rename(architecture).Set($"{architecture}.{name}", value));

    [Theory]
    [InlineData("mimo2", "rope.dimension_count", uint.MaxValue)]
    [InlineData("mimo2", "rope.dimension_count", 0u)]
    [InlineData("mimo2", "rope.dimension_count", 18u)]
    [InlineData("mimo2", "rope.dimension_count_swa", 3u)]
    [InlineData("step35", "rope.dimension_count", 6u)]
    [InlineData("step35", "rope.dimension_count", 0u)]
    [InlineData("step35", "rope.dimension_count", 64u)]
    [InlineData("step35", "rope.dimension_count_swa", 18u)]
    public void RotationThatDoesNotFitAHeadIsRefused(string architecture, string name, uint value)
    {
        EditableModel Model() => new EditableModel().Rename(architecture).SetArray(architecture + ".attention.sliding_window_pattern", true, false);
        GgufModelValidator.Validate(Model().Build());
        AssertRefused($"'{architecture}.{name}' is {value:N0} in heads of", Model().Set($"{architecture}.{name}", value));
    }

    [Theory]
    [InlineData("lfm2")]
    [InlineData("jamba")]
    public void HeadsOfLayersThatAreReadForTheFirstAloneAreAlike(string architecture)
    {
        EditableModel Model(params uint[] heads) => new EditableModel().Rename(architecture).SetArray(architecture + ".attention.head_count_kv", 0u, 2u)
            .SetArray(architecture + ".attention.head_count", heads);
        GgufModelValidator.Validate(Model(4, 4).Build());
        AssertRefused(architecture + ".attention.head_count", Model(1, 0));
        AssertRefused(architecture + ".attention.head_count", Model(2, 4));
    }

    [Theory]
    [InlineData("nemotron_h")]
    [InlineData("nemotron_h_moe")]
    public void LayersThatPredictFurtherTokensUseExperts(string architecture) => AssertRefused(architecture + ".expert_used_count",
        new EditableModel(SyntheticShape.Tiny with { Layers = 3 }).Rename(architecture).SetArray(architecture + ".attention.head_count_kv", 0u, 2u, 0u)
            .SetArray(architecture + ".feed_forward_length", 0u, 0u, 128u).Set(architecture + ".nextn_predict_layers", 1u));

    [Fact]
    public void HeadsOfNoElementsAreRefused() => AssertRefused("jamba.attention.key_length",
        new EditableModel().Rename("jamba").SetArray("jamba.attention.head_count_kv", 0u, 2u).Set("jamba.attention.key_length", 0u));

    [Fact]
    public void RotationThatIsSizedForALayerWithoutHeadsIsRefused() => AssertRefused("plamo2.attention.head_count",
        new EditableModel().Rename("plamo2").SetArray("plamo2.attention.head_count", 0u, 4u).SetArray("plamo2.attention.head_count_kv", 0u, 2u));

    [Fact]
    public void HeadsOfValuesWithoutElementsAreRefused() =>
        AssertRefused("bailingmoe.attention.value_length", new EditableModel().Rename("bailingmoe").Set("bailingmoe.attention.value_length", 0u));

    [Theory]
    [InlineData("rwkv6")]
    [InlineData("rwkv6qwen2")]
    public void RecurrentLayersHaveOneNumberOfHeadsForKeysAndValues(string architecture)
    {
        EditableModel Model(params uint[] heads) => new EditableModel().Rename(architecture).Set(architecture + ".token_shift_count", architecture == "rwkv6" ? 2u : 1u)
            .SetArray(architecture + ".attention.head_count_kv", heads);
        AssertRefused("differs between layers", Model(4, 2));
        AssertRefused("differs between layers", Model(0, 2));
    }

    [Theory]
    [InlineData("lfm2")]
    public void ConvolutionThatLooksBothWaysHasAMiddle(string architecture)
    {
        EditableModel Model(uint window, bool isCausal) => new EditableModel().Rename(architecture).SetArray(architecture + ".attention.head_count_kv", 0u, 2u)
            .Set(architecture + ".attention.causal", isCausal).Set(architecture + ".shortconv.l_cache", window);
        GgufModelValidator.Validate(Model(4, isCausal: true).Build());
        GgufModelValidator.Validate(Model(3, isCausal: false).Build());
        AssertRefused(architecture + ".shortconv.l_cache", Model(4, isCausal: false));
    }

    [Theory]
    [InlineData("glm4moe")]
    [InlineData("grovemoe")]
    [InlineData("lfm2moe")]
    [InlineData("qwen35moe")]
    public void ArchitectureOfExpertsWithoutAnyIsRefused(string architecture) =>
        AssertRefused(architecture + ".expert_count", new EditableModel().Rename(architecture));

    [Theory]
    [InlineData("dflash")]
    [InlineData("eagle3")]
    [InlineData("gemma4-assistant")]
    [InlineData("wavtokenizer-dec")]
    public void PartOfAnotherModelIsRefused(string architecture) => AssertRefused("part of another model", new EditableModel().Rename(architecture));

    [Theory]
    [InlineData("head_count")]
    [InlineData("head_count_kv")]
    public void ArchitectureWithoutHeadsIsRefused(string name) => AssertRefused("qwen2.attention.head_count", new EditableModel().Set("qwen2.attention." + name, 0u));

    [Fact]
    public void VectorsThatAreSaidToBeLongerThanTheyAreAreRefused()
    {
        GgufModelValidator.Validate(new EditableModel().Set("qwen2.embedding_length_out", 64u).Build());
        AssertRefused("qwen2.embedding_length_out", new EditableModel().Set("qwen2.embedding_length_out", 65u));
    }

    [Theory]
    [InlineData("minicpm3")]
    [InlineData("olmoe")]
    [InlineData("deepseek2")]
    [InlineData("deepseek2-ocr")]
    public void KeysThatAreNotKeptCompressedAreOneForEachHead(string architecture)
    {
        EditableModel Model() => new EditableModel().Rename(architecture).Set(architecture + ".rope.dimension_count", architecture == "olmoe" ? 16u : 8u).RemoveAllTensors();
        GgufModelValidator.Validate(Model().Set(architecture + ".attention.head_count_kv", 4u).Build());
        AssertRefused(architecture + ".attention.head_count_kv", Model());
    }

    [Fact]
    public void HybridHasRecurrentLayersAndOthers()
    {
        EditableModel Model(params uint[] heads) => new EditableModel(SyntheticShape.TinyHybrid).SetArray("granitehybrid.attention.head_count_kv", heads);
        GgufModelValidator.Validate(Model(0, 2, 0, 2).Build());
        AssertRefused("granitehybrid.attention.head_count_kv", Model(0, 0, 0, 0));
        AssertRefused("granitehybrid.attention.head_count_kv", Model(2, 2, 2, 2));
    }

    [Theory]
    [InlineData("nemotron_h", "attention.head_count_kv")]
    [InlineData("qwen3next", "full_attention_interval")]
    [InlineData("minimax-01", "full_attention_interval")]
    public void HybridWithoutALayerOfOneKindIsRefused(string architecture, string name)
    {
        EditableModel model = new EditableModel(SyntheticShape.Tiny with { Layers = 2 }).Rename(architecture);
        AssertRefused($"{architecture}.{name}", name.StartsWith("full", StringComparison.Ordinal) ? model.Set($"{architecture}.{name}", 3u) : model);
    }

    [Theory]
    [InlineData("arwkv7")]
    [InlineData("rwkv6qwen2")]
    public void ShiftOfTokensIsTwoUnlessItIsSaid(string architecture) =>
        AssertRefused(architecture + ".token_shift_count", new EditableModel().Rename(architecture).Set(architecture + ".wkv.head_size", 16u));

    [Fact]
    public void TensorDataThatAMapOfTheFileWouldNotAlignIsRefused()
    {
        EditableModel Model(uint alignment) => new EditableModel().Set("general.alignment", alignment);
        GgufModelValidator.Validate(Model(64).Build());
        AssertRefused("multiple of 32", Model(1));
    }

    [Fact]
    public void DeltaRuleHasKeysAndValuesOfOneSize()
    {
        EditableModel Model(uint state) => new EditableModel().Rename("qwen3next").Set("qwen3next.full_attention_interval", 2u)
            .Set("qwen3next.ssm.inner_size", 128u).Set("qwen3next.ssm.time_step_rank", 4u).Set("qwen3next.ssm.state_size", state);
        GgufModelValidator.Validate(Model(32).Build());
        AssertRefused("qwen3next.ssm.inner_size", Model(16));
    }

    [Theory]
    [InlineData(16u, true)]
    [InlineData(24u, false)]
    public void HeadsThatAreCutOutOfTheWidthAreOfItsSize(uint size, bool isFine)
    {
        EditableModel model = new EditableModel().Rename("deepseek2-ocr").Set("deepseek2-ocr.attention.head_count_kv", 4u)
            .Set("deepseek2-ocr.attention.key_length", size).Set("deepseek2-ocr.attention.value_length", size).RemoveAllTensors();
        if (isFine)
            GgufModelValidator.Validate(model.Build());
        else
            AssertRefused("deepseek2-ocr.attention.key_length", model);
    }

    [Fact]
    public void CacheOfTwoKindsNeedsAWindow() => AssertRefused("afmoe.attention.sliding_window", new EditableModel().Rename("afmoe"));

    [Fact]
    public void ProjectionsGoWithTheCacheThatIsMadeForThem()
    {
        EditableModel Model(string name) => new EditableModel().Rename("kimi-linear").SetArray("kimi-linear.attention.head_count_kv", 4u, 0u).Set("kimi-linear.rope.dimension_count", 8u)
            .RemoveAllTensors().SetTensor("blk.0.attn_kv_a_mqa.weight", GgmlType.F32, 64, 24).SetTensor($"blk.0.{name}.weight", GgmlType.F32, 64, 64);
        GgufModelValidator.Validate(Model("attn_kv_b").Build());
        AssertRefused("key_length_mla", Model("attn_kv_b").SetTensor("blk.0.attn_k_b.weight", GgmlType.F32, 8).SetTensor("blk.0.attn_v_b.weight", GgmlType.F32, 8));
    }

    [Fact]
    public void ImageTokensThatAreOverwrittenAreThere() => AssertRefused("8,196 tokens", new EditableModel().Rename("chameleon"));

    [Fact]
    public void ArchitectureWhoseGraphIsBrokenIsRefused() => AssertRefused("llama.cpp ends the process", new EditableModel().Rename("plm"));

    [Fact]
    public void GatingThatIsMissingIsRefusedWhereThereIsNoDefault()
    {
        EditableModel Model() => new EditableModel().Rename("smallthinker").Set("smallthinker.expert_count", 4u).Set("smallthinker.expert_used_count", 2u);
        GgufModelValidator.Validate(Model().Set("smallthinker.expert_gating_func", 2u).Build());
        AssertRefused("smallthinker.expert_gating_func", Model());
    }

    [Theory]
    [InlineData("gemma-embedding", 2)]
    [InlineData("llama4", 3)]
    public void LayersOfOneKindAreRefusedWhereBothAreTakenForGranted(string architecture, int layers)
    {
        EditableModel Model(int count) => new EditableModel(SyntheticShape.Tiny with { Layers = count }).Rename(architecture).Set(architecture + ".attention.sliding_window", 32u);
        GgufModelValidator.Validate(Model(8).Build());
        AssertRefused(architecture, Model(layers));
    }

    [Fact]
    public void HeadsOfRwkvAreThoseOfItsWidth()
    {
        EditableModel Model(uint heads) => new EditableModel().Rename("rwkv6").Set("rwkv6.wkv.head_size", 16u).Set("rwkv6.attention.head_count_kv", heads).RemoveAllTensors();
        GgufModelValidator.Validate(Model(4).Build());
        AssertRefused("rwkv6.attention.head_count_kv", Model(2));
    }

    [Fact]
    public void TemperatureOfAttentionWithoutALengthIsRefused()
    {
        EditableModel Model() => new EditableModel().Rename("deepseek2").Set("deepseek2.rope.dimension_count", 8u).Set("deepseek2.attention.head_count_kv", 4u).Set("deepseek2.attention.temperature_scale", 0.1f);
        GgufModelValidator.Validate(Model().Set("deepseek2.attention.temperature_length", 8192u).Build());
        AssertRefused("deepseek2.attention.temperature_scale", Model());
    }

    [Theory]
    [InlineData("jina-bert-v2", "blk.0.ffn_up.weight", 65)]
    [InlineData("laguna", "blk.0.attn_gate.weight", 5)]
    public void MatrixOfAWidthThatIsAssertedIsRefused(string architecture, string tensor, long rows) =>
        AssertRefused($"'{tensor}' has {rows} rows", new EditableModel().Rename(architecture).SetTensor(tensor, GgmlType.F32, 64, rows));

    private static void AssertRefused(string reason, EditableModel model) =>
        Assert.Contains(reason, Assert.Throws<GgufFormatException>(() => GgufModelValidator.Validate(model.Build())).Message, StringComparison.Ordinal);
}
