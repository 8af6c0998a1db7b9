using System.Buffers;

namespace EmbeddedLlm.Runtime;

/// <summary>A token that stands for its text as a whole wherever that text may be parsed, and the white space that goes with it.</summary>
/// <param name="Id">The token.</param>
/// <param name="Text">Its text, not empty.</param>
/// <param name="StripsLeft">Whether white space before it belongs to it.</param>
/// <param name="StripsRight">Whether white space after it belongs to it.</param>
internal sealed record SpecialToken(int Id, string Text, bool StripsLeft, bool StripsRight);

/// <summary>Finds the special tokens in a text, the longest first where several begin at the same character. Immutable and thread-safe.</summary>
internal sealed class SpecialTokens
{
    private readonly Dictionary<char, SpecialToken[]> _byFirstCharacter;
    private readonly SearchValues<char> _firstCharacters;

    public SpecialTokens(IEnumerable<SpecialToken> tokens)
    {
        _byFirstCharacter = tokens
            .GroupBy(token => token.Text[0])
            .ToDictionary(group => group.Key, group => group.OrderByDescending(token => token.Text.Length).ToArray());
        _firstCharacters = SearchValues.Create([.. _byFirstCharacter.Keys]);
    }

    /// <summary>The first special token in the text, and where it begins; null where there is none.</summary>
    public SpecialToken? Find(ReadOnlySpan<char> text, out int index)
    {
        index = 0;
        while (text[index..].IndexOfAny(_firstCharacters) is >= 0 and var offset)
        {
            index += offset;
            foreach (SpecialToken token in _byFirstCharacter[text[index]])
            {
                if (text[index..].StartsWith(token.Text, StringComparison.Ordinal))
                    return token;
            }

            index++;
        }

        return null;
    }
}
