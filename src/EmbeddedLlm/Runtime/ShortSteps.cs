using System.Diagnostics;

namespace EmbeddedLlm.Runtime;

/// <summary>
/// Which steps are over before anybody could want them to be given up. llama.cpp asks after each operation, and a model of a few million weights has a hundred that take a microsecond or two: to be asked costs a
/// hundredth of its time. Used by one thread at a time.
/// </summary>
internal sealed class ShortSteps
{
    private static readonly long Short = Stopwatch.Frequency / 500;

    private int _most;

    /// <summary>Whether steps of so many tokens, or of more, were short of late.</summary>
    public bool Have(int tokens) => tokens <= _most;

    /// <summary>Takes note of a step that was computed to its end.</summary>
    /// <param name="tokens">How many tokens it had.</param>
    /// <param name="duration">How long it took, in ticks of <see cref="Stopwatch"/>.</param>
    public void Observe(int tokens, long duration)
    {
        if (duration < Short)
            _most = Math.Max(_most, tokens);
        else if (tokens <= _most)
            _most = tokens - 1;
    }
}
