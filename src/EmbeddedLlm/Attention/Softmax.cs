using System.Runtime.CompilerServices;

namespace EmbeddedLlm.Attention;

/// <summary>The softmax of scores that come block by block (Milakov and Gimelshein 2018, "Online normalizer calculation for softmax").</summary>
internal static unsafe class Softmax<TSimd, TVector>
    where TSimd : ISimd<TVector>
    where TVector : struct
{
    private const int Cells = AttentionScratch.BlockLength;

    /// <summary>What minus infinity is in a mask as <see cref="ISimd{TVector}.LoadHalves"/> makes it.</summary>
    public const float Hidden = -65536;

    /// <summary>Scores become weights, which are <c>exp(score − highest)</c>.</summary>
    /// <param name="scores">A block's products of query and keys.</param>
    /// <param name="inputs">What they are scaled by.</param>
    /// <param name="mask">What is added to them; null for nothing.</param>
    /// <param name="slope">What the mask counts times.</param>
    /// <param name="highest">The highest score so far.</param>
    /// <param name="weights">The sums of weights so far.</param>
    /// <returns>What the sums so far count times from now on.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Weigh(float* scores, in AttentionInputs inputs, float* mask, float slope, ref float highest, float* weights)
    {
        TVector scale = TSimd.Create(inputs.Scale);
        TVector highestOfBlock = TSimd.Create(float.NegativeInfinity);
        for (int i = 0; i < Cells; i += TSimd.Width)
        {
            TVector score = TSimd.Multiply(TSimd.Load(scores + i), scale);
            if (inputs.Softcap > 0)
                score = Bend(score, inputs.Softcap);
            if (mask is not null)
            {
                TVector added = TSimd.Load(mask + i);
                score = TSimd.SelectWhereEqual(added, TSimd.Create(Hidden), TSimd.Create(float.NegativeInfinity), TSimd.MultiplyAdd(added, TSimd.Create(slope), score));
            }

            TSimd.Store(score, scores + i);
            highestOfBlock = TSimd.Max(highestOfBlock, score);
        }

        float last = highest;
        highest = Math.Max(last, TSimd.MaxOf(highestOfBlock));
        float shrink = last == highest ? 1 : MathF.Exp(last - highest);
        TVector top = TSimd.Create(highest);
        TVector sum = TSimd.Multiply(TSimd.Load(weights), TSimd.Create(shrink));
        for (int i = 0; i < Cells; i += TSimd.Width)
        {
            TVector weight = Exp(TSimd.Subtract(TSimd.Load(scores + i), top));
            TSimd.Store(weight, scores + i);
            sum = TSimd.Add(sum, weight);
        }

        TSimd.Store(sum, weights);
        return shrink;
    }

    /// <summary>
    /// For x ≤ 0: 2 to a whole power, times a polynomial of what is left, with the coefficients of Cephes' expf (Moshier 1992). Within 2 units in the last place; 0 where it were less than 1.7e-38.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TVector Exp(TVector x)
    {
        TVector n = TSimd.Round(TSimd.Multiply(x, TSimd.Create(1.44269504088896341f)));
        TVector rest = TSimd.MultiplyAdd(n, TSimd.Create(-0.693359375f), x);
        rest = TSimd.MultiplyAdd(n, TSimd.Create(2.12194440e-4f), rest);
        TVector p = TSimd.Create(1.9875691500e-4f);
        p = TSimd.MultiplyAdd(p, rest, TSimd.Create(1.3981999507e-3f));
        p = TSimd.MultiplyAdd(p, rest, TSimd.Create(8.3334519073e-3f));
        p = TSimd.MultiplyAdd(p, rest, TSimd.Create(4.1665795894e-2f));
        p = TSimd.MultiplyAdd(p, rest, TSimd.Create(1.6666665459e-1f));
        p = TSimd.MultiplyAdd(p, rest, TSimd.Create(5.0000001201e-1f));
        p = TSimd.MultiplyAdd(TSimd.Multiply(rest, rest), p, TSimd.Add(rest, TSimd.Create(1)));
        return TSimd.ZeroWhereLess(x, TSimd.Create(-87), TSimd.Multiply(p, TSimd.PowerOfTwo(n)));
    }

    /// <summary><c>cap · tanh(score / cap)</c>, by <c>tanh|x| = (1 − exp(−2|x|)) / (1 + exp(−2|x|))</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Bend(TVector score, float cap)
    {
        TVector power = Exp(TSimd.Multiply(TSimd.Abs(score), TSimd.Create(-2 / cap)));
        TVector one = TSimd.Create(1);
        return TSimd.Multiply(TSimd.CopySign(TSimd.Divide(TSimd.Subtract(one, power), TSimd.Add(one, power)), score), TSimd.Create(cap));
    }
}
