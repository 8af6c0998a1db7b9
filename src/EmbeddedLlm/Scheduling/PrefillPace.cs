namespace EmbeddedLlm.Scheduling;

/// <summary>
/// How many tokens of prompts go into a step that also computes next tokens. Those who wait for the latter wait for the former too, and how long that is depends on the model and the machine by a factor of a
/// thousand: so it is as many as take a tenth of a second, as measured while it goes on. Where a step without prompts takes long as well, it is as many as take eight of those: next tokens of few sequences
/// are dear, and with smaller bites the rest of the callers, who are not there yet, would wait for too many of them. The bound of time instead of tokens is that of Sarathi-Serve (Agrawal et al., 2024).
/// Engine thread only.
/// </summary>
/// <param name="limits">The most tokens, whether fewer are taken where they take long, and the kernel's tile.</param>
internal sealed class PrefillPace(SchedulerLimits limits)
{
    /// <summary>Taken until something was measured.</summary>
    public const int First = 128;

    /// <summary>Also the least: fewer hardly take less time than the weights take to be read for the next tokens anyway, and kernels compute so many rows together.</summary>
    public const int Granule = 16;

    private const double Seconds = 0.1;
    private const double StepsAside = 8;
    private const double Smoothing = 0.3;

    private double _secondsPerToken;
    private double _secondsPerStep;

    /// <summary>How many tokens the next step takes.</summary>
    /// <param name="total">The length of the prompt that comes first.</param>
    public int Choose(int total)
    {
        if (!limits.PacesPrefill)
            return limits.PrefillChunk;
        double seconds = Math.Max(Seconds, _secondsPerStep * StepsAside);
        double affordable = _secondsPerToken > 0 ? Math.Min(seconds / _secondsPerToken, limits.PrefillChunk) : First;
        int least = limits.Tile.Pays(total) ? limits.Tile.Length : Granule;
        return Math.Min(Math.Max((int)affordable / Granule * Granule, least), limits.PrefillChunk);
    }

    /// <summary>Takes note of a step that next tokens were computed in.</summary>
    /// <param name="promptTokens">The tokens of prompts, and of forced text, in it.</param>
    /// <param name="time">From its begin until logits were there.</param>
    public void Observe(int promptTokens, TimeSpan time)
    {
        if (promptTokens == 0)
            _secondsPerStep = Smooth(_secondsPerStep, time.TotalSeconds);
        else if (promptTokens >= Granule)
            _secondsPerToken = Smooth(_secondsPerToken, Math.Max(0, time.TotalSeconds - _secondsPerStep) / promptTokens);
    }

    private static double Smooth(double average, double value) => average == 0 ? value : average + (Smoothing * (value - average));
}
