using System.Text;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Runtime;

/// <summary>
/// Cuts long text for a SentencePiece vocabulary into pieces that have the same tokens as the whole. llama.cpp copies all tokens that it has for each character that is none and is written as bytes: a
/// million of them take it an hour. Immutable and thread-safe.
/// </summary>
/// <remarks>
/// Tokens are merged as long as what two of them make is a token. So before a character that stands in no token of several nothing is merged, and the text can be cut there; what is written as bytes is of
/// this kind.
/// </remarks>
internal sealed class SentencePieceChunks
{
    /// <summary>The shortest piece but the last, in UTF-16 units.</summary>
    public const int MinLength = 1024;

    private const int BitsPerWord = 64;

    // A bit for each character that stands in a token of several.
    private readonly ulong[] _joined = new ulong[0x11_0000 / BitsPerWord];

    public SentencePieceChunks(Vocabulary vocabulary)
    {
        // The tokens for bytes have names, whose letters a text may have as well.
        Array.Fill(_joined, ulong.MaxValue, 0, 0x80 / BitsPerWord);
        for (int token = 0; token < vocabulary.Count; token++)
        {
            ReadOnlySpan<byte> rest = vocabulary.BytesOf(token);
            Rune.DecodeFromUtf8(rest, out _, out int first);
            if (first == rest.Length)
                continue;
            for (; !rest.IsEmpty; rest = rest[first..])
            {
                Rune.DecodeFromUtf8(rest, out Rune character, out first);
                _joined[character.Value / BitsPerWord] |= 1UL << (character.Value % BitsPerWord);
            }
        }
    }

    /// <summary>The length of the first piece: up to the first place behind <see cref="MinLength"/> where a cut changes nothing.</summary>
    public int FirstLength(ReadOnlySpan<char> text)
    {
        int length = Math.Min(text.Length, MinLength);
        if (length < text.Length && char.IsHighSurrogate(text[length - 1]) && char.IsLowSurrogate(text[length]))
            length++;
        while (length < text.Length)
        {
            // What is half of a character is replaced before it is tokenized, here and there with the same.
            Rune.DecodeFromUtf16(text[length..], out Rune character, out int consumed);
            if ((_joined[character.Value / BitsPerWord] & (1UL << (character.Value % BitsPerWord))) == 0)
                break;
            length += consumed;
        }

        return length;
    }
}
