using EmbeddedLlm.Sampling;

namespace EmbeddedLlm.Tests.Sampling;

public sealed class SelectionTests
{
    [Theory]
    [InlineData(10, 0.5)]
    [InlineData(512, 0.9)]
    [InlineData(513, 0.9)]
    [InlineData(20_000, 0.001)]
    [InlineData(20_000, 0.5)]
    [InlineData(20_000, 0.97)]
    [InlineData(20_000, 2)]
    public void AsFewOfTheBestAreKeptAsReachTheWeight(int count, double part)
    {
        for (int seed = 0; seed < 6; seed++)
        {
            Random random = new(seed);
            float[] logits = seed < 2 ? new float[count] : RandomLogits.Normal(random, count, seed == 2 ? 1e-6 : seed);
            ulong[] candidates = new ulong[count];
            float[] weights = new float[count];
            for (int i = 0; i < count; i++)
            {
                candidates[i] = Candidate.Create(logits[i], i);
                weights[i] = 1f + (logits[i] > 0 ? 1f : 0f);
            }

            random.Shuffle(candidates);
            for (int i = 0; i < count; i++)
                weights[i] = 1f + (Candidate.Logit(candidates[i]) > 0 ? 1f : 0f);

            double target = part * weights.Sum(w => (double)w);
            ulong[] expected = [.. candidates.Order()];
            double sum = 0;
            int length = 0;
            while (length < count && (length == 0 || sum < target))
                sum += 1f + (Candidate.Logit(expected[length++]) > 0 ? 1f : 0f);

            int kept = Selection.BestByWeight(candidates, weights, target, new double[Selection.BucketCount]);
            Assert.Equal(expected[..length], candidates[..kept].Order());
            Assert.All(Enumerable.Range(0, count), i => Assert.Equal(1f + (Candidate.Logit(candidates[i]) > 0 ? 1f : 0f), weights[i]));
        }
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(17, 1)]
    [InlineData(41, 40)]
    [InlineData(300, 40)]
    [InlineData(512, 511)]
    [InlineData(513, 40)]
    [InlineData(20_000, 19_999)]
    public void TheBestAreKept(int count, int k)
    {
        for (int seed = 0; seed < 8; seed++)
        {
            // All alike, in order and backwards, or as they come.
            Random random = new(seed);
            float[] logits = seed < 2 ? new float[count] : seed < 4 ? [.. Enumerable.Range(0, count).Select(i => (float)(seed == 2 ? i : -i))] : RandomLogits.Normal(random, count, seed);
            ulong[] candidates = [.. logits.Select(Candidate.Create)];
            if (seed % 2 == 1)
                random.Shuffle(candidates);
            ulong[] expected = [.. candidates.Order().Take(k)];
            Selection.Best(candidates, k, new float[count], new double[Selection.BucketCount]);
            Assert.Equal(expected, candidates[..k].Order());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(40)]
    [InlineData(999)]
    [InlineData(1000)]
    public void TheKthGreatestIsFound(int k)
    {
        Random random = new(k);
        float[] values = [.. RandomLogits.Normal(random, 900, 3), .. new float[60], .. Enumerable.Repeat(float.NegativeInfinity, 40)];
        random.Shuffle(values);
        Assert.Equal(values.OrderDescending().ElementAt(k - 1), Selection.KthGreatest(values, k, new float[k]));
    }
}
