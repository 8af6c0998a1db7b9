using EmbeddedLlm.Attention;

namespace EmbeddedLlm.Tests.Attention;

/// <summary>Attention as it is computed in place of llama.cpp's kernel, beside the formula.</summary>
public sealed unsafe class FlashAttentionTests
{
    private const float Hidden = float.NegativeInfinity;

    public static TheoryData<int> Widths => [.. AttentionCase.Widths()];

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Widths))]
    public void ResultsAreThoseOfTheFormula(int vectorBits)
    {
        for (int seed = 0; seed < 150; seed++)
        {
            Random random = new(seed);
            using AttentionCase attention = RandomCase(random, vectorBits);
            AssertEqual(attention.Expect(), attention.Compute(), $"seed {seed}");
        }
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Widths))]
    public void LongHistoriesAreComputedInPartsAndAddedUp(int vectorBits)
    {
        foreach (int tokens in new[] { 1, 3, 17 })
        {
            using AttentionCase attention = new AttentionCase(new Random(tokens), vectorBits, 64, 64, heads: 14, kvHeads: 2, tokens, cells: 5000, threads: 3).Masked((token, cell) => cell <= 4000 + token ? 0 : Hidden);
            Assert.True(AttentionWork.Divide(attention.Inputs, 1 << 18).Parts > 1);
            AssertEqual(attention.Expect(), attention.Compute(), $"{tokens} tokens");
        }
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Widths))]
    public void ResultsDoNotDependOnThreads(int vectorBits)
    {
        float[]? first = null;
        foreach (int threads in new[] { 1, 2, 5, 8 })
        {
            using AttentionCase attention = new AttentionCase(new Random(1), vectorBits, 64, 64, heads: 8, kvHeads: 2, tokens: 20, cells: 3000, threads).Masked((token, cell) => cell <= 2900 + token ? 0 : Hidden);
            for (int again = 0; again < 5; again++)
            {
                float[] results = attention.Compute();
                first ??= results;
                Assert.True(first.AsSpan().SequenceEqual(results), $"{threads} threads");
            }
        }
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Widths))]
    public void ResultsDoNotDependOnCellsThatNobodySees(int vectorBits)
    {
        float[]? first = null;
        foreach (int cells in new[] { 700, 704, 1024, 1500, 4096 })
        {
            using AttentionCase attention = new(new Random(2), vectorBits, 32, 64, heads: 4, kvHeads: 4, tokens: 6, cells);
            Random random = new(3);
            for (int cell = 0; cell < 700; cell++)
                Randomise(attention, cell, random);
            attention.Masked((token, cell) => cell < 690 + token ? 0 : Hidden);
            float[] results = attention.Compute();
            first ??= results;
            Assert.True(first.AsSpan().SequenceEqual(results), $"{cells} cells");
        }
    }

    /// <summary>A cell keeps what it held before it is written anew, and llama.cpp's own kernels skip it.</summary>
    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Widths))]
    public void CellsThatNobodySeesMayHoldWhatIsNoNumber(int vectorBits)
    {
        using AttentionCase attention = new AttentionCase(new Random(4), vectorBits, 64, 64, heads: 4, kvHeads: 2, tokens: 5, cells: 300).Masked((token, cell) => cell % 3 == 0 ? Hidden : 0);
        double[] expected = attention.Expect();
        for (int cell = 0; cell < 300; cell += 3)
        {
            attention.Key(cell, 0)[5] = Half.NaN;
            attention.Key(cell, 1)[6] = Half.PositiveInfinity;
            attention.Value(cell, 0)[7] = Half.NaN;
            attention.Value(cell, 1)[8] = Half.NegativeInfinity;
        }

        AssertEqual(expected, attention.Compute(), "hidden");
    }

    /// <summary>Whoever looks at such a cell must learn of it: the engine ends a request whose logits are no numbers.</summary>
    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Widths))]
    public void WhatIsNoNumberReachesThoseWhoSeeIt(int vectorBits)
    {
        foreach (bool inKeys in new[] { true, false })
        {
            using AttentionCase attention = new AttentionCase(new Random(5), vectorBits, 64, 64, heads: 2, kvHeads: 1, tokens: 8, cells: 200).Masked((token, cell) => cell <= 190 + token ? 0 : Hidden);
            (inKeys ? attention.Key(194, 0) : attention.Value(194, 0))[3] = Half.NaN;
            float[] results = attention.Compute();
            for (int token = 0; token < 8; token++)
            {
                bool sees = token >= 4;
                bool hasNaN = results.Skip(token * 2 * 64).Take(2 * 64).Any(float.IsNaN);
                // A block's values that one token sees are weighed by others with 0, which does not take it away.
                if (sees || inKeys)
                    Assert.Equal(sees, hasNaN);
            }
        }
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Widths))]
    public void EachHalfIsReadAsItIs(int vectorBits)
    {
        Half[] halves = [(Half)0f, Half.NegativeZero, Half.Epsilon, -Half.Epsilon, (Half)6.1e-5f, (Half)5.9e-5f, Half.MaxValue, Half.MinValue, (Half)1f, (Half)(-0.333f)];
        using AttentionCase attention = new(new Random(6), vectorBits, 32, 32, heads: 1, kvHeads: 1, tokens: 1, cells: 1);
        for (int first = 0; first < 32; first++)
        {
            for (int i = 0; i < 32; i++)
                attention.Value(0, 0)[i] = halves[(first + i) % halves.Length];
            // With one cell the result is its value.
            float[] results = attention.Compute();
            for (int i = 0; i < 32; i++)
                Assert.Equal((float)halves[(first + i) % halves.Length], results[i]);
        }
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Widths))]
    public void InfiniteValuesStayInfinite(int vectorBits)
    {
        using AttentionCase attention = new(new Random(7), vectorBits, 32, 32, heads: 1, kvHeads: 1, tokens: 1, cells: 70);
        attention.Value(3, 0)[11] = Half.PositiveInfinity;
        attention.Value(69, 0)[12] = Half.NegativeInfinity;
        float[] results = attention.Compute();
        Assert.Equal(float.PositiveInfinity, results[11]);
        Assert.Equal(float.NegativeInfinity, results[12]);
        Assert.Equal(30, results.Count(float.IsFinite));
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Widths))]
    public void ATokenThatSeesNothingGetsNothing(int vectorBits)
    {
        using AttentionCase attention = new AttentionCase(new Random(8), vectorBits, 32, 32, heads: 2, kvHeads: 1, tokens: 3, cells: 2500).Masked((token, _) => token == 1 ? Hidden : 0);
        float[] results = attention.Compute();
        Assert.All(results[(2 * 32)..(4 * 32)], result => Assert.Equal(0, result));
        AssertEqual(attention.Expect(), results, "one of three");
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Widths))]
    public void NothingIsAllocated(int vectorBits)
    {
        using AttentionCase attention = new AttentionCase(new Random(9), vectorBits, 64, 64, heads: 4, kvHeads: 2, tokens: 9, cells: 300).Masked((token, cell) => cell <= 280 + token ? 0 : Hidden);
        Assert.Equal(0, Allocations.Least(5, () => attention.ComputeOn(0)));
    }

    private static AttentionCase RandomCase(Random random, int vectorBits)
    {
        int[] keyLengths = [8, 24, 32, 40, 64, 80, 128, 256];
        int[] valueLengths = vectorBits == 512 ? [32, 64, 96, 128, 256] : [16, 32, 48, 64, 80, 128, 256];
        int kvHeads = random.Next(1, 4);
        int tokens = random.Next(3) == 0 ? 1 : random.Next(1, 150);
        int cells = random.Next(1, 400);
        AttentionCase attention = new(
            random, vectorBits, keyLengths[random.Next(keyLengths.Length)], valueLengths[random.Next(valueLengths.Length)], kvHeads * random.Next(1, 10), kvHeads, tokens, cells, random.Next(1, 4));
        int salt = random.Next();
        switch (random.Next(5))
        {
            case 0:
                break;
            case 1:
                attention.Masked((token, cell) => cell <= cells - tokens + token ? 0 : Hidden);
                break;
            case 2:
                attention.Masked((token, cell) => cell % 7 == token % 7 ? 0 : Hidden);
                break;
            case 3:
                attention.Masked((token, cell) => HashCode.Combine(salt, token, cell) % 5 == 0 ? 0 : Hidden);
                break;
            default:
                attention.Masked((token, cell) => cell / 64 % 3 == token % 3 ? -(token + cell) % 50 : Hidden);
                break;
        }

        if (random.Next(4) == 0)
            attention.Inputs.MaxBias = 8;
        if (random.Next(4) == 0)
            attention.Inputs.Softcap = 5 * (float)(1 + random.NextDouble());
        return random.Next(4) == 0 ? attention.WithSinks(random) : attention;
    }

    private static void Randomise(AttentionCase attention, int cell, Random random)
    {
        for (int head = 0; head < attention.Inputs.KvHeads; head++)
        {
            for (int i = 0; i < attention.Inputs.KeyLength; i++)
                attention.Key(cell, head)[i] = (Half)random.NextSingle();
            for (int i = 0; i < attention.Inputs.ValueLength; i++)
                attention.Value(cell, head)[i] = (Half)random.NextSingle();
        }
    }

    private static void AssertEqual(double[] expected, float[] actual, string what)
    {
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) < 1e-5, $"{what}: {actual[i]} where {expected[i]} was expected, at {i}");
    }
}
