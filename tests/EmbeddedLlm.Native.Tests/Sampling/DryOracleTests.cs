using System.Text;
using EmbeddedLlm.Native.Tests.Interop;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Native.Tests.Sampling;

public sealed unsafe class DryOracleTests
{
    private static readonly SamplingOptions Off = new() { Temperature = 1f, TopK = 0, TopP = 1f, MinP = 0f, Seed = 1, DryMultiplier = 0.8f };

    private static readonly Dictionary<string, (SamplingOptions Options, string[] Breakers)> Settings = new()
    {
        ["defaults"] = (Off, ["\n", ":", "\"", "*"]),
        ["no breakers"] = (Off with { DryPenaltyLastN = 200 }, []),
        ["short window"] = (Off with { DryPenaltyLastN = 5, DryAllowedLength = 1 }, ["\n"]),
        ["one token's window"] = (Off with { DryPenaltyLastN = 1, DryAllowedLength = 1 }, []),
        ["long repetitions only"] = (Off with { DryAllowedLength = 9, DryPenaltyLastN = 300 }, ["."]),
        ["strong"] = (Off with { DryMultiplier = 5f, DryBase = 4f, DryPenaltyLastN = 300 }, ["."]),
        ["linear"] = (Off with { DryBase = 1f, DryPenaltyLastN = 100 }, [" a"]),
        ["with penalties"] = (Off with { RepeatPenalty = 1.2f, FrequencyPenalty = 0.1f, PenaltyLastN = 20, TopK = 50, LogitBias = new Dictionary<int, float> { [70] = 1f } }, ["\n"]),
    };

    public static TheoryData<string> Names => [.. Settings.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void LlamaCppPenalisesTheSameTokensByTheSameAmount(string name)
    {
        using StarterModel model = new();
        Vocabulary vocabulary = VocabularyReader.Read(model.Model);
        (SamplingOptions options, string[] breakers) = Settings[name];
        options = options with { DryBreakers = new DryBreakers(vocabulary, [.. breakers.Select(Encoding.UTF8.GetBytes)]) };
        Random random = new(name.Length);
        int repeated = 0;
        for (int history = 0; history < 12; history++)
        {
            using NativeSamplerChain native = new(options, vocabulary.Count, model.Vocab, breakers);
            Sampler sampler = new(options);
            SamplerScratch scratch = new(vocabulary.Count);
            foreach (int token in History(model, random, vocabulary.Count, history))
            {
                native.Accept(token);
                sampler.Accept(token);
                if (random.Next(6) != 0)
                    continue;
                float[] logits = new float[vocabulary.Count];
                foreach (ref float logit in logits.AsSpan())
                    logit = (float)(8 * random.NextDouble());
                Dictionary<int, float> expected = native.Distribution(logits, []);
                TokenDistribution own = sampler.Distribution(logits, [], scratch);
                Assert.Equal(expected.Count, own.Tokens.Length);
                for (int i = 0; i < own.Tokens.Length; i++)
                    Assert.Equal(expected[own.Tokens[i]], own.Probabilities[i], 1e-5);
                repeated += IsPenalised(options, sampler, logits, scratch) ? 1 : 0;
            }
        }

        Assert.True(options.DryPenaltyLastN == 1 || repeated > 20, $"Only {repeated} rows had a repetition.");
    }

    [Fact]
    public void ABreakerOfManyTokensEndsARepetition()
    {
        // llama.cpp finds such a breaker by its tokens, in this place the same that the text has.
        using StarterModel model = new();
        Vocabulary vocabulary = VocabularyReader.Read(model.Model);
        const string Breaker = "\n\nQ: ";
        SamplingOptions options = Off with { DryPenaltyLastN = 64, DryBreakers = new DryBreakers(vocabulary, [Encoding.UTF8.GetBytes(Breaker)]) };
        using NativeSamplerChain native = new(options, vocabulary.Count, model.Vocab, Breaker);
        Sampler sampler = new(options);
        SamplerScratch scratch = new(vocabulary.Count);
        foreach (int token in model.Tokenize("one two three four" + Breaker + "one two three four" + Breaker + "one two three", parseSpecial: false))
        {
            native.Accept(token);
            sampler.Accept(token);
            Dictionary<int, float> expected = native.Distribution(new float[vocabulary.Count], []);
            TokenDistribution own = sampler.Distribution(new float[vocabulary.Count], [], scratch);
            for (int i = 0; i < own.Tokens.Length; i++)
                Assert.Equal(expected[own.Tokens[i]], own.Probabilities[i], 1e-6);
        }
    }

    private static bool IsPenalised(SamplingOptions options, Sampler sampler, float[] logits, SamplerScratch scratch)
    {
        float[] own = [.. sampler.Distribution(logits, [], scratch).Probabilities];
        Sampler without = new(options with { DryMultiplier = 0f });
        return !own.AsSpan().SequenceEqual(without.Distribution(logits, [], scratch).Probabilities);
    }

    /// <summary>Texts that repeat themselves: random tokens of a small choice, copied pieces, one token over and over, words with breakers between.</summary>
    private static List<int> History(StarterModel model, Random random, int vocabulary, int kind)
    {
        List<int> tokens = [];
        int[] breakers = [.. model.Tokenize("\n", parseSpecial: false), .. model.Tokenize(".", parseSpecial: false), .. model.Tokenize(":", parseSpecial: false), .. model.Tokenize(" a", parseSpecial: false)];
        while (tokens.Count < 120 + 20 * kind)
        {
            switch (kind % 4)
            {
                case 0:
                    tokens.Add(random.Next(60, 63));
                    break;
                case 1 when tokens.Count > 10:
                    int start = random.Next(tokens.Count - 5);
                    tokens.AddRange(tokens.GetRange(start, random.Next(1, Math.Min(30, tokens.Count - start))));
                    break;
                case 2:
                    tokens.Add(random.Next(20) == 0 ? random.Next(vocabulary) : 77);
                    break;
                case 3 when tokens.Count > 10 && random.Next(3) > 0:
                    tokens.AddRange(tokens[^random.Next(3, 8)..]);
                    break;
                default:
                    tokens.Add(random.Next(4) == 0 ? breakers[random.Next(breakers.Length)] : random.Next(60, 90));
                    break;
            }
        }

        return tokens;
    }
}
