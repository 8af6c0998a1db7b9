using EmbeddedLlm.Sampling;

namespace EmbeddedLlm.Tests.Sampling;

public sealed class SamplingOptionsTests
{
    private static readonly (string Option, SamplingOptions Options)[] Invalid =
    [
        (nameof(SamplingOptions.Temperature), new() { Temperature = -1f }),
        (nameof(SamplingOptions.Temperature), new() { Temperature = float.NaN }),
        (nameof(SamplingOptions.Temperature), new() { Temperature = float.PositiveInfinity }),
        (nameof(SamplingOptions.TopK), new() { TopK = -1 }),
        (nameof(SamplingOptions.TopP), new() { TopP = 0f }),
        (nameof(SamplingOptions.TopP), new() { TopP = 1.01f }),
        (nameof(SamplingOptions.TopP), new() { TopP = float.NaN }),
        (nameof(SamplingOptions.MinP), new() { MinP = -0.1f }),
        (nameof(SamplingOptions.MinP), new() { MinP = 1.1f }),
        (nameof(SamplingOptions.RepeatPenalty), new() { RepeatPenalty = 0f }),
        (nameof(SamplingOptions.RepeatPenalty), new() { RepeatPenalty = float.Epsilon }),
        (nameof(SamplingOptions.FrequencyPenalty), new() { FrequencyPenalty = float.NaN }),
        (nameof(SamplingOptions.PresencePenalty), new() { PresencePenalty = float.NegativeInfinity }),
        (nameof(SamplingOptions.PenaltyLastN), new() { PenaltyLastN = -1 }),
        (nameof(SamplingOptions.PenaltyLastN), new() { PenaltyLastN = int.MaxValue }),
        (nameof(SamplingOptions.DryMultiplier), new() { DryMultiplier = -0.1f }),
        (nameof(SamplingOptions.DryMultiplier), new() { DryMultiplier = float.NaN }),
        (nameof(SamplingOptions.DryBase), new() { DryBase = 0.9f }),
        (nameof(SamplingOptions.DryAllowedLength), new() { DryAllowedLength = 0 }),
        (nameof(SamplingOptions.DryPenaltyLastN), new() { DryPenaltyLastN = -1 }),
        (nameof(SamplingOptions.DryPenaltyLastN), new() { DryPenaltyLastN = SamplingOptions.MaxPenaltyLastN + 1 }),
        (nameof(SamplingOptions.TopNSigma), new() { TopNSigma = -1f }),
        (nameof(SamplingOptions.TypicalP), new() { TypicalP = 0f }),
        (nameof(SamplingOptions.TypicalP), new() { TypicalP = float.NaN }),
        (nameof(SamplingOptions.XtcProbability), new() { XtcProbability = 1.1f }),
        (nameof(SamplingOptions.XtcThreshold), new() { XtcThreshold = -0.1f }),
        (nameof(SamplingOptions.DynamicTemperatureRange), new() { DynamicTemperatureRange = float.PositiveInfinity }),
        (nameof(SamplingOptions.DynamicTemperatureExponent), new() { DynamicTemperatureExponent = 0f }),
        (nameof(SamplingOptions.Mirostat), new() { Mirostat = (MirostatVersion)3 }),
        (nameof(SamplingOptions.Mirostat), new() { Mirostat = MirostatVersion.V2, TypicalP = 0.5f }),
        (nameof(SamplingOptions.MirostatTau), new() { MirostatTau = 0f }),
        (nameof(SamplingOptions.MirostatEta), new() { MirostatEta = 1.5f }),
        (nameof(SamplingOptions.LogitBias), new() { LogitBias = new Dictionary<int, float> { [1] = float.NaN } }),
        (nameof(SamplingOptions.LogitBias), new() { LogitBias = new Dictionary<int, float> { [1] = float.PositiveInfinity } }),
        (nameof(SamplingOptions.LogitBias), new() { LogitBias = new Dictionary<int, float> { [-1] = 0f } }),
    ];

    public static TheoryData<string, int> Cases => [.. Invalid.Select((c, i) => (c.Option, i))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void AnOptionOutsideItsRangeIsNamed(string option, int index)
    {
        SamplingOptions options = Invalid[index].Options;
        Assert.Equal(option, Assert.Throws<ArgumentOutOfRangeException>(options.Validate).ParamName);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sampler(options));
    }

    [Fact]
    public void TheDefaultsAreValid() => new SamplingOptions().Validate();

    /// <summary>They are looked at several times for each request.</summary>
    [Fact]
    public void OptionsThatAreRightCostNothingToValidate()
    {
        SamplingOptions options = new() { Temperature = 0.7f, TopK = 40 };
        Assert.Equal(0, Allocations.Least(10, options.Validate));

        SamplingOptions biased = new() { LogitBias = Enumerable.Range(0, 1000).ToDictionary(static token => token, static _ => -1f) };
        Assert.InRange(Allocations.Least(10, biased.Validate), 0, 200);
    }
}
