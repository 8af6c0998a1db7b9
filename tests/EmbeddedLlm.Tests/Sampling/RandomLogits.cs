namespace EmbeddedLlm.Tests.Sampling;

/// <summary>Rows of logits and masks of many shapes, from a seed.</summary>
internal static class RandomLogits
{
    /// <summary>Normally distributed around 0.</summary>
    public static float[] Normal(Random random, int count, double deviation)
    {
        float[] logits = new float[count];
        for (int i = 0; i < count; i++)
            logits[i] = (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        return logits;
    }

    /// <summary>Like a language model's: nearly all tokens far below a few.</summary>
    public static float[] Peaked(Random random, int count)
    {
        float[] logits = Normal(random, count, 2);
        for (int i = 0; i < 200; i++)
            logits[random.Next(count)] += (float)(20 * random.NextDouble());
        return logits;
    }

    /// <summary>One of a dozen shapes, most of them such as a model does not produce but a bug does.</summary>
    public static float[] Any(Random random, int count)
    {
        float[] logits = Normal(random, count, random.Next(4) switch { 0 => 0.1, 1 => 1, 2 => 3, _ => 10 });
        switch (random.Next(12))
        {
            case 0: logits.AsSpan().Fill((float)random.NextDouble()); break;
            case 1: Each(x => MathF.Round(x)); break;
            case 2: Each(x => MathF.Round(x) * 0f); break;
            case 3: Each(x => random.Next(3) == 0 ? float.NaN : x); break;
            case 4: Each(x => random.Next(2) == 0 ? float.NegativeInfinity : x); break;
            case 5: Each(x => x * 1e37f); break;
            case 6: Array.Sort(logits); break;
            case 7: Array.Sort(logits); Array.Reverse(logits); break;
            case 8: Each(x => random.Next(count) == 0 ? float.PositiveInfinity : x); break;
            case 9: Each(x => -MathF.Abs(x) - 50f); break;
        }

        return logits;

        void Each(Func<float, float> change)
        {
            for (int i = 0; i < count; i++)
                logits[i] = change(logits[i]);
        }
    }

    /// <summary>Empty, dense, sparse, or with whole words at 0 or all ones; now and then too short.</summary>
    public static ulong[] Mask(Random random, int count)
    {
        ulong[] mask = new ulong[(count + 63) / 64];
        int kind = random.Next(6);
        for (int i = 0; i < mask.Length; i++)
        {
            mask[i] = kind switch
            {
                1 => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
                2 => random.Next(8) == 0 ? 1UL << random.Next(64) : 0,
                3 => random.Next(2) == 0 ? ulong.MaxValue : 0,
                4 => ~(1UL << random.Next(64)),
                _ => ulong.MaxValue,
            };
        }

        return kind switch { 0 => [], 5 => mask[..random.Next(1, mask.Length + 1)], _ => mask };
    }
}
