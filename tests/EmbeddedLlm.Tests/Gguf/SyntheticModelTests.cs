using System.Security.Cryptography;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Tests.Gguf;

public sealed class SyntheticModelTests
{
    [Fact]
    public void SameSeedGivesTheSameBytes()
    {
        Assert.Equal(Hash(seed: 7), Hash(seed: 7));
        Assert.NotEqual(Hash(seed: 7), Hash(seed: 8));
    }

    [Fact]
    public void Qwen25Of500MHasTheTypesOfLlamaCppsMix()
    {
        // As llama_model_quantize of llama.cpp v0.4.0 makes Q4_K_M of a model of this shape.
        Dictionary<GgmlType, int> expected = new()
        {
            [GgmlType.F32] = 121,
            [GgmlType.Q4_K] = 12,
            [GgmlType.Q5_0] = 132,
            [GgmlType.Q6_K] = 12,
            [GgmlType.Q8_0] = 13,
        };

        Assert.Equal(expected, Types("qwen2.5-0.5b"));
    }

    [Fact]
    public void Llama32Of1BHasTheTypesOfLlamaCppsMix()
    {
        Dictionary<GgmlType, int> expected = new() { [GgmlType.F32] = 34, [GgmlType.Q4_K] = 96, [GgmlType.Q6_K] = 17 };

        Assert.Equal(expected, Types("llama-3.2-1b"));
    }

    [Theory]
    [InlineData(SyntheticMix.F32)]
    [InlineData(SyntheticMix.F16)]
    [InlineData(SyntheticMix.Q8_0)]
    [InlineData(SyntheticMix.Q4_0)]
    [InlineData(SyntheticMix.Q4_K_M)]
    public void ModelOfEveryMixIsValid(int mix)
    {
        foreach (string architecture in new[] { "llama", "qwen2", "qwen3" })
            GgufModelValidator.Validate(new EditableModel(SyntheticShape.Small with { Architecture = architecture, Mix = (SyntheticMix)mix }).Build());
    }

    [Fact]
    public void RealVocabularyIsTakenOver()
    {
        SyntheticVocabulary vocabulary = SyntheticVocabulary.FromFile(SharedData.Require("data", "vocab", "ggml-vocab-qwen2.gguf"));
        using MemoryStream stream = new();
        SyntheticModel.Describe(SyntheticShape.Tiny, vocabulary).Write(stream);
        stream.Position = 0;

        GgufFile file = GgufFile.Read(stream);

        GgufModelValidator.Validate(file);
        Assert.True(file.Metadata.TryGetStrings("tokenizer.ggml.tokens", out GgufArray? tokens));
        Assert.Equal(151_936, tokens.Count);
        Assert.True(file.TryGetTensor("token_embd.weight", out GgufTensorInfo? embeddings));
        Assert.Equal([64, 151_936], embeddings.Dimensions.ToArray());
    }

    [Theory]
    [InlineData(259)]
    [InlineData(300)]
    [InlineData(5_000)]
    public void GeneratedVocabularyHasTheTokensAskedForAndNoneTwice(int count)
    {
        GgufFile file = new EditableModel(tokens: count).Build();

        Assert.True(file.Metadata.TryGetStrings("tokenizer.ggml.tokens", out GgufArray? tokens));
        Assert.Equal(count, tokens.ToStrings().Distinct(StringComparer.Ordinal).Count());
        Assert.True(file.Metadata.TryGetStrings("tokenizer.ggml.merges", out GgufArray? merges));
        Assert.Equal(count - 259, merges.Count);
    }

    private static string Hash(ulong seed)
    {
        using MemoryStream stream = new();
        SyntheticModel.Describe(SyntheticShape.Small, SyntheticVocabulary.ByteLevel(300), seed).Write(stream);
        return Convert.ToHexString(SHA256.HashData(stream.ToArray()));
    }

    private static Dictionary<GgmlType, int> Types(string preset) =>
        SyntheticPresetTests.Header(new SyntheticChoice(SyntheticPreset.Find(preset)!)).Tensors
            .GroupBy(tensor => tensor.Type).OrderBy(group => group.Key).ToDictionary(group => group.Key, group => group.Count());
}
