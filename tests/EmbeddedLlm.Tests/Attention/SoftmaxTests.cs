using System.Runtime.Intrinsics;
using EmbeddedLlm.Attention;

namespace EmbeddedLlm.Tests.Attention;

public sealed class SoftmaxTests
{
    [Fact]
    public void ExponentialsAreWithinTwoUnitsInTheLastPlace()
    {
        Assert.SkipUnless(Simd256.IsSupported, "needs AVX2");
        double worst = 0;
        for (float x = 0; x > -87; x -= 0.00037f)
        {
            double expected = Math.Exp(x);
            worst = Math.Max(worst, Math.Abs(Exp(x) - expected) / (MathF.BitIncrement((float)expected) - (float)expected));
        }

        Assert.InRange(worst, 0, 2);
    }

    [Fact]
    public void WhatIsVerySmallIsZero()
    {
        Assert.SkipUnless(Simd256.IsSupported, "needs AVX2");
        Assert.Equal(1, Exp(0));
        Assert.Equal(0, Exp(-87.5f));
        Assert.Equal(0, Exp(-1e30f));
        Assert.Equal(0, Exp(float.NegativeInfinity));
        Assert.True(float.IsNaN(Exp(float.NaN)));
    }

    private static float Exp(float x) => Softmax<Simd256, Vector256<float>>.Exp(Vector256.Create(x))[0];
}
