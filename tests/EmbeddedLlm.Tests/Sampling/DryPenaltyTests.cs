using System.Text;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Tests.Scheduling;

namespace EmbeddedLlm.Tests.Sampling;

public sealed class DryPenaltyTests
{
    private static readonly SamplingOptions Options = new() { DryMultiplier = 1f, DryBase = 2f, DryAllowedLength = 1, DryPenaltyLastN = 64 };

    [Theory]
    [InlineData("abc_ab", 'c', 2)]
    [InlineData("abccbcyabc", 'c', 8 / 2)]
    [InlineData("abccbcyabc", 'b', 1)]
    [InlineData("abccbcyabc", 'y', 2)]
    [InlineData("abccbcyabc", 'a', 0)]
    [InlineData("aaaa", 'a', 4)]
    [InlineData("abcd", 'a', 0)]
    public void TheNextTokenOfARepetitionCostsMoreTheLongerItIs(string text, char next, float penalty) => Assert.Equal(penalty, Penalty(Options, text, next));

    [Theory]
    [InlineData("ab\nc_ab\n", 'c', 0)]
    [InlineData("ab\ncd_ab\nc", 'd', 1)]
    [InlineData("abcd\n_abc", 'd', 4)]
    [InlineData("a\nb_a", '\n', 0)]
    public void NoRepetitionReachesOverABreaker(string text, char next, float penalty) => Assert.Equal(penalty, Penalty(Options with { DryBreakers = Breakers("\n") }, text, next));

    [Theory]
    [InlineData("abQ: c_abQ: ", 'c', 0)]
    [InlineData("abQ: cd_abQ: c", 'd', 1)]
    [InlineData("abQ:cd_abQ:c", 'd', 16)]
    public void ABreakerMayBeInManyTokens(string text, char next, float penalty) => Assert.Equal(penalty, Penalty(Options with { DryBreakers = Breakers("Q: ") }, text, next));

    [Theory]
    [InlineData(7, 0)]
    [InlineData(9, 2)]
    [InlineData(10, 4)]
    public void OnlyTheWindowIsLookedAt(int window, float penalty) => Assert.Equal(penalty, Penalty(Options with { DryPenaltyLastN = window }, "????abcd___abc", 'd'));

    [Fact]
    public void ThePenaltyStaysFiniteHoweverLongTheRepetition() =>
        Assert.True(float.IsFinite(Penalty(Options with { DryBase = 10f, DryPenaltyLastN = 5000 }, new string('a', 5000), 'a')));

    [Fact]
    public void EveryRepetitionIsFoundWhereAPlainSearchFindsIt()
    {
        Random random = new(4);
        for (int i = 0; i < 500; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 60)).Select(_ => (char)('a' + random.Next(1 + i % 3))));
            int window = random.Next(1, 60);
            DryPenalty dry = new(Options with { DryPenaltyLastN = window });
            foreach (char token in text)
                dry.Accept(token);
            dry.Match();
            string tail = text[Math.Max(0, text.Length - window)..];
            Dictionary<int, int> expected = [];
            for (int end = 1; end < tail.Length; end++)
            {
                int length = 0;
                while (length < end && tail[end - 1 - length] == tail[^(1 + length)])
                    length++;
                if (length > 0)
                    expected[tail[end]] = Math.Max(length, expected.GetValueOrDefault(tail[end]));
            }

            Assert.Equal(expected.OrderBy(pair => pair.Key), dry.Repetitions.OrderBy(pair => pair.Key));
        }
    }

    private static DryBreakers Breakers(params string[] strings) => new(FakeDecoder.Vocabulary, [.. strings.Select(Encoding.UTF8.GetBytes)]);

    private static float Penalty(SamplingOptions options, string text, char next)
    {
        DryPenalty dry = new(options);
        foreach (char token in text)
            dry.Accept(token);
        dry.Match();
        return dry.PenaltyOf(next);
    }
}
