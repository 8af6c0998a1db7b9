using EmbeddedLlm.Sampling;

namespace EmbeddedLlm.Tests.Sampling;

public sealed class PenaltyWindowTests
{
    [Theory]
    [InlineData(1, 3)]
    [InlineData(2, 50)]
    [InlineData(7, 4)]
    [InlineData(64, 30)]
    [InlineData(64, 100_000)]
    [InlineData(500, 600)]
    public void CountsWhatIsAmongTheLatestTokens(int capacity, int vocabulary)
    {
        Random random = new(capacity + vocabulary);
        PenaltyWindow window = new(capacity);
        List<int> history = [];
        for (int i = 0; i < 3000; i++)
        {
            int token = random.Next(vocabulary) * (random.Next(2) == 0 ? 1 : 64);
            window.Add(token);
            history.Add(token);
            if (i % 7 != 0)
                continue;

            Dictionary<int, int> expected = history.Skip(Math.Max(0, history.Count - capacity)).GroupBy(t => t).ToDictionary(g => g.Key, g => g.Count());
            Dictionary<int, int> actual = [];
            for (int j = 0; j < window.Tokens.Length; j++)
                actual.Add(window.Tokens[j], window.Counts[j]);
            Assert.Equal(expected.OrderBy(p => p.Key), actual.OrderBy(p => p.Key));
        }
    }

    [Fact]
    public void NothingIsAllocatedPerToken()
    {
        PenaltyWindow window = new(64);
        window.Add(1);
        Assert.Equal(0, Allocations.Least(10, Add1000));

        void Add1000()
        {
            for (int i = 0; i < 1000; i++)
                window.Add(i * 31 % 97);
        }
    }
}
