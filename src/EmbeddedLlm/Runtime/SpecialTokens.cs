using System.Buffers;

namespace EmbeddedLlm.Runtime;

/// <summary>A token that stands for its text as a whole wherever that text may be parsed, and the white space that goes with it.</summary>
/// <param name="Id">The token.</param>
/// <param name="Text">Its text, not empty.</param>
/// <param name="StripsLeft">Whether white space before it belongs to it.</param>
/// <param name="StripsRight">Whether white space after it belongs to it.</param>
internal sealed record SpecialToken(int Id, string Text, bool StripsLeft, bool StripsRight);

/// <summary>
/// Finds the special tokens in a text, the longest first where several begin at the same character. Immutable and thread-safe.
/// </summary>
/// <remarks>
/// The tokens lie in the order of their characters, and a search narrows the range of those that agree with the text: a vocabulary may have thousands that begin alike, and a text nothing but such beginnings.
/// </remarks>
internal sealed class SpecialTokens
{
    private readonly SpecialToken[] _sorted;
    private readonly Dictionary<char, Range> _byFirstCharacter;
    private readonly SearchValues<char> _firstCharacters;

    public SpecialTokens(IEnumerable<SpecialToken> tokens)
    {
        // Tokens that are no valid UTF-8 may have one text.
        _sorted = [.. tokens.DistinctBy(token => token.Text, StringComparer.Ordinal).OrderBy(token => token.Text, StringComparer.Ordinal)];
        _byFirstCharacter = [];
        for (int start = 0, end; start < _sorted.Length; start = end)
        {
            char first = _sorted[start].Text[0];
            end = Bound(start, _sorted.Length, 0, first + 1);
            _byFirstCharacter[first] = start..end;
        }

        _firstCharacters = SearchValues.Create([.. _byFirstCharacter.Keys]);
    }

    /// <summary>The first special token in the text, and where it begins; null where there is none.</summary>
    public SpecialToken? Find(ReadOnlySpan<char> text, out int index)
    {
        index = 0;
        while (text[index..].IndexOfAny(_firstCharacters) is >= 0 and var offset)
        {
            index += offset;
            if (FindLongest(text[index..]) is { } token)
                return token;

            index++;
        }

        return null;
    }

    private SpecialToken? FindLongest(ReadOnlySpan<char> text)
    {
        (int start, int end) = (_byFirstCharacter[text[0]].Start.Value, _byFirstCharacter[text[0]].End.Value);
        SpecialToken? found = null;
        for (int length = 1; start < end; length++)
        {
            // What the first and the last have in common all between them have.
            string first = _sorted[start].Text;
            int common = first.AsSpan(length).CommonPrefixLength(_sorted[end - 1].Text.AsSpan(length));
            if (!text[length..].StartsWith(first.AsSpan(length, common), StringComparison.Ordinal))
                break;
            length += common;
            if (first.Length == length)
                found = _sorted[start++];
            if (length == text.Length)
                break;
            start = Bound(start, end, length, text[length]);
            end = Bound(start, end, length, text[length] + 1);
        }

        return found;
    }

    // The first token of a range, whose tokens agree up to a place and are longer, with at least this character there.
    private int Bound(int start, int end, int place, int character)
    {
        while (start < end)
        {
            int middle = (int)(((uint)start + (uint)end) / 2);
            if (_sorted[middle].Text[place] < character)
                start = middle + 1;
            else
                end = middle;
        }

        return start;
    }
}
