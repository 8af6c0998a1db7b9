using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// Tokens of a range of lengths, and behind it those that are shorter. Nearly all tokens are short, and to short tokens most states of an automaton that counts are alike: their masks are found once, and
/// only the few long tokens are tested for each state. Immutable.
/// </summary>
/// <param name="id">By what states keep the masks of the tokens up to <see cref="MaxBytes"/>.</param>
/// <param name="trie">The tokens; longer ones too, which are passed over.</param>
/// <param name="maxBytes">The length of the longest token, in bytes.</param>
/// <param name="shorter">The shorter tokens; null where there are none.</param>
internal sealed class TokenBand(int id, TokenTrie trie, int maxBytes, TokenBand? shorter)
{
    /// <summary>How many bands there are at most.</summary>
    public const int MaxCount = 4;

    /// <summary>Where one band ends and the next begins, in bytes: of 152k tokens 1,900 are longer than 16 bytes, 240 than 32 and 120 than 64.</summary>
    private static readonly int[] s_lengths = [16, 32, 64];

    public int Id => id;

    public TokenTrie Trie => trie;

    /// <summary>The length that no token is shorter than; 1 or above.</summary>
    public int MinBytes => shorter is null ? 1 : shorter.MaxBytes + 1;

    public int MaxBytes => maxBytes;

    public TokenBand? Shorter => shorter;

    /// <summary>The memory of the tries of longer tokens, in bytes.</summary>
    public long Size => shorter is null ? 0 : trie.Size + shorter.Size;

    /// <summary>Divides tokens by their lengths.</summary>
    /// <param name="vocabulary">Where the tokens are from.</param>
    /// <param name="tokens">The tokens.</param>
    /// <param name="trie">A trie of them all.</param>
    /// <param name="nextId">Gives each band a number of its own.</param>
    /// <returns>The band of the longest.</returns>
    public static TokenBand Create(Vocabulary vocabulary, IReadOnlyList<int> tokens, TokenTrie trie, Func<int> nextId)
    {
        TokenBand band = new(nextId(), trie, Math.Min(trie.Depth, s_lengths[0]), shorter: null);
        for (int i = 0; band.MaxBytes < trie.Depth; i++)
        {
            int above = band.MaxBytes;
            int upTo = i + 1 < s_lengths.Length ? Math.Min(trie.Depth, s_lengths[i + 1]) : trie.Depth;
            TokenTrie longer = TokenTrie.Create(vocabulary, tokens.Where(token => vocabulary.TextBytesOf(token).Length > above && vocabulary.TextBytesOf(token).Length <= upTo));
            band = new TokenBand(nextId(), longer, upTo, band);
        }

        return band;
    }
}
