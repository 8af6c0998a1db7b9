namespace EmbeddedLlm.Tokens;

/// <summary>
/// One stop string as a Knuth-Morris-Pratt automaton over bytes: each byte of the answer costs constant time however long the string is, and the state says
/// how many bytes at the answer's end could still become the string.
/// </summary>
internal struct StopString
{
    private readonly byte[] _pattern;
    private readonly int[] _fallback;

    public StopString(byte[] pattern)
    {
        ArgumentOutOfRangeException.ThrowIfZero(pattern.Length);
        _pattern = pattern;
        _fallback = new int[pattern.Length];
        for (int i = 1, matched = 0; i < pattern.Length; i++)
        {
            while (matched > 0 && pattern[i] != pattern[matched])
                matched = _fallback[matched - 1];
            if (pattern[i] == pattern[matched])
                matched++;
            _fallback[i] = matched;
        }
    }

    /// <summary>The length in bytes.</summary>
    public readonly int Length => _pattern.Length;

    /// <summary>How many bytes at the end of the text are the beginning of the string.</summary>
    public int Matched { get; private set; }

    /// <summary>Takes the next byte and says whether the string is complete with it.</summary>
    public bool Advance(byte next)
    {
        int matched = Matched;
        while (matched > 0 && (matched == _pattern.Length || _pattern[matched] != next))
            matched = _fallback[matched - 1];
        if (_pattern[matched] == next)
            matched++;
        Matched = matched;
        return matched == _pattern.Length;
    }
}
