using EmbeddedLlm.Sampling;

namespace EmbeddedLlm.Native.Tests.Sampling;

public sealed class SamplerOracleTests
{
    private static readonly SamplingOptions Off = new() { Temperature = 1f, TopK = 0, TopP = 1f, MinP = 0f, Seed = 1 };

    private static readonly Dictionary<string, SamplingOptions> Settings = new()
    {
        ["defaults"] = new() { Seed = 1 },
        ["greedy"] = Off with { Temperature = 0f },
        ["nothing"] = Off,
        ["temperature 0.3"] = Off with { Temperature = 0.3f },
        ["temperature 2"] = Off with { Temperature = 2f },
        ["top-k 1"] = Off with { TopK = 1 },
        ["top-k 7"] = Off with { TopK = 7, Temperature = 0.7f },
        ["top-k 500"] = Off with { TopK = 500 },
        ["top-k 5000"] = Off with { TopK = 5000, TopP = 0.9f },
        ["top-p 0.1"] = Off with { TopP = 0.1f },
        ["top-p 0.5"] = Off with { TopP = 0.5f, Temperature = 1.5f },
        ["top-p 0.95"] = Off with { TopP = 0.95f },
        ["min-p 0.001"] = Off with { MinP = 0.001f },
        ["min-p 0.1"] = Off with { MinP = 0.1f, Temperature = 0.6f },
        ["top-p and min-p"] = Off with { TopP = 0.9f, MinP = 0.03f },
        ["all three"] = Off with { TopK = 200, TopP = 0.8f, MinP = 0.01f, Temperature = 1.2f },
        ["repeat penalty"] = new() { RepeatPenalty = 1.3f, Seed = 1 },
        ["all penalties"] = Off with { RepeatPenalty = 1.1f, FrequencyPenalty = 0.3f, PresencePenalty = 0.6f, PenaltyLastN = 33, TopP = 0.9f },
        ["rewards"] = Off with { RepeatPenalty = 0.8f, FrequencyPenalty = -0.1f, TopK = 50 },
        ["bias"] = Off with { LogitBias = new Dictionary<int, float> { [0] = 4f, [63] = float.NegativeInfinity, [64] = 20f, [31_999] = -3f }, TopK = 40 },
        ["top-n-sigma 1"] = Off with { TopNSigma = 1f },
        ["top-n-sigma 2.5"] = Off with { TopNSigma = 2.5f, TopK = 100, TopP = 0.9f, Temperature = 1.4f },
        ["top-n-sigma and bias"] = Off with { TopNSigma = 2f, LogitBias = new Dictionary<int, float> { [0] = 4f, [63] = float.NegativeInfinity, [64] = 20f } },
        ["typical 0.2"] = Off with { TypicalP = 0.2f },
        ["typical 0.9"] = Off with { TypicalP = 0.9f, Temperature = 0.8f },
        ["typical after top-k"] = Off with { TypicalP = 0.5f, TopK = 300, TopP = 0.8f, MinP = 0.1f },
        ["typical and penalties"] = Off with { TypicalP = 0.7f, TopK = 300, RepeatPenalty = 1.3f, PresencePenalty = 0.4f },
        ["xtc 0.1"] = Off with { XtcProbability = 1f },
        ["xtc 0.01"] = Off with { XtcProbability = 1f, XtcThreshold = 0.01f, TopK = 100, MinP = 0.001f },
        ["xtc 0"] = Off with { XtcProbability = 1f, XtcThreshold = 0f, TopK = 9 },
        ["xtc, greedy"] = Off with { XtcProbability = 1f, XtcThreshold = 0.005f, Temperature = 0f },
        ["xtc and typical"] = Off with { XtcProbability = 1f, XtcThreshold = 0.02f, TopK = 80, TypicalP = 0.8f },
        ["dynamic temperature"] = Off with { DynamicTemperatureRange = 0.7f, TopK = 40 },
        ["dynamic temperature, squared"] = Off with { Temperature = 0.5f, DynamicTemperatureRange = 1.5f, DynamicTemperatureExponent = 2f, TopK = 40, MinP = 0.02f },
        ["mirostat 1"] = Off with { Mirostat = MirostatVersion.V1, MirostatTau = 3f },
        ["mirostat 2"] = Off with { Mirostat = MirostatVersion.V2, MirostatTau = 3f },
        ["mirostat 2, hot"] = Off with { Mirostat = MirostatVersion.V2, Temperature = 1.7f, TopK = 1, RepeatPenalty = 1.2f },
        ["everything"] = Off with
        {
            TopNSigma = 3f, TopK = 120, TypicalP = 0.95f, TopP = 0.9f, MinP = 0.005f, XtcProbability = 1f, XtcThreshold = 0.15f, Temperature = 1.1f,
            RepeatPenalty = 1.1f, FrequencyPenalty = 0.2f,
        },
    };

    public static TheoryData<string, int> Cases()
    {
        TheoryData<string, int> cases = [];
        foreach (string name in Settings.Keys)
        {
            cases.Add(name, 32_000);
            cases.Add(name, 151_936);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void LlamaCppKeepsTheSameTokensWithTheSameProbabilities(string name, int vocabulary)
    {
        SamplingOptions options = Settings[name];
        Random random = new(vocabulary + name.Length);
        using NativeSamplerChain native = new(options, vocabulary);
        Sampler sampler = new(options);
        SamplerScratch scratch = new(vocabulary);

        foreach (double deviation in (double[])[1, 3, 9])
        {
            float[] logits = Normal(random, vocabulary, deviation);
            ulong[] order = Order(logits);
            for (int i = 0; i < 50; i++)
            {
                // Half of the history from the tokens that matter, so that penalties change what is kept.
                int token = i % 2 == 0 ? random.Next(vocabulary) : Candidate.Token(order[random.Next(20)]);
                native.Accept(token);
                sampler.Accept(token);
            }

            Compare(logits, []);
            ulong[] mask = new ulong[(vocabulary + 63) / 64];
            for (int i = 0; i < mask.Length; i++)
                mask[i] = random.Next(3) switch { 0 => 0, 1 => ulong.MaxValue, _ => (ulong)random.NextInt64(long.MinValue, long.MaxValue) };
            Compare(logits, mask);
        }

        void Compare(float[] logits, ulong[] mask)
        {
            Dictionary<int, float> expected = native.Distribution(logits, mask);
            AssertSame(expected, sampler.Distribution(logits, mask, scratch), options);
            // What Mirostat keeps next depends on what was drawn.
            if (options.Mirostat != MirostatVersion.Off)
                sampler.Follow(expected[native.Selected]);
        }
    }

    private static void AssertSame(Dictionary<int, float> native, TokenDistribution own, SamplingOptions options)
    {
        double sharedByNative = 0;
        double sharedByOwn = 0;
        int shared = 0;
        for (int i = 0; i < own.Tokens.Length; i++)
        {
            if (!native.TryGetValue(own.Tokens[i], out float probability))
                continue;
            sharedByNative += probability;
            sharedByOwn += own.Probabilities[i];
            shared++;
        }

        // llama.cpp adds probabilities, entropies and squares one by one in single precision before it compares with them. Over a hundred thousand tokens its sums are
        // off by some 1e-4 and so is the place where it stops; the tokens kept by one side only lie between its place and the exact one.
        double tolerance = options.TopK > 0 || native.Count < 200 ? 0 : options.TypicalP < 1f ? 1e-2 : options.TopP < 1f || options.TopNSigma > 0f ? 5e-4 : 0;
        if (tolerance > 0)
        {
            Assert.InRange(sharedByNative, 1 - tolerance, 1 + 1e-5);
            Assert.InRange(sharedByOwn, 1 - tolerance, 1 + 1e-5);
        }
        else
        {
            Assert.Equal(native.Count, shared);
            Assert.Equal(native.Count, own.Tokens.Length);
        }

        for (int i = 0; i < own.Tokens.Length; i++)
        {
            if (native.TryGetValue(own.Tokens[i], out float probability))
                Assert.Equal(probability / sharedByNative, own.Probabilities[i] / sharedByOwn, 1e-5);
        }
    }

    private static ulong[] Order(float[] logits)
    {
        ulong[] order = [.. logits.Select(Candidate.Create)];
        Array.Sort(order);
        return order;
    }

    private static float[] Normal(Random random, int count, double deviation)
    {
        float[] logits = new float[count];
        for (int i = 0; i < count; i++)
            logits[i] = (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        return logits;
    }
}
