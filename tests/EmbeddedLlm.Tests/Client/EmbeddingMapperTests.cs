using EmbeddedLlm.Client;

namespace EmbeddedLlm.Tests.Client;

public sealed class EmbeddingMapperTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(33)]
    [InlineData(1024)]
    public void AVectorOfAnyLengthGetsALengthOfOneAndKeepsItsDirection(int dimensions)
    {
        float[] vector = [.. Enumerable.Range(0, dimensions + 5).Select(i => (i % 11) - 4.5f)];
        float[] kept = [.. vector[..dimensions]];
        double length = Math.Sqrt(kept.Sum(value => (double)value * value));
        float[] finished = EmbeddingMapper.Finish(vector, dimensions, normalizes: true).ToArray();
        Assert.Equal(kept.Select(value => (float)(value / length)), finished, (left, right) => MathF.Abs(left - right) < 1e-6f);
    }

    [Fact]
    public void HugeAndTinyNumbersAreNormalised()
    {
        Assert.Equal([0.6f, 0.8f], EmbeddingMapper.Finish([3e30f, 4e30f], 2, normalizes: true).ToArray(), (left, right) => MathF.Abs(left - right) < 1e-6f);
        Assert.Equal([0.6f, -0.8f], EmbeddingMapper.Finish([3e-30f, -4e-30f], 2, normalizes: true).ToArray(), (left, right) => MathF.Abs(left - right) < 1e-6f);
    }

    [Fact]
    public void ARawVectorStaysAsItIs() => Assert.Equal([3f, 4f], EmbeddingMapper.Finish([3f, 4f, 5f], 2, normalizes: false).ToArray());

    [Fact]
    public void ZeroStaysZero() => Assert.Equal([0f, 0f], EmbeddingMapper.Finish([0f, 0f], 2, normalizes: true).ToArray());

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void ANumberThatIsNoneIsAnError(float value)
    {
        float[] vector = new float[20];
        vector[3] = value;
        Assert.Throws<DecodeException>(() => { EmbeddingMapper.Finish(vector, 20, normalizes: false); });
    }

    [Fact]
    public void ScoresAreOrderedAndEqualsKeepTheirOrder()
    {
        float[][] scores = [[1f], [3f, 9f], [2f], [3f]];
        Assert.Equal([1, 3, 2, 0], RerankMapper.Order(scores, new(), areProbabilities: false).Select(result => result.Index));
        Assert.Equal([new RerankResult(1, 1 / (1 + MathF.Exp(-3)))], RerankMapper.Order(scores, new() { Top = 1, Sigmoid = true }, areProbabilities: false));
        Assert.Equal([new RerankResult(1, 3f)], RerankMapper.Order(scores, new() { Top = 1, Sigmoid = true }, areProbabilities: true));
        Assert.Throws<DecodeException>(() => RerankMapper.Order([[float.NaN]], new(), areProbabilities: false));
    }
}
