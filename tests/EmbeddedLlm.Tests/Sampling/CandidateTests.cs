using EmbeddedLlm.Sampling;

namespace EmbeddedLlm.Tests.Sampling;

public sealed class CandidateTests
{
    [Fact]
    public void TheNaturalOrderIsByFallingLogitThenRisingToken()
    {
        float[] logits = [float.PositiveInfinity, float.MaxValue, 2f, 1f, float.Epsilon, 0f, -float.Epsilon, -1f, -2f, float.MinValue, float.NegativeInfinity];
        for (int i = 0; i + 1 < logits.Length; i++)
            Assert.True(Candidate.Create(logits[i], int.MaxValue) < Candidate.Create(logits[i + 1], 0));
        Assert.True(Candidate.Create(1f, 5) < Candidate.Create(1f, 6));
        Assert.True(Candidate.Create(-0f, 5) < Candidate.Create(0f, 6));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1.5f)]
    [InlineData(-1.5f)]
    [InlineData(float.MaxValue)]
    [InlineData(float.MinValue)]
    [InlineData(float.PositiveInfinity)]
    public void LogitAndTokenComeBack(float logit)
    {
        ulong candidate = Candidate.Create(logit, 151_935);
        Assert.Equal(logit, Candidate.Logit(candidate));
        Assert.Equal(151_935, Candidate.Token(candidate));
    }
}
