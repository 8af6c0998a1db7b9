using EmbeddedLlm.Catalog;
using EmbeddedLlm.Client;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Tests.Scheduling;
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

    /// <summary>Who sends a request could do nothing about what is in a file, so it never makes a request fail: it means what it means to llama.cpp.</summary>
    [Theory]
    [InlineData(-1f)]
    [InlineData(0f)]
    [InlineData(7f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void ARecommendationOutOfItsRangeMakesNoRequestFail(float value)
    {
        string[] keys = ["temp", "top_p", "min_p", "penalty_repeat"];
        SamplingOptions options = SamplingDefaults.Create(Metadata([.. keys.Select(key => ("general.sampling." + key, value))]), null, []).For(null, null);
        SamplingOptions expected = value switch
        {
            -1f => new() { Temperature = 0, TopP = float.Epsilon, MinP = 0 },
            0f => new() { Temperature = 0, TopP = float.Epsilon, MinP = 0 },
            7f => new() { Temperature = 7, TopP = 1, MinP = 1, RepeatPenalty = 7 },
            _ => new(),
        };
        Assert.Equal(expected, options);
    }

    [Fact]
    public void ANegativeTopKOfTheFileKeepsAllTokens() => Assert.Equal((0, 32), SamplingDefaults.Create(Metadata("top_k", -1, "penalty_last_n", 32), null, []).Options is var options ? (options.TopK, options.PenaltyLastN) : default);

    [Fact]
    public void ABiasOfATokenThatTheModelDoesNotHaveIsRefusedByName()
    {
        int beyond = FakeDecoder.Vocabulary.Count;
        ArgumentOutOfRangeException exception = Assert.Throws<ArgumentOutOfRangeException>(() => Defaults.For(null, new EmbeddedChatOptions { LogitBias = new Dictionary<int, float> { [0] = 1, [beyond] = 1 } }));
        Assert.Equal(("LogitBias", beyond), (exception.ParamName, exception.ActualValue));
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
        IReadOnlyDictionary<int, float> bias = defaults.For(null, new EmbeddedChatOptions { LogitBias = new Dictionary<int, float> { [3] = 0, [7] = 1 } }).LogitBias!;
        Assert.Equal((0, float.NegativeInfinity, 1), (bias[3], bias[5], bias[7]));
    }

    [Fact]
    public void EverySamplerOfARequestIsTaken()
    {
        EmbeddedChatOptions more = new()
        {
            DryMultiplier = 0.8f, DryBase = 1.5f, DryAllowedLength = 3, DryPenaltyLastN = 100, TopNSigma = 2f, TypicalP = 0.9f, XtcProbability = 0.5f, XtcThreshold = 0.2f,
            DynamicTemperatureRange = 0.3f, DynamicTemperatureExponent = 2f, MirostatTau = 4f, MirostatEta = 0.2f,
        };
        SamplingOptions expected = new()
        {
            DryMultiplier = 0.8f, DryBase = 1.5f, DryAllowedLength = 3, DryPenaltyLastN = 100, TopNSigma = 2f, TypicalP = 0.9f, XtcProbability = 0.5f, XtcThreshold = 0.2f,
            DynamicTemperatureRange = 0.3f, DynamicTemperatureExponent = 2f, MirostatTau = 4f, MirostatEta = 0.2f,
        };
        Assert.Equal(expected, Defaults.For(null, more) with { DryBreakers = null });
        Assert.Equal(MirostatVersion.V2, Defaults.For(null, new EmbeddedChatOptions { Mirostat = MirostatVersion.V2 }).Mirostat);
    }

    [Fact]
    public void DryBreaksAtLineEndsUnlessTheRequestSaysWhere()
    {
        DryBreakers standard = Defaults.For(null, new EmbeddedChatOptions { DryMultiplier = 1f }).DryBreakers!;
        DryBreakers own = Defaults.For(null, new EmbeddedChatOptions { DryMultiplier = 1f, DrySequenceBreakers = ["x"] }).DryBreakers!;
        Assert.Equal((true, false), (standard.IsIn('\n'), standard.IsIn('x')));
        Assert.Equal((false, true), (own.IsIn('\n'), own.IsIn('x')));
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    public void AnEmptyBreakerIsRefusedByName(string? breaker) =>
        Assert.Equal("DrySequenceBreakers", Assert.Throws<ArgumentException>(() => Defaults.For(null, new EmbeddedChatOptions { DryMultiplier = 1f, DrySequenceBreakers = [breaker!] })).ParamName);

    [Fact]
    public void MirostatIsRefusedBesideTheCutsItReplaces()
    {
        EmbeddedChatOptions mirostat = new() { Mirostat = MirostatVersion.V2 };
        Assert.Equal("Mirostat", Assert.Throws<ArgumentException>(() => Defaults.For(new ChatOptions { TopK = 5 }, mirostat)).ParamName);
        Assert.Equal("Mirostat", Assert.Throws<ArgumentException>(() => Defaults.For(new ChatOptions { TopP = 0.5f }, mirostat)).ParamName);
        Assert.Equal("Mirostat", Assert.Throws<ArgumentException>(() => Defaults.For(null, new EmbeddedChatOptions { Mirostat = MirostatVersion.V1, MinP = 0.1f })).ParamName);
        Assert.Equal("Mirostat", Assert.Throws<ArgumentOutOfRangeException>(() => Defaults.For(null, new EmbeddedChatOptions { Mirostat = MirostatVersion.V1, TypicalP = 0.1f })).ParamName);
    }

    private static SamplingDefaults Defaults => SamplingDefaults.Create(Metadata(), null, []) with { Vocabulary = FakeDecoder.Vocabulary };

    private static GgufMetadata Metadata(string key, int value, string other, int otherValue)
    {
        GgufWriter writer = new();
        writer.Add("general.sampling." + key, value);
        writer.Add("general.sampling." + other, otherValue);
        using MemoryStream stream = new();
        writer.Write(stream);
        stream.Position = 0;
        return GgufFile.Read(stream).Metadata;
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
