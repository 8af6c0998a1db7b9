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
}
