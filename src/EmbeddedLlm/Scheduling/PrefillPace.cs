using System.Numerics;

namespace EmbeddedLlm.Scheduling;

/// <summary>
/// How many tokens of prompts go into a step that also computes next tokens. Those who wait for the latter wait for the former too, and how long that is depends on the model and the machine by a factor of a
/// thousand: so it is as many as take a tenth of a second, as measured while it goes on. Where a step without prompts takes long as well, it is as many as take eight of those: next tokens of few sequences
/// are dear, and with smaller bites the rest of the callers, who are not there yet, would wait for too many of them. The bound of time instead of tokens is that of Sarathi-Serve (Agrawal et al., 2024).
/// Where nobody has a next token a long prompt still leaves the step after a second, for whoever may come meanwhile, if there is room for one. Engine thread only.
/// </summary>
/// <param name="limits">The most tokens, whether fewer are taken where they take long, and the kernel's tile.</param>
internal sealed class PrefillPace(SchedulerLimits limits)
{
    /// <summary>Taken until something was measured, and the least of a long prompt that is computed alone.</summary>
    public const int First = 128;

    /// <summary>Also the least: fewer hardly take less time than the weights take to be read for the next tokens anyway, and kernels compute so many rows together.</summary>
    public const int Granule = 16;

    /// <summary>Whole tiles of attention on CPUs.</summary>
    private const int GranuleAlone = 64;

    private const double Seconds = 0.1;
    private const double SecondsAlone = 1;
    private const double StepsAside = 8;
    private const double Smoothing = 0.3;

    /// <summary>The part of a step of prompts alone that may pass before it, for callers who come at the same time.</summary>
    private const double PartToGather = 1.0 / 256;

    private static readonly TimeSpan FirstPatience = TimeSpan.FromMilliseconds(0.2);
    private static readonly TimeSpan MostPatience = TimeSpan.FromMilliseconds(2);

    /// <summary>A step of one next token takes about as long as so many tokens of a prompt, where it was not measured: what a processor computes while it reads the weights once.</summary>
    private const int TokensAsideOneStep = 6;

    private double _secondsPerToken;

    // Of the steps without prompts, by how many sequences had a next token: 1, 2, 3 and 4, 5 to 8, and so on. Zero where there was none.
    private readonly double[] _secondsPerStep = new double[1 + BitOperations.Log2(int.MaxValue)];

    /// <summary>How many tokens the next step takes.</summary>
    /// <param name="total">The length of the prompt that comes first.</param>
    /// <param name="decoding">The sequences that have a next token in the step, at least one.</param>
    public int Choose(int total, int decoding)
    {
        if (!limits.PacesPrefill)
            return limits.PrefillChunk;
        int least = limits.Tile.Pays(total) ? limits.Tile.Length : Granule;
        return Math.Min(Math.Max(Affordable(decoding) / Granule * Granule, least), limits.PrefillChunk);
    }

    /// <summary>How many tokens of a long prompt a step takes in which nobody has a next token.</summary>
    /// <param name="capacity">The most tokens of a step.</param>
    public int ChooseAlone(int capacity)
    {
        if (!limits.PacesPrefill || _secondsPerToken == 0)
            return capacity;
        int affordable = (int)Math.Min(SecondsAlone / _secondsPerToken, capacity) / GranuleAlone * GranuleAlone;
        return Math.Min(Math.Max(affordable, First), capacity);
    }

    /// <summary>
    /// How long a step in which nobody has a next token waits for another caller. Prompts of those who come at once are best computed at once: one after the other, beside the next tokens of the first, four short
    /// ones took half as long again on two cores, for kernels read the weights for each part.
    /// </summary>
    /// <param name="tokens">The tokens of prompts that the step has.</param>
    public TimeSpan Patience(int tokens)
    {
        if (!limits.PacesPrefill)
            return TimeSpan.Zero;
        if (_secondsPerToken == 0)
            return FirstPatience;
        return TimeSpan.FromSeconds(Math.Min(tokens * _secondsPerToken * PartToGather, MostPatience.TotalSeconds));
    }

    /// <summary>Takes note of a step that tokens were chosen in.</summary>
    /// <param name="promptTokens">The tokens of prompts, and of forced text, in it.</param>
    /// <param name="decoding">The sequences that had a next token in it.</param>
    /// <param name="time">From its begin until logits were there.</param>
    public void Observe(int promptTokens, int decoding, TimeSpan time)
    {
        if (promptTokens == 0 && decoding > 0)
            Smooth(ref _secondsPerStep[BucketOf(decoding)], time.TotalSeconds);
        else if (promptTokens >= Granule)
            Smooth(ref _secondsPerToken, Math.Max(0, time.TotalSeconds - (decoding > 0 ? SecondsPerStep(decoding) : 0)) / promptTokens);
    }

    private int Affordable(int decoding)
    {
        if (_secondsPerToken == 0)
            return First;
        double step = SecondsPerStep(decoding);
        double aside = step > 0 ? step * StepsAside / _secondsPerToken : TokensAsideOneStep * StepsAside;
        return (int)Math.Min(Math.Max(Seconds / _secondsPerToken, aside), limits.PrefillChunk);
    }

    /// <summary>How long a step without prompts takes, by those with most nearly as few sequences, or else by those with as many as come next; 0 where there was none yet.</summary>
    private double SecondsPerStep(int decoding)
    {
        int bucket = BucketOf(decoding);
        for (int i = bucket; i >= 0; i--)
        {
            if (_secondsPerStep[i] > 0)
                return _secondsPerStep[i];
        }

        for (int i = bucket + 1; i < _secondsPerStep.Length; i++)
        {
            if (_secondsPerStep[i] > 0)
                return _secondsPerStep[i];
        }

        return 0;
    }

    private static int BucketOf(int decoding) => decoding <= 1 ? 0 : BitOperations.Log2((uint)decoding - 1) + 1;

    private static void Smooth(ref double average, double value) => average = average == 0 ? value : average + (Smoothing * (value - average));
}
