using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Sampling;

/// <summary>
/// Strings over which no repetition is counted by <see cref="DryPenalty"/>, such as a line's end. They are looked for in the bytes of the text, so it does not matter how it is
/// split into tokens. Immutable and safe to share between threads.
/// </summary>
internal sealed class DryBreakers
{
    private readonly Vocabulary _vocabulary;
    private readonly StopString[] _strings;

    /// <param name="vocabulary">The model's tokens.</param>
    /// <param name="strings">The strings in UTF-8, none empty.</param>
    public DryBreakers(Vocabulary vocabulary, IReadOnlyList<byte[]> strings)
    {
        _vocabulary = vocabulary;
        _strings = [.. strings.Select(text => new StopString(text))];
    }

    /// <summary>The state before any text; changed by <see cref="Advance"/>.</summary>
    public StopString[] Begin() => [.. _strings];

    /// <summary>Takes the next token and says whether a breaker is complete in it.</summary>
    public bool Advance(StopString[] state, int token)
    {
        bool isComplete = false;
        if ((uint)token >= (uint)_vocabulary.Count)
            return false;
        foreach (byte next in _vocabulary.BytesOf(token))
        {
            foreach (ref StopString text in state.AsSpan())
                isComplete |= text.Advance(next);
        }

        return isComplete;
    }

    /// <summary>Whether a whole breaker is in the token.</summary>
    public bool IsIn(int token)
    {
        if ((uint)token >= (uint)_vocabulary.Count)
            return false;
        ReadOnlySpan<byte> bytes = _vocabulary.BytesOf(token);
        foreach (StopString prototype in _strings)
        {
            StopString text = prototype;
            foreach (byte next in bytes)
            {
                if (text.Advance(next))
                    return true;
            }
        }

        return false;
    }
}
