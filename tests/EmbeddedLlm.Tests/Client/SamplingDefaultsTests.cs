using EmbeddedLlm.Catalog;
using EmbeddedLlm.Client;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.Sampling;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

public sealed class SamplingDefaultsTests
{
    [Fact]
    public void TheLibrarysDefaultsAreLlamaCpps() =>
        Assert.Equal(new SamplingOptions { Temperature = 0.8f, TopK = 40, TopP = 0.95f, MinP = 0.05f }, SamplingDefaults.Create(Metadata(), null, []).For(null, null));

    [Fact]
    public void TheFilesRecommendationCountsBeforeTheLibrarys()
    {
        SamplingOptions options = SamplingDefaults.Create(Metadata(("general.sampling.temp", 0.6f)), null, []).For(null, null);
        Assert.Equal((0.6f, 40), (options.Temperature, options.TopK));
    }

    [Fact]
    public void TheCataloguesRecommendationCountsBeforeTheFiles() =>
        Assert.Equal(0f, SamplingDefaults.Create(Metadata(("general.sampling.temp", 0.6f)), new CatalogSampling { Temperature = 0 }, []).For(null, null).Temperature);

    [Fact]
    public void TheRequestCountsBeforeAll()
    {
        ChatOptions options = new() { Temperature = 1, TopP = 0.5f, TopK = 3, FrequencyPenalty = 0.1f, PresencePenalty = 0.2f, Seed = 9 };
        EmbeddedChatOptions more = new() { MinP = 0.3f, RepeatPenalty = 1.1f, PenaltyLastN = 8 };
        SamplingOptions expected = new()
        {
            Temperature = 1,
            TopP = 0.5f,
            TopK = 3,
            FrequencyPenalty = 0.1f,
            PresencePenalty = 0.2f,
            Seed = 9,
            MinP = 0.3f,
            RepeatPenalty = 1.1f,
            PenaltyLastN = 8,
        };
        Assert.Equal(expected, SamplingDefaults.Create(Metadata(), new CatalogSampling { Temperature = 0 }, []).For(options, more));
    }

    [Fact]
    public void SuppressedTokensAreExcludedUnlessTheRequestSaysOtherwise()
    {
        SamplingDefaults defaults = SamplingDefaults.Create(Metadata(), null, [3, 5]);
        Assert.Equal(float.NegativeInfinity, defaults.For(null, null).LogitBias![3]);
        IReadOnlyDictionary<int, float> bias = defaults.For(null, new() { LogitBias = new Dictionary<int, float> { [3] = 0, [7] = 1 } }).LogitBias!;
        Assert.Equal((0, float.NegativeInfinity, 1), (bias[3], bias[5], bias[7]));
    }

    private static GgufMetadata Metadata(params ReadOnlySpan<(string Key, float Value)> entries)
    {
        GgufWriter writer = new();
        foreach ((string key, float value) in entries)
            writer.Add(key, value);
        using MemoryStream stream = new();
        writer.Write(stream);
        stream.Position = 0;
        return GgufFile.Read(stream).Metadata;
    }
}
