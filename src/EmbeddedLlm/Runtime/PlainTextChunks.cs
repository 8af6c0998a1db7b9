namespace EmbeddedLlm.Runtime;

/// <summary>
/// Cuts long text into pieces that are tokenized one by one. llama.cpp splits the text for a byte-pair vocabulary with regular expressions, some of them on a library that
/// recurses for each character of a match: a word of 200,000 letters overflows the stack, which ends the process.
/// </summary>
internal static class PlainTextChunks
{
    /// <summary>The longest piece in UTF-16 units: far below what overflows the smallest stack, far above any word.</summary>
    public const int MaxLength = 512;

    /// <summary>
    /// The length of the first piece. It ends where every pre-tokenizer ends a word: after a letter or digit and before a line break, a CJK comma or full stop, or a space with a letter after it; where there is
    /// no such place, at the greatest length that splits no character.
    /// </summary>
    public static int FirstLength(ReadOnlySpan<char> text)
    {
        if (text.Length <= MaxLength)
            return text.Length;
        for (int end = MaxLength; end > 1; end--)
        {
            if (char.IsLetterOrDigit(text[end - 1]) && IsWordEnd(text[end], text[end + 1 < text.Length ? end + 1 : end]))
                return end;
        }

        return char.IsHighSurrogate(text[MaxLength - 1]) && char.IsLowSurrogate(text[MaxLength]) ? MaxLength - 1 : MaxLength;
    }

    private static bool IsWordEnd(char next, char afterNext) => next switch
    {
        '\n' or '\r' => true,
        '，' or '。' or '、' => true,
        ' ' => char.IsLetter(afterNext),
        _ => false,
    };
}
