namespace EmbeddedLlm.Tokens;

/// <summary>What kind of token an id stands for.</summary>
internal enum TokenKind : byte
{
    /// <summary>A piece of text.</summary>
    Text,

    /// <summary>A control token such as the start of a turn; its text never reaches a caller.</summary>
    Control,

    /// <summary>A token that ends the generation: end of sequence, end of turn, end of message. Also a control token.</summary>
    EndOfGeneration,
}

/// <summary>
/// The bytes and kinds of a model's tokens. Immutable and safe to share between threads. All bytes lie in one array, so a vocabulary of 152k tokens is
/// three objects, not 152,000.
/// </summary>
internal sealed class Vocabulary
{
    private readonly byte[] _bytes;
    private readonly int[] _offsets;
    private readonly TokenKind[] _kinds;

    /// <param name="bytes">The tokens' bytes, one after the other.</param>
    /// <param name="offsets">Where each token's bytes begin, [tokens + 1]; the last is the length of <paramref name="bytes"/>.</param>
    /// <param name="kinds">Each token's kind, [tokens].</param>
    public Vocabulary(byte[] bytes, int[] offsets, TokenKind[] kinds)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(offsets.Length, kinds.Length + 1);
        ArgumentOutOfRangeException.ThrowIfNotEqual(offsets[^1], bytes.Length);
        _bytes = bytes;
        _offsets = offsets;
        _kinds = kinds;
    }

    /// <summary>The number of tokens.</summary>
    public int Count => _kinds.Length;

    /// <summary>The bytes of one token, of a control token as well.</summary>
    public ReadOnlySpan<byte> BytesOf(int token) => _bytes.AsSpan(_offsets[token].._offsets[token + 1]);

    /// <inheritdoc cref="BytesOf"/>
    public ReadOnlyMemory<byte> MemoryOf(int token) => _bytes.AsMemory(_offsets[token].._offsets[token + 1]);

    /// <summary>The bytes a token adds to an answer: its own, or none for a control token.</summary>
    public ReadOnlySpan<byte> TextBytesOf(int token) => _kinds[token] == TokenKind.Text ? BytesOf(token) : [];

    public TokenKind KindOf(int token) => _kinds[token];

    public bool IsEndOfGeneration(int token) => _kinds[token] == TokenKind.EndOfGeneration;
}
