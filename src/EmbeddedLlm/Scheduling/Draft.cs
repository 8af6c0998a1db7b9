namespace EmbeddedLlm.Scheduling;

/// <summary>
/// Guesses about a sequence's next tokens, by what followed its last few tokens when they came before (prompt lookup decoding) or by a <see cref="DraftModel"/>, and how often they were
/// right. The guesses are computed together with the sequence's own next token; whether one stands is decided by sampling as always, so the answer is the same with and without them.
/// </summary>
internal sealed class Draft
{
    // Three tokens that occurred before are seldom followed by chance alone; two will do where there are no three.
    private const int LongestPattern = 3;
    private const int ShortestPattern = 2;

    private readonly int[] _tokens;
    private int _length;

    public Draft(int most)
    {
        _tokens = new int[most];
        _length = most;
    }

    /// <summary>The guesses of the running step.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Count);

    public int Count { get; private set; }

    /// <summary>How many of them have turned out right.</summary>
    public int Verified { get; private set; }

    /// <summary>The batch entry of the first guess.</summary>
    public int BatchIndex { get; set; }

    /// <summary>All guesses so far.</summary>
    public int TotalCount { get; private set; }

    /// <summary>All right ones so far.</summary>
    public int TotalVerified { get; private set; }

    /// <summary>How many more guesses the step has room for.</summary>
    public int Room { get; private set; }

    /// <summary>Begins a step without guesses.</summary>
    /// <param name="most">The most there is room for.</param>
    public void Begin(int most)
    {
        Verified = Count = 0;
        Room = Math.Clamp(most, 0, _length);
    }

    /// <summary>Adds a guess; there must be room for it.</summary>
    public void Add(int token)
    {
        Room--;
        _tokens[Count++] = token;
    }

    /// <summary>Guesses what followed the last tokens when they came before.</summary>
    /// <param name="tokens">All tokens of the sequence.</param>
    public void LookUp(ReadOnlySpan<int> tokens)
    {
        int most = Room;
        for (int length = LongestPattern; length >= ShortestPattern && most > 0 && Count == 0; length--)
        {
            if (tokens.Length <= length)
                continue;
            int found = tokens[..^1].LastIndexOf(tokens[^length..]);
            if (found < 0)
                continue;
            ReadOnlySpan<int> following = tokens[(found + length)..];
            Count = Math.Min(most, following.Length);
            following[..Count].CopyTo(_tokens);
            Room -= Count;
        }
    }

    /// <summary>Keeps the first guesses only.</summary>
    public void Cut(int count) => Count = Math.Min(Count, count);

    /// <summary>Compares the tokens that were chosen in this step with the guesses.</summary>
    /// <returns>Whether each of them was guessed, so that the logits after the last are there already.</returns>
    public bool Verify(ReadOnlySpan<int> chosen)
    {
        while (Verified < chosen.Length)
        {
            if (Verified == Count || chosen[Verified] != _tokens[Verified])
                return false;
            Verified++;
        }

        return true;
    }

    /// <summary>Ends the step: right guesses make the next ones longer, wrong ones shorter, since each costs time.</summary>
    public void Settle()
    {
        if (Count > 0)
            _length = Verified == Count ? Math.Min(_tokens.Length, _length * 2) : Verified + 1;
        TotalCount += Count;
        TotalVerified += Verified;
        Verified = Count = 0;
    }

    /// <summary>Forgets the guesses of a step that was not computed.</summary>
    public void Drop() => Verified = Count = 0;
}
