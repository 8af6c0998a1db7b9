using EmbeddedLlm.Sampling;

namespace EmbeddedLlm.Tests.Sampling;

public sealed class LogProbabilitiesTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(300, 2)]
    [InlineData(5000, 9)]
    [InlineData(32_000, 0.1)]
    public void TheyAreTheLogarithmsOfTheWholeRowsSoftmax(int vocabulary, double deviation)
    {
        Random random = new(vocabulary);
        SamplerScratch scratch = new(vocabulary);
        for (int row = 0; row < 20; row++)
        {
            float[] logits = RandomLogits.Normal(random, vocabulary, deviation);
            logits[random.Next(vocabulary)] += 5;
            double greatest = logits.Max();
            double total = greatest + Math.Log(logits.Sum(x => Math.Exp(x - greatest)));
            int top = Math.Min(vocabulary, random.Next(1, 30));
            LogProbabilities probabilities = new(logits, top, scratch);
            Assert.Equal(
                Enumerable.Range(0, vocabulary).OrderByDescending(token => logits[token]).ThenBy(token => token).Take(top),
                probabilities.Top.ToArray().Select(Candidate.Token));
            for (int i = 0; i < 50; i++)
            {
                float logit = logits[random.Next(vocabulary)];
                Assert.Equal(logit - total, probabilities.Of(logit), 2e-6 * Math.Max(1, Math.Abs(logit - total)));
            }
        }
    }

    [Fact]
    public void TokensWithoutALogitAreNotAmongTheMostProbable()
    {
        LogProbabilities probabilities = new([float.NaN, 1f, float.NegativeInfinity, 2f], 4, new SamplerScratch(4));
        Assert.Equal([3, 1], probabilities.Top.ToArray().Select(Candidate.Token));
        Assert.Equal(float.NegativeInfinity, probabilities.Of(float.NegativeInfinity));
    }
}
