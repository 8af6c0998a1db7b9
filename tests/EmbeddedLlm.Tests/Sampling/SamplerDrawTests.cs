using EmbeddedLlm.Sampling;

namespace EmbeddedLlm.Tests.Sampling;

public sealed class SamplerDrawTests
{
    private static readonly SamplingOptions Off = new() { Temperature = 1f, TopK = 0, TopP = 1f, MinP = 0f, Seed = 1 };

    private static readonly Dictionary<string, SamplingOptions> Settings = new()
    {
        ["default"] = new(),
        ["temperature"] = Off with { Temperature = 0.9f },
        ["top-p"] = Off with { TopP = 0.8f },
        ["min-p"] = Off with { MinP = 0.1f, Temperature = 2f },
        ["top-k"] = Off with { TopK = 12 },
        ["penalties"] = Off with { PresencePenalty = 1f, Temperature = 1.2f },
        ["dry"] = Off with { DryMultiplier = 2f, DryAllowedLength = 1, TopK = 50 },
        ["top-n-sigma"] = Off with { TopNSigma = 1.5f },
        ["typical"] = Off with { TypicalP = 0.7f, Temperature = 1.3f },
        ["xtc"] = Off with { XtcProbability = 1f, XtcThreshold = 0.01f, MinP = 0.02f },
        ["dynamic temperature"] = Off with { DynamicTemperatureRange = 0.8f, TopK = 30 },
    };

    public static TheoryData<string> Names => [.. Settings.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void TokensAreDrawnAsOftenAsTheirProbabilitiesSay(string name)
    {
        const int Draws = 40_000;
        float[] logits = RandomLogits.Normal(new Random(name.Length), 300, 1.5);
        SamplerScratch scratch = new(logits.Length);
        Sampler sampler = new(Settings[name] with { Seed = 20 });
        sampler.Accept([1, 5, 5, 9]);
        int[] counts = new int[logits.Length];
        for (int i = 0; i < Draws; i++)
            counts[sampler.Sample(logits, [], scratch)]++;

        // Pearson's chi-squared over the tokens expected at least 5 times, the others as one cell; about normal for many cells.
        TokenDistribution expected = sampler.Distribution(logits, [], scratch);
        double statistic = 0;
        int cells = 0;
        double restExpected = 0;
        int rest = Draws;
        for (int i = 0; i < expected.Tokens.Length; i++)
        {
            double mean = expected.Probabilities[i] * (double)Draws;
            if (mean < 5)
            {
                restExpected += mean;
                continue;
            }

            int count = counts[expected.Tokens[i]];
            statistic += (count - mean) * (count - mean) / mean;
            rest -= count;
            cells++;
        }

        if (restExpected >= 5)
        {
            statistic += (rest - restExpected) * (rest - restExpected) / restExpected;
            cells++;
        }

        Assert.True(cells > 5);
        Assert.True(statistic < cells - 1 + 4 * Math.Sqrt(2 * (cells - 1)), $"chi-squared {statistic} over {cells} cells");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void TheSameSeedGivesTheSameTokens(string name)
    {
        float[] logits = RandomLogits.Normal(new Random(name.Length), 5000, 2);
        Assert.Equal(Run(Settings[name] with { Seed = 42 }, logits), Run(Settings[name] with { Seed = 42 }, logits));
        Assert.NotEqual(Run(Settings[name] with { Seed = 42 }, logits), Run(Settings[name] with { Seed = 43 }, logits));
    }

    [Fact]
    public void WithoutASeedEverySamplerDrawsAnew()
    {
        float[] logits = new float[5000];
        Assert.NotEqual(Run(Off with { Seed = null }, logits), Run(Off with { Seed = null }, logits));
    }

    [Fact]
    public void TheStreamOfRandomNumbersIsPinned()
    {
        RandomStream stream = new(0);
        Assert.Equal([0.8833108082136426, 0.43152799704850997, 0.026433771592597743], [stream.NextDouble(), stream.NextDouble(), stream.NextDouble()]);
    }

    [Fact]
    public void TheSameTokensAreDrawnOnEveryPlatform()
    {
        // Logits of whole sixteenths, so that no library function has a part in them. What is pinned here holds at every vector width
        // (DOTNET_EnableAVX512=0, DOTNET_EnableAVX2=0, DOTNET_EnableHWIntrinsic=0) and on every processor.
        RandomStream stream = new(9);
        float[] logits = new float[40_007];
        for (int i = 0; i < logits.Length; i++)
            logits[i] = (int)(stream.NextDouble() * 160) / 16f;

        Assert.Equal(
            [
                "4552 1985 1957 4770 3290 3594 8a1f24fd",
                "32581 17401 15942 32974 24616 28834 310ff4ee",
                "32838 17531 16053 33236 24834 29066 907fa287",
                "32584 17382 15924 32993 24615 28834 274671b0",
                "1610 814 697 1610 1449 1590 617b86f1",
                "32603 17395 15942 32997 24621 28833 4c51bad7",
                "5706 2732 2593 5937 4552 5093 6b95aaf5",
                "32581 17400 15942 32983 24616 28833 e94f5059",
                "32403 17057 15641 32832 24009 28380 52734a84",
                "17396 32983 28833 31537 38063 30570 12711d28",
            ],
            // The dynamic temperature takes a logarithm, in which platforms may differ by a rounding.
            Settings.Keys.Where(name => name != "dynamic temperature").Select(name => string.Join(' ', Run(Settings[name] with { Seed = 3 }, logits).Take(6)) + $" {Checksum(Settings[name], logits):x8}"));

        // Over the bits of all probabilities, most likely token first.
        static uint Checksum(SamplingOptions options, float[] logits)
        {
            uint checksum = 2166136261;
            foreach (float probability in new Sampler(options).Distribution(logits, [], new SamplerScratch(logits.Length)).Probabilities)
                checksum = (checksum ^ BitConverter.SingleToUInt32Bits(probability)) * 16777619;
            return checksum;
        }
    }

    [Fact]
    public void ATokenIsChosenByItsPlaceInTheStreamWhateverCameBefore()
    {
        // One draw per call, even where there is nothing to choose: a constraint on one token does not shift the later ones.
        float[] logits = RandomLogits.Normal(new Random(5), 1000, 1);
        SamplerScratch scratch = new(1000);
        Sampler free = new(Off);
        Sampler constrained = new(Off);
        free.Sample(logits, [], scratch);
        Assert.Equal(3, constrained.Sample(logits, [0b1000], scratch));
        free.Sample(logits, [], scratch);
        Assert.Equal(-1, constrained.Sample(logits, [0], scratch));
        for (int i = 0; i < 20; i++)
            Assert.Equal(free.Sample(logits, [], scratch), constrained.Sample(logits, [], scratch));
    }

    [Fact]
    public void ACloneGoesOnAsTheOriginalWouldAndLeavesItAlone()
    {
        float[] logits = RandomLogits.Normal(new Random(5), 1000, 1);
        SamplerScratch scratch = new(1000);
        Sampler original = new(Off with { PresencePenalty = 3f, PenaltyLastN = 5, DryMultiplier = 1f, DryAllowedLength = 1, Mirostat = MirostatVersion.V2, MirostatTau = 1f });
        original.Accept([1, 2, 3, 4, 5, 6, 7]);
        original.Sample(logits, [], scratch);
        Sampler clone = original.Clone();
        Assert.Equal(Continue(clone), Continue(original));

        int[] Continue(Sampler sampler)
        {
            int[] tokens = new int[50];
            for (int i = 0; i < tokens.Length; i++)
                sampler.Accept(tokens[i] = sampler.Sample(logits, [], scratch));
            return tokens;
        }
    }

    [Fact]
    public void XtcActsAsOftenAsItsProbabilitySays()
    {
        // The best token of four can only be drawn where XTC does not act.
        Sampler sampler = new(Off with { XtcProbability = 0.3f, Temperature = 0f });
        SamplerScratch scratch = new(4);
        int best = Enumerable.Range(0, 20_000).Count(_ => sampler.Sample([3f, 2f, 1f, 0f], [], scratch) == 0);
        Assert.InRange(best, 14_000 - 260, 14_000 + 260);
    }

    [Theory]
    [InlineData(MirostatVersion.V1, 2f)]
    [InlineData(MirostatVersion.V2, 2f)]
    [InlineData(MirostatVersion.V2, 4f)]
    public void MirostatHoldsTheSurpriseAtItsTarget(MirostatVersion version, float target)
    {
        Sampler sampler = new(Off with { Mirostat = version, MirostatTau = target });
        Random random = new(8);
        float[][] rows = [.. Enumerable.Range(0, 20).Select(_ => RandomLogits.Normal(random, 3000, 2))];
        SamplerScratch scratch = new(3000);
        double surprise = 0;
        const int Draws = 1500;
        for (int i = 0; i < Draws; i++)
        {
            TokenDistribution kept = sampler.Distribution(rows[i % 20], [], scratch);
            Dictionary<int, float> probabilities = [];
            for (int k = 0; k < kept.Tokens.Length; k++)
                probabilities.Add(kept.Tokens[k], kept.Probabilities[k]);
            surprise -= Math.Log2(probabilities[sampler.Sample(rows[i % 20], [], scratch)]);
        }

        Assert.Equal(target, surprise / Draws, 0.1);
    }

    [Theory]
    [MemberData(nameof(RareNames))]
    public void RowsAsNoModelGivesThemGiveAllowedTokensNevertheless(string name)
    {
        Random random = new(name.Length);
        SamplerScratch scratch = new(1);
        for (int i = 0; i < 400; i++)
        {
            int size = random.Next(1, 700);
            float[] logits = RandomLogits.Any(random, size);
            ulong[] mask = RandomLogits.Mask(random, size);
            Sampler sampler = new(Rare[name]);
            bool[] allowed = [.. Enumerable.Range(0, size).Select(t => ReferenceSampler.IsAllowed(mask, t) && logits[t] > float.NegativeInfinity)];
            for (int draw = 0; draw < 4; draw++)
            {
                int token = sampler.Sample(logits, mask, scratch);
                Assert.True(token < 0 ? !allowed.Contains(true) : allowed[token]);
                TokenDistribution kept = sampler.Distribution(logits, mask, scratch);
                Assert.Equal(allowed.Contains(true) ? 1 : 0, kept.Probabilities.ToArray().Sum(p => (double)p), 1e-3);
            }
        }
    }

    private static readonly Dictionary<string, SamplingOptions> Rare = new()
    {
        ["top-n-sigma"] = Off with { TopNSigma = 1f },
        ["typical"] = Off with { TypicalP = 0.5f },
        ["xtc"] = Off with { XtcProbability = 0.5f },
        ["dynamic temperature"] = Off with { DynamicTemperatureRange = 1f },
        ["mirostat 1"] = Off with { Mirostat = MirostatVersion.V1 },
        ["mirostat 2"] = Off with { Mirostat = MirostatVersion.V2 },
        ["all"] = Off with { TopNSigma = 1f, TopK = 60, TypicalP = 0.9f, TopP = 0.9f, MinP = 0.1f, XtcProbability = 0.5f, DynamicTemperatureRange = 2f },
    };

    public static TheoryData<string> RareNames => [.. Rare.Keys];

    /// <summary>Rows as short as a block or less, all of whose tokens have a bias, with every number of tokens to keep around the row's length.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    [InlineData("mirostat 1")]
    [InlineData("mirostat 2")]
    public void ShortRowsWhoseTokensAllHaveABiasGiveATokenWhateverIsKept(string name)
    {
        SamplingOptions settings = name switch
        {
            "mirostat 1" => Off with { Mirostat = MirostatVersion.V1 },
            "mirostat 2" => Off with { Mirostat = MirostatVersion.V2 },
            _ => Settings[name],
        };
        foreach (int length in new[] { 1, 2, 63, 64, 65, 99, 128, 200 })
        {
            SamplerScratch scratch = new(length);
            float[][] rows = [RandomLogits.Normal(new Random(length), length, 1.5), new float[length], [.. Enumerable.Repeat(float.PositiveInfinity, length)], [.. Enumerable.Repeat(-3e38f, length)]];
            foreach (int topK in new[] { 0, 1, length - 1, length, length + 1, length + 2, int.MaxValue })
            {
                Sampler sampler = new(settings with { TopK = topK, LogitBias = Enumerable.Range(0, length).ToDictionary(token => token, token => token * 0.01f) });
                foreach (float[] row in rows)
                {
                    int token = sampler.Sample(row, [], scratch);
                    Assert.InRange(token, 0, length - 1);
                    Assert.InRange(sampler.Distribution(row, [], scratch).Tokens.Length, 1, length);
                    sampler.Accept(token);
                }

                Assert.Equal(-1, sampler.Sample([.. Enumerable.Repeat(float.NaN, length)], [], scratch));
            }
        }
    }

    [Fact]
    public void StateIsNotTakenOverFromOtherOptions()
        => Assert.Throws<ArgumentException>(() => new Sampler(Off).CopyFrom(new Sampler(SamplingOptions.Greedy)));

    [Fact]
    public void TheScratchIsSharedByRowsOfDifferentSizes()
    {
        SamplerScratch shared = new(10);
        Random random = new(3);
        foreach (int size in (int[])[10, 5000, 64, 1, 6000, 128])
        {
            float[] logits = RandomLogits.Normal(random, size, 1);
            Assert.Equal(new Sampler(Off).Sample(logits, [], new SamplerScratch(size)), new Sampler(Off).Sample(logits, [], shared));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void NothingIsAllocatedPerToken(string name)
    {
        float[] logits = RandomLogits.Normal(new Random(name.Length), 20_000, 1);
        ulong[] mask = new ulong[20_000 / 64 + 1];
        mask.AsSpan().Fill(0xF0F0F0F0F0F0F0F0);
        SamplerScratch scratch = new(logits.Length);
        Sampler sampler = new(Settings[name] with { LogitBias = new Dictionary<int, float> { [6] = 3f } });
        for (int i = 0; i < 100; i++)
            sampler.Accept(sampler.Sample(logits, mask, scratch));

        Assert.Equal(0, Allocations.Least(10, Draw200));

        void Draw200()
        {
            for (int i = 0; i < 100; i++)
            {
                sampler.Accept(sampler.Sample(logits, mask, scratch));
                sampler.Accept(sampler.Sample(logits, [], scratch));
            }
        }
    }

    private static int[] Run(SamplingOptions options, float[] logits)
    {
        SamplerScratch scratch = new(logits.Length);
        Sampler sampler = new(options);
        int[] tokens = new int[20];
        for (int i = 0; i < tokens.Length; i++)
            sampler.Accept(tokens[i] = sampler.Sample(logits, [], scratch));
        return tokens;
    }
}
