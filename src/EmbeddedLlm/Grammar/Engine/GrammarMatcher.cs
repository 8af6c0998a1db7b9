using EmbeddedLlm.Grammars;

namespace EmbeddedLlm;

/// <summary>
/// One text on its way through a grammar, token by token. Its state is a single reference, so checkpoints, rollback and forks cost nothing. Not thread-safe; any
/// number of matchers may share a grammar and a vocabulary.
/// </summary>
public sealed class GrammarMatcher
{
    private readonly GrammarVocabulary _vocabulary;
    private Configuration _configuration;
    private JsonTrail? _keys;
    private bool _isEnded;

    /// <param name="vocabulary">The tokens.</param>
    /// <param name="configuration">Where the text is.</param>
    /// <param name="keys">The keys so far, where none may be repeated; null where it does not matter.</param>
    internal GrammarMatcher(GrammarVocabulary vocabulary, Configuration configuration, JsonTrail? keys)
    {
        _keys = keys;
        _vocabulary = vocabulary;
        _configuration = configuration;
    }

    /// <summary>Whether the text so far is in the language: an end of generation is allowed just then.</summary>
    public bool IsComplete => _configuration.IsComplete;

    /// <summary>Whether nothing but the end of generation can follow, or that has come already.</summary>
    public bool IsFinished => _isEnded || (_configuration.IsComplete && _configuration.Items.Length == 0);

    /// <summary>The number of 64-bit words that <see cref="WriteMask"/> needs.</summary>
    public int MaskLength => Tokens.TokenMask.WordsFor(_vocabulary.TokenCount);

    /// <summary>Whether <see cref="WriteMask"/> has nothing to find out: the mask of this place of the text is known from before.</summary>
    internal bool IsMaskKnown => _configuration.Masks.Find(_vocabulary.Id) is not null;

    /// <summary>Writes which tokens may come next: bit <c>t % 64</c> of word <c>t / 64</c> for token <c>t</c>.</summary>
    /// <param name="mask">At least <see cref="MaskLength"/> words; all that are needed are written.</param>
    /// <exception cref="ArgumentException">The mask is too short.</exception>
    /// <exception cref="GrammarException">The grammar is too ambiguous to be followed here.</exception>
    public void WriteMask(Span<ulong> mask)
    {
        if (mask.Length < MaskLength)
            throw new ArgumentException($"The mask has {mask.Length} words, and {MaskLength} are needed.", nameof(mask));
        mask = mask[..MaskLength];
        if (_isEnded)
        {
            mask.Clear();
            return;
        }

        _vocabulary.MaskOf(_configuration).Write(mask);
        _keys?.Filter(mask, _configuration, _vocabulary);
    }

    /// <summary>Computes the mask of this place, so that <see cref="WriteMask"/> has it at hand. May run beside reads of this matcher, not beside an advance.</summary>
    internal void PrepareMask()
    {
        if (!_isEnded)
            _vocabulary.MaskOf(_configuration);
    }

    /// <summary>Takes a token where it may come, and leaves the matcher as it was where not.</summary>
    /// <param name="token">The token's id.</param>
    /// <returns>Whether the token may come here.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The vocabulary has no such token.</exception>
    /// <exception cref="GrammarException">The grammar is too ambiguous to be followed here.</exception>
    public bool TryAdvance(int token)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, _vocabulary.TokenCount);
        if (_isEnded)
            return false;
        if (_vocabulary.Vocabulary.IsEndOfGeneration(token))
        {
            _isEnded = _configuration.IsComplete;
            return _isEnded;
        }

        // A token that a grammar names by its id goes first; elsewhere control tokens have no text to match.
        Configuration? next = _configuration.ExpectsToken ? _configuration.Machine.AfterToken(_configuration, _vocabulary, token) : null;
        ReadOnlySpan<byte> bytes = _vocabulary.Vocabulary.TextBytesOf(token);
        if (next is null)
            return !bytes.IsEmpty && TryAdvance(bytes);
        _configuration = next;
        return true;
    }

    /// <summary>Takes bytes of text that do not come as tokens, all of them or none.</summary>
    /// <returns>Whether the bytes may come here.</returns>
    /// <exception cref="GrammarException">The grammar is too ambiguous to be followed here.</exception>
    public bool TryAdvance(ReadOnlySpan<byte> bytes)
    {
        if (_isEnded)
            return false;
        if (_keys is not null)
        {
            if (_keys.After(ref _configuration, bytes) is not { } keys)
                return false;
            _keys = keys;
            return true;
        }

        if (After(_configuration, bytes) is not { } next)
            return false;
        _configuration = next;
        return true;
    }

    /// <summary>Writes the bytes that must come next, as far as there is but one possibility; the matcher does not move.</summary>
    /// <param name="bytes">Gets the bytes, as many as fit.</param>
    /// <returns>How many bytes were written; 0 where there is a choice, or the text may end.</returns>
    /// <exception cref="GrammarException">The grammar is too ambiguous to be followed here.</exception>
    public int ForcedBytes(Span<byte> bytes)
    {
        Configuration configuration = _configuration;
        int count = 0;
        while (!_isEnded && count < bytes.Length && configuration.ForcedByte is >= 0 and int next)
        {
            if (configuration.Next((byte)next) is not { } after)
                break;
            configuration = after;
            bytes[count++] = (byte)next;
        }

        return count;
    }

    /// <summary>
    /// The tokens of the text that must come next, as the model saw such text in training; empty where there is a choice. The matcher does not move. The last ones are left out as
    /// far as a longer token could stand in their place together with what the text may go on with.
    /// </summary>
    /// <param name="tokenize">Splits text into the vocabulary's tokens.</param>
    internal ReadOnlySpan<int> ForcedTokens(Func<string, int[]> tokenize)
    {
        if (_isEnded || _configuration.ForcedByte < 0)
            return [];
        if (_configuration.Forced.Find(_vocabulary.Id) is { } known)
            return known;
        int[] tokens = Grammars.ForcedText.Tokenize(_vocabulary, _configuration, tokenize);
        _configuration.Forced.Add(_vocabulary.Id, tokens);
        return tokens;
    }

    /// <summary>This place of the text, to come back to.</summary>
    public GrammarCheckpoint Checkpoint() => new(_configuration, _keys, _isEnded);

    /// <summary>Goes back, or forth, to a place of the text.</summary>
    /// <param name="checkpoint">From this matcher or one with the same grammar.</param>
    /// <exception cref="ArgumentException">It is from a matcher with another grammar.</exception>
    public void Rollback(GrammarCheckpoint checkpoint)
    {
        if (checkpoint.Configuration?.Machine != _configuration.Machine)
            throw new ArgumentException("The checkpoint is from another grammar.", nameof(checkpoint));
        _configuration = checkpoint.Configuration;
        _keys = checkpoint.Keys;
        _isEnded = checkpoint.IsEnded;
    }

    /// <summary>A matcher at the same place that goes on independently of this one.</summary>
    public GrammarMatcher Fork() => new(_vocabulary, _configuration, _keys) { _isEnded = _isEnded };

    private static Configuration? After(Configuration configuration, ReadOnlySpan<byte> bytes)
    {
        Configuration? next = configuration;
        foreach (byte value in bytes)
        {
            next = next.Next(value);
            if (next is null)
                return null;
        }

        return next;
    }
}

/// <summary>A place in a text that a <see cref="GrammarMatcher"/> can come back to.</summary>
public readonly struct GrammarCheckpoint : IEquatable<GrammarCheckpoint>
{
    internal GrammarCheckpoint(Configuration configuration, JsonTrail? keys, bool isEnded)
    {
        Configuration = configuration;
        Keys = keys;
        IsEnded = isEnded;
    }

    internal Configuration? Configuration { get; }

    internal JsonTrail? Keys { get; }

    internal bool IsEnded { get; }

    /// <summary>Whether two checkpoints are the same state of the same grammar; texts that lead to the same state are not told apart.</summary>
    public static bool operator ==(GrammarCheckpoint left, GrammarCheckpoint right) => left.Equals(right);

    /// <summary>Whether two checkpoints are different states.</summary>
    public static bool operator !=(GrammarCheckpoint left, GrammarCheckpoint right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(GrammarCheckpoint other) => ReferenceEquals(Configuration, other.Configuration) && ReferenceEquals(Keys, other.Keys) && IsEnded == other.IsEnded;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is GrammarCheckpoint other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Configuration, Keys, IsEnded);
}
