namespace EmbeddedLlm.Runtime;

/// <summary>
/// How many threads compute by default. llama.cpp's threads meet at spinning barriers many times per token, so one thread too many on a busy machine costs
/// far more than it brings, and a small model has too little work between two barriers to share it.
/// </summary>
internal static class ThreadCount
{
    /// <summary>
    /// Weights that keep one more thread busy, in bytes. Below it the barriers cost about what the second thread saves: a model of 2 MB is fastest on one thread.
    /// </summary>
    private const long WeightsPerThread = 16L << 20;

    /// <param name="weightBytes">The bytes of all weights: what one token reads, as a rule.</param>
    /// <param name="cores">The cores this process may use, hyper-threads counted once.</param>
    /// <param name="busyCores">How many of the machine's cores others keep busy.</param>
    public static int Choose(long weightBytes, int cores, double busyCores)
    {
        long useful = 1 + weightBytes / WeightsPerThread;
        int free = cores - (int)Math.Round(Math.Max(busyCores, 0));
        return (int)Math.Clamp(useful, 1, Math.Max(free, 1));
    }
}
