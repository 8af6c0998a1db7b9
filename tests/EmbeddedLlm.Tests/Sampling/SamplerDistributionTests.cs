using EmbeddedLlm.Sampling;

namespace EmbeddedLlm.Tests.Sampling;

public sealed class SamplerDistributionTests
{
    private static readonly SamplingOptions Off = new() { Temperature = 1f, TopK = 0, TopP = 1f, MinP = 0f, Seed = 1 };

    public static TheoryData<string, int, int> Shapes()
    {
        TheoryData<string, int, int> data = [];
        foreach (string settings in Settings.Keys)
        {
            data.Add(settings, 1, 40);
            data.Add(settings, 63, 60);
            data.Add(settings, 64, 60);
            data.Add(settings, 517, 120);
            data.Add(settings, 8191, 20);
        }

        return data;
    }

    private static readonly Dictionary<string, SamplingOptions> Settings = new()
    {
        ["default"] = new() { Seed = 1 },
        ["greedy"] = Off with { Temperature = 0f },
        ["temperature"] = Off with { Temperature = 0.7f },
        ["hot"] = Off with { Temperature = 50f },
        ["cold"] = Off with { Temperature = 0.05f },
        ["top-k 1"] = Off with { TopK = 1 },
        ["top-k 5"] = Off with { TopK = 5 },
        ["top-k 64"] = Off with { TopK = 64 },
        ["top-k 700"] = Off with { TopK = 700 },
        ["top-k beyond"] = Off with { TopK = int.MaxValue },
        ["top-p 0.9"] = Off with { TopP = 0.9f },
        ["top-p 0.999"] = Off with { TopP = 0.999f },
        ["top-p tiny"] = Off with { TopP = 1e-6f },
        ["min-p 0.05"] = Off with { MinP = 0.05f },
        ["min-p 1"] = Off with { MinP = 1f },
        ["min-p tiny"] = Off with { MinP = 1e-30f },
        ["top-k and top-p"] = Off with { TopK = 100, TopP = 0.8f },
        ["top-p and min-p"] = Off with { TopP = 0.97f, MinP = 0.02f, Temperature = 1.3f },
        ["penalties"] = new() { RepeatPenalty = 1.3f, FrequencyPenalty = 0.2f, PresencePenalty = 0.5f, PenaltyLastN = 20, Seed = 1 },
        ["rewards"] = Off with { RepeatPenalty = 0.7f, FrequencyPenalty = -0.2f, TopP = 0.95f },
        ["bias"] = Off with { LogitBias = new Dictionary<int, float> { [0] = 5f, [3] = float.NegativeInfinity, [100] = -2f, [9999] = 1f }, TopK = 30 },
        ["bias and penalties"] = Off with
        {
            LogitBias = new Dictionary<int, float> { [0] = 100f, [1] = 2f, [2] = float.NegativeInfinity, [62] = -100f },
            RepeatPenalty = 1.1f, PresencePenalty = 1f, TopP = 0.99f, Temperature = 0.9f,
        },
        ["penalties alone"] = Off with { FrequencyPenalty = 1f, PenaltyLastN = 7 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void KeepsTheSameTokensWithTheSameProbabilitiesAsTheDefinition(string settings, int vocabulary, int cases)
    {
        SamplingOptions options = Settings[settings];
        Random random = new(vocabulary + settings.Length * 10_000);
        SamplerScratch scratch = new(vocabulary);
        Sampler sampler = new(options);
        List<int> history = [];
        int compared = 0;
        for (int i = 0; i < cases; i++)
        {
            float[] logits = RandomLogits.Any(random, vocabulary);
            ulong[] mask = RandomLogits.Mask(random, vocabulary);
            for (int accepted = random.Next(5); accepted > 0; accepted--)
            {
                int token = random.Next(random.Next(2) == 0 ? vocabulary : Math.Min(vocabulary, 4));
                history.Add(token);
                sampler.Accept(token);
            }

            (List<ReferenceSampler.Entry> expected, double margin) = ReferenceSampler.Distribution(logits, mask, options, history);
            TokenDistribution actual = sampler.Distribution(logits, mask, scratch);
            int sampled = sampler.Clone().Sample(logits, mask, scratch);

            // Where a running sum meets top-p within the rounding, one token more or less is right as well.
            if (margin > 1e-5)
            {
                AssertSame(expected, sampler.Distribution(logits, mask, scratch));
                compared++;
            }

            Assert.Equal(expected.Count == 0, sampled == -1);
            if (sampled >= 0 && margin > 1e-5)
                Assert.Contains(expected, e => e.Token == sampled && e.Probability > 0);
            Assert.Equal(expected.Count == 0, actual.Tokens.IsEmpty);
        }

        Assert.True(compared > cases / 3, $"only {compared} of {cases} cases could be compared");
    }

    [Theory]
    [InlineData("default")]
    [InlineData("greedy")]
    [InlineData("temperature")]
    [InlineData("top-k 700")]
    [InlineData("top-p 0.9")]
    [InlineData("top-p and min-p")]
    public void KeepsTheSameTokensOfAWholeVocabulary(string settings)
    {
        const int Vocabulary = 151_936;
        SamplingOptions options = Settings[settings];
        Random random = new(7);
        foreach (float[] logits in (float[][])[RandomLogits.Normal(random, Vocabulary, 1), RandomLogits.Peaked(random, Vocabulary)])
        {
            (List<ReferenceSampler.Entry> expected, double margin) = ReferenceSampler.Distribution(logits, [], options, []);
            Assert.True(margin > 1e-8);
            AssertSame(expected, new Sampler(options).Distribution(logits, [], new SamplerScratch(Vocabulary)));
        }
    }

    [Fact]
    public void TheLowestOfEqualTokensIsGreedilyChosen()
    {
        float[] logits = new float[200];
        logits[150] = logits[77] = logits[131] = 3f;
        Assert.Equal(77, new Sampler(SamplingOptions.Greedy).Sample(logits, [], new SamplerScratch(200)));
        Assert.Equal(131, new Sampler(SamplingOptions.Greedy).Sample(logits, [0, ~(1UL << 13), ulong.MaxValue, 0], new SamplerScratch(200)));
    }

    [Fact]
    public void PlusAndMinusZeroAreEqual()
        => Assert.Equal(0, new Sampler(SamplingOptions.Greedy).Sample([-0f, 0f, -1f], [], new SamplerScratch(3)));

    [Theory]
    [InlineData("default")]
    [InlineData("greedy")]
    [InlineData("temperature")]
    [InlineData("top-p 0.9")]
    [InlineData("penalties")]
    public void NothingIsChosenWhereNothingIsAllowed(string settings)
    {
        Sampler sampler = new(Settings[settings]);
        sampler.Accept(3);
        SamplerScratch scratch = new(100);
        float[] logits = new float[100];
        Assert.Equal(-1, sampler.Sample(logits, [0, 0], scratch));
        Assert.Equal(-1, sampler.Sample([], [], scratch));
        logits.AsSpan().Fill(float.NaN);
        Assert.Equal(-1, sampler.Sample(logits, [], scratch));
        logits.AsSpan().Fill(float.NegativeInfinity);
        Assert.Equal(-1, sampler.Sample(logits, [], scratch));
        Assert.True(sampler.Distribution(logits, [], scratch).Tokens.IsEmpty);
    }

    [Fact]
    public void MaskBitsBeyondTheVocabularyAreIgnored()
        => Assert.Equal(-1, new Sampler(SamplingOptions.Greedy).Sample(new float[70], [0, ~0b111111UL, ulong.MaxValue], new SamplerScratch(70)));

    [Fact]
    public void LogitsAreNotWrittenTo()
    {
        float[] logits = RandomLogits.Normal(new Random(1), 1000, 3);
        float[] before = [.. logits];
        Sampler sampler = new(Settings["bias and penalties"]);
        sampler.Accept([1, 2, 3, 4]);
        sampler.Sample(logits, [], new SamplerScratch(1000));
        Assert.Equal(before, logits);
    }

    private static void AssertSame(List<ReferenceSampler.Entry> expected, TokenDistribution actual)
    {
        Assert.Equal(expected.Select(e => e.Token), actual.Tokens.ToArray());
        double worst = 0;
        for (int i = 0; i < expected.Count; i++)
            worst = Math.Max(worst, Math.Abs(expected[i].Probability - actual.Probabilities[i]));
        Assert.InRange(worst, 0, 1e-5);
    }
}
