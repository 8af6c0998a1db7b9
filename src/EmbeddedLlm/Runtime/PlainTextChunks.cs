namespace EmbeddedLlm.Runtime;

/// <summary>
/// Cuts long text into pieces that are tokenized one by one. llama.cpp splits the text for a byte-pair vocabulary with regular expressions, some of them on a library that
/// recurses for each character of a match: a word of 200,000 letters overflows the stack, which ends the process.
/// </summary>
internal static class PlainTextChunks
{
    /// <summary>The longest piece in UTF-16 units: far below what overflows the smallest stack, far above any word.</summary>
    public const int MaxLength = 512;

    // Many a pre-tokenizer has digits in threes, from the first on.
    private const int DigitsInGroup = 3;

    /// <summary>
    /// The length of the first piece. It ends where every pre-tokenizer ends a word: after a letter or digit and before a line break, a CJK comma or full stop, or a space with a letter after it. Where there is
    /// no such place, as in JSON without spaces, it ends where nearly every one does, at the end of a row of letters or of digits; within digits alone so that groups of three stay whole; and else at the
    /// greatest length that splits no character.
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

        for (int end = MaxLength; end > 1; end--)
        {
            if (IsRowEnd(text[end - 1], text[end]))
                return end;
        }

        int digits = 0;
        while (char.IsDigit(text[MaxLength]) && digits < MaxLength && char.IsDigit(text[MaxLength - digits - 1]))
            digits++;
        if (digits >= DigitsInGroup)
            return MaxLength - digits % DigitsInGroup;
        return char.IsHighSurrogate(text[MaxLength - 1]) && char.IsLowSurrogate(text[MaxLength]) ? MaxLength - 1 : MaxLength;
    }

    private static bool IsWordEnd(char next, char afterNext) => next switch
    {
        '\n' or '\r' => true,
        '，' or '。' or '、' => true,
        ' ' => char.IsLetter(afterNext),
        _ => false,
    };

    /// <summary>Whether a row of letters or of digits ends between two characters, and no contraction such as <c>'s</c> or mark goes on with it.</summary>
    private static bool IsRowEnd(char last, char next)
    {
        if (char.IsLetter(last))
            return char.IsDigit(next) || IsSeparator(next);
        return char.IsDigit(last) && (char.IsLetter(next) || IsSeparator(next));
    }

    private static bool IsSeparator(char character) => character is not ('\'' or '’') && (char.IsWhiteSpace(character) || char.IsPunctuation(character) || char.IsSymbol(character));
}
