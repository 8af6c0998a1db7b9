using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Tests.Gguf;

public sealed class GgufModelInfoTests
{
    [Fact]
    public void StarterModelIsDescribed()
    {
        GgufModelInfo info = GgufModelInfo.From(GgufFile.Open(Path.Combine(SharedData.RepositoryRoot, "src", "EmbeddedLlm.Starter", "starter.gguf")));

        Assert.Equal("llama", info.Architecture);
        Assert.Equal(918_656, info.ParameterCount);
        Assert.Equal(512, info.ContextLength);
        Assert.True(info.HasTokenizer);
        Assert.NotNull(info.ChatTemplate);
        Assert.All(info.HeadCounts, count => Assert.True(count > 0));
    }

    [Theory]
    [InlineData(GgmlType.F16, GgmlType.F16, 12_288)]
    [InlineData(GgmlType.Q8_0, GgmlType.Q8_0, 6_528)]
    [InlineData(GgmlType.F16, GgmlType.Q4_0, 7_872)]
    public void CacheOfQwen25Of500MHasTheKnownSizePerToken(GgmlType keys, GgmlType values, long expected)
    {
        // 24 layers of 2 heads of 64, once for keys and once for values.
        GgufModelInfo info = GgufModelInfo.From(new EditableModel()
            .Set("qwen2.block_count", 24u)
            .Set("qwen2.attention.head_count", 14u)
            .Set("qwen2.attention.head_count_kv", 2u)
            .Set("qwen2.attention.key_length", 64u)
            .Set("qwen2.attention.value_length", 64u)
            .Build());

        Assert.Equal(expected, info.KvBytesPerToken(keys, values));
    }

    [Fact]
    public void LayersWithoutHeadsCacheNothing()
    {
        GgufModelInfo info = GgufModelInfo.From(new EditableModel().SetArray("qwen2.attention.head_count_kv", 2u, 0u).Build());

        Assert.Equal([2, 0], info.KvHeadCounts);
        Assert.Equal(2 * 16 * 2 * 2, info.KvBytesPerToken(GgmlType.F16, GgmlType.F16));
    }

    [Fact]
    public void LatentAttentionCachesKeysOnly()
    {
        GgufModelInfo info = GgufModelInfo.From(new EditableModel()
            .Set("general.architecture", "deepseek2")
            .Set("deepseek2.block_count", 2u)
            .Set("deepseek2.embedding_length", 64u)
            .Set("deepseek2.attention.head_count", 4u)
            .Set("deepseek2.attention.head_count_kv", 1u)
            .Set("deepseek2.attention.key_length", 576u)
            .Set("deepseek2.attention.value_length", 512u)
            .Set("deepseek2.attention.key_length_mla", 192u)
            .Set("deepseek2.attention.value_length_mla", 128u)
            .Build());

        Assert.True(info.HasLatentAttention);
        Assert.Equal(2 * 576 * 2, info.KvBytesPerToken(GgmlType.F16, GgmlType.F16));
    }

    [Fact]
    public void CacheThatIsLargerThanCanBeCountedIsTheLargestNumber()
    {
        EditableModel model = new EditableModel().Set("qwen2.attention.head_count_kv", int.MaxValue).Set("qwen2.attention.key_length", int.MaxValue).Set("qwen2.attention.value_length", 0u);

        Assert.Equal(long.MaxValue, GgufModelInfo.From(model.Build()).KvBytesPerToken(GgmlType.F16, GgmlType.F16));
        Assert.Equal(long.MaxValue, GgufModelInfo.From(model.Set("qwen2.block_count", 1u).Build()).KvBytesPerToken(GgmlType.F32, GgmlType.F32));
        Assert.Equal(long.MaxValue, GgufModelInfo.From(model.Set("qwen2.attention.value_length", int.MaxValue).Build()).KvBytesPerToken(GgmlType.F16, GgmlType.F16));
    }

    [Fact]
    public void WeightsThatAreMoreThanCanBeCountedAreTheLargestNumber()
    {
        byte[] header = GgufBytes.Header(tensors: 1).Tensor("t", GgmlType.I8, 0, 1UL << 62).Pad().ToArray();
        Assert.True(GgufFile.TryReadPrefix(header, fileLength: null, out GgufFile? part));

        GgufModelInfo info = GgufModelInfo.From([part, part]);

        Assert.Equal(long.MaxValue, info.ParameterCount);
        Assert.Equal(long.MaxValue, info.TensorBytes);
    }

    // llama.cpp takes the same file for a model of qwen2.
    [Fact]
    public void NamesOfArchitecturesEndAtAZeroByte()
    {
        GgufModelInfo info = GgufModelInfo.From(new EditableModel().Set("general.architecture", "qwen2\0x").Build());

        Assert.Equal("qwen2", info.Architecture);
        Assert.Equal(64, info.EmbeddingLength);
    }

    [Fact]
    public void HeadSizeIsTheWidthSharedByTheHeadsWhereNoneIsGiven()
    {
        GgufModelInfo info = GgufModelInfo.From(new EditableModel().Remove("qwen2.attention.key_length").Remove("qwen2.attention.value_length").Build());

        Assert.Equal(16, info.KeyLength);
        Assert.Equal(16, info.ValueLength);
    }

    [Fact]
    public void TokenizerIsNamed()
    {
        GgufModelInfo info = GgufModelInfo.From(new EditableModel(tokens: 400).Build());

        Assert.Equal(400, info.VocabularySize);
        Assert.Equal("gpt2", info.TokenizerModel);
        Assert.Equal("qwen2", info.PreTokenizer);
    }

    [Fact]
    public void NamedChatTemplatesAreFoundByTheirName()
    {
        GgufModelInfo info = GgufModelInfo.From(new EditableModel().Set("tokenizer.chat_template.tool_use", "{{ tools }}").Build());

        Assert.Equal("{{ tools }}", info.NamedChatTemplates["tool_use"]);
        Assert.Contains("<|im_start|>", info.ChatTemplate, StringComparison.Ordinal);
    }

    [Fact]
    public void SizesOfAllPartsAreAddedUp()
    {
        GgufFile part = new EditableModel().Build();

        GgufModelInfo one = GgufModelInfo.From(part);
        GgufModelInfo two = GgufModelInfo.From([part, part]);

        Assert.Equal(2 * one.ParameterCount, two.ParameterCount);
        Assert.Equal(2 * one.TensorBytes, two.TensorBytes);
    }

    [Fact]
    public void HeaderThatSaysNothingIsDescribedWithoutAnError()
    {
        GgufModelInfo info = GgufModelInfo.From(GgufBytes.Header().Read());

        Assert.Equal("", info.Architecture);
        Assert.Equal(0, info.BlockCount);
        Assert.Empty(info.HeadCounts);
        Assert.Equal(0, info.KvBytesPerToken(GgmlType.F16, GgmlType.F16));
    }
}
