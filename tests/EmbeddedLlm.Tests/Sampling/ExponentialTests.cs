using EmbeddedLlm.Sampling;

namespace EmbeddedLlm.Tests.Sampling;

public sealed class ExponentialTests
{
    [Fact]
    public void TheRelativeErrorIsBelowAFewUnitsInTheLastPlace()
    {
        float[] values = new float[100_003];
        for (int i = 0; i < values.Length; i++)
            values[i] = -126f * i / values.Length;
        float[] powers = new float[values.Length];
        Exponential.Weigh(values, 0f, 1f, powers);
        for (int i = 0; i < values.Length; i++)
            Assert.InRange(powers[i] / Math.Pow(2, values[i]) - 1, -2e-7, 2e-7);
    }

    [Fact]
    public void WhatHasNoWeightIsZero()
    {
        float[] powers = [float.NaN, float.NegativeInfinity, float.MinValue, -127f, 0f, 3f, float.PositiveInfinity];
        Exponential.Weigh(powers, 0f, 1f, powers);
        Assert.Equal([0f, 0f, 0f, 0f, 1f, 1f, 1f], powers);
    }

    [Fact]
    public void APositionDoesNotChangeAResult()
    {
        // The vector at hand and the rest behind the last whole vector have to agree to the bit.
        float[] values = RandomLogits.Normal(new Random(2), 67, 8);
        float[] all = new float[values.Length];
        Exponential.Weigh(values, 20f, 1.3f, all);
        for (int i = 0; i < values.Length; i++)
        {
            float[] one = [values[i]];
            Exponential.Weigh(one, 20f, 1.3f, one);
            Assert.Equal(all[i], one[0]);
        }
    }
}
