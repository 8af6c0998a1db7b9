namespace EmbeddedLlm.Benchmarks;

/// <summary>How many samples to take of one quantity: as many as fit into the time, within bounds.</summary>
/// <param name="Time">The time for all of them.</param>
/// <param name="Least">The fewest, however long they take.</param>
/// <param name="Most">The most, however short they are.</param>
internal sealed record SampleBudget(TimeSpan Time, int Least, int Most)
{
    /// <summary>For figures to quote.</summary>
    public static SampleBudget Thorough { get; } = new(TimeSpan.FromSeconds(8), 5, 301);

    /// <summary>For a first look.</summary>
    public static SampleBudget Quick { get; } = new(TimeSpan.FromSeconds(2), 3, 15);

    /// <summary>Exactly so many.</summary>
    public static SampleBudget Exactly(int samples) => new(TimeSpan.Zero, samples, samples);

    /// <summary>How many fit, if one takes so long. An odd number where the bounds leave a choice: its median is a sample.</summary>
    public int CountFor(TimeSpan once)
    {
        int count = (int)Math.Clamp(Time / once, Least, Most);
        return count % 2 == 0 && count < Most ? count + 1 : count;
    }
}
