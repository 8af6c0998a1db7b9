namespace EmbeddedLlm.Sampling;

/// <summary>
/// A seeded stream of random numbers, the same on every platform and runtime version: SplitMix64 (Steele, Lea and Flood, "Fast
/// splittable pseudorandom number generators", OOPSLA 2014). A value type: a copy is a fork.
/// </summary>
internal struct RandomStream
{
    private ulong _state;

    public RandomStream(long seed) => _state = Mix(unchecked((ulong)seed));

    /// <summary>The next number in [0, 1), a multiple of 2⁻⁵³.</summary>
    public double NextDouble()
    {
        // The increment is 2⁶⁴ divided by the golden ratio, made odd: the state visits all 2⁶⁴ values.
        _state += 0x9E3779B97F4A7C15;
        return (Mix(_state) >> 11) * (1.0 / (1UL << 53));
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
