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

            AssertSame(native.Distribution(logits, []), sampler.Distribution(logits, [], scratch), options);
            ulong[] mask = new ulong[(vocabulary + 63) / 64];
            for (int i = 0; i < mask.Length; i++)
                mask[i] = random.Next(3) switch { 0 => 0, 1 => ulong.MaxValue, _ => (ulong)random.NextInt64(long.MinValue, long.MaxValue) };
            AssertSame(native.Distribution(logits, mask), sampler.Distribution(logits, mask, scratch), options);
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

        // llama.cpp adds the probabilities one by one in single precision before it compares them with top-p. Over a hundred thousand
        // tokens its sum is off by some 1e-4 and so is the place where it stops; the tokens kept by one side only lie between its place
        // and the exact one.
        if (options.TopP < 1f && native.Count > 1000)
        {
            Assert.InRange(sharedByNative, 1 - 5e-4, 1 + 1e-5);
            Assert.InRange(sharedByOwn, 1 - 5e-4, 1 + 1e-5);
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
