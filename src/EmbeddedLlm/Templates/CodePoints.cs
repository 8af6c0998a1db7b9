using System.Globalization;

namespace EmbeddedLlm.Templates;

/// <summary>Text as Python counts it: a surrogate pair is one, and so is a surrogate that stands alone.</summary>
internal static class CodePoints
{
    /// <summary>The ideographs with a numeric value, from Unicode's Unihan database, which .NET does not include.</summary>
    private const string NumericIdeographs = "㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅卌叁参參叄四壱壹幺廾廿弌弍"
        + "弎弐拾捌柒漆玖百肆萬貮貳贰阡陆陌陸零參拾兩零六陸什𠀁𠁤𠃢𠄡𠤪𠦃𠦌𠦜𠫪𠫽𠬙𢎐𢦘𣬛𦉭"
        + "廾";

    public static int Count(ReadOnlySpan<char> text)
    {
        int firstSurrogate = text.IndexOfAnyInRange('\uD800', '\uDFFF');
        if (firstSurrogate < 0)
            return text.Length;

        int count = text.Length;
        for (int i = firstSurrogate; i < text.Length - 1; i++)
        {
            if (char.IsSurrogatePair(text[i], text[i + 1]))
            {
                count--;
                i++;
            }
        }

        return count;
    }

    /// <summary>The different characters of a text.</summary>
    public static HashSet<int> SetOf(ReadOnlySpan<char> text)
    {
        HashSet<int> set = [];
        for (int i = 0; i < text.Length; i += LengthAt(text, i))
            set.Add(At(text, i));
        return set;
    }

    public static int PositionOf(ReadOnlySpan<char> text, int codePoint)
    {
        int position = 0;
        for (; codePoint > 0 && position < text.Length; codePoint--)
            position += LengthAt(text, position);
        return position;
    }

    public static int LengthAt(ReadOnlySpan<char> text, int position) =>
        position + 1 < text.Length && char.IsSurrogatePair(text[position], text[position + 1]) ? 2 : 1;

    public static int LengthBefore(ReadOnlySpan<char> text, int position) =>
        position >= 2 && char.IsSurrogatePair(text[position - 2], text[position - 1]) ? 2 : 1;

    public static int At(ReadOnlySpan<char> text, int position) =>
        LengthAt(text, position) == 2 ? char.ConvertToUtf32(text[position], text[position + 1]) : text[position];

    /// <summary>Writes a code point, a lone surrogate included, and returns its UTF-16 length.</summary>
    public static int Write(int codePoint, Span<char> room)
    {
        if (codePoint < 0x10000)
        {
            room[0] = (char)codePoint;
            return 1;
        }

        codePoint -= 0x10000;
        room[0] = (char)(0xD800 + (codePoint >> 10));
        room[1] = (char)(0xDC00 + (codePoint & 0x3FF));
        return 2;
    }

    public static string ToText(int codePoint)
    {
        Span<char> room = stackalloc char[2];
        return new string(room[..Write(codePoint, room)]);
    }

    /// <summary>Orders by code point; UTF-16 order differs where a surrogate meets U+E000 to U+FFFF.</summary>
    public static int Compare(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
    {
        int common = left.CommonPrefixLength(right);
        if (common == left.Length || common == right.Length)
            return left.Length.CompareTo(right.Length);

        char a = left[common], b = right[common];
        bool aIsHigh = char.IsSurrogate(a), bIsHigh = char.IsSurrogate(b);
        return aIsHigh == bIsHigh ? a.CompareTo(b) : aIsHigh && b >= '\uE000' ? 1 : bIsHigh && a >= '\uE000' ? -1 : a.CompareTo(b);
    }

    /// <summary>Python's <c>str.isspace</c>, which also counts the four separators from U+001C on.</summary>
    public static bool IsSpace(int codePoint) =>
        codePoint <= 0xFFFF && (char.IsWhiteSpace((char)codePoint) || codePoint is >= 0x1C and <= 0x1F);

    public static bool IsLineBreak(char character) =>
        character is '\n' or '\r' or '\v' or '\f' or (>= '\x1C' and <= '\x1E') or '\x85' or '\u2028' or '\u2029';

    public static bool IsPrintable(int codePoint) => codePoint == ' ' || CharUnicodeInfo.GetUnicodeCategory(codePoint) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.SpaceSeparator);

    public static bool IsLetter(int codePoint) => CharUnicodeInfo.GetUnicodeCategory(codePoint) is
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
        or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter;

    /// <summary>Python's <c>\w</c>.</summary>
    public static bool IsWord(int codePoint) => codePoint <= '\x7F'
        ? codePoint == '_' || char.IsAsciiLetterOrDigit((char)codePoint)
        : IsAlphanumeric(codePoint);

    public static bool IsAlphanumeric(int codePoint) => IsLetter(codePoint) || IsNumeric(codePoint);

    public static bool IsDecimal(int codePoint) => CharUnicodeInfo.GetUnicodeCategory(codePoint) == UnicodeCategory.DecimalDigitNumber;

    public static bool IsDigit(int codePoint) => CharUnicodeInfo.GetDigitValue(ToText(codePoint), 0) >= 0;

    /// <summary>Python's <c>str.isnumeric</c>, for which also ideographs are numbers.</summary>
    public static bool IsNumeric(int codePoint)
    {
        if (codePoint <= '\x7F')
            return char.IsAsciiDigit((char)codePoint);

        string text = ToText(codePoint);
        // U+0F33 TIBETAN DIGIT HALF ZERO is the one character whose value, minus one half, is below zero.
        return CharUnicodeInfo.GetNumericValue(text, 0) >= 0 || codePoint == 0x0F33
            || (codePoint >= NumericIdeographs[0] && codePoint is not (>= 0xD800 and <= 0xDFFF) && NumericIdeographs.Contains(text, StringComparison.Ordinal));
    }

    /// <summary>Unicode's XID_Start: what also starts an identifier once it is normalised, as Python does before it looks.</summary>
    public static bool IsIdentifierStart(int codePoint) => codePoint is '_' or 0x1885 or 0x1886 or 0x2118 or 0x212E
        || (!IsUnstableInIdentifiers(codePoint)
            && (IsLetter(codePoint) || CharUnicodeInfo.GetUnicodeCategory(codePoint) == UnicodeCategory.LetterNumber));

    public static bool IsIdentifierPart(int codePoint) => codePoint is 0xB7 or 0x387 or (>= 0x1369 and <= 0x1371) or 0x19DA or 0xE33 or 0xEB3 or 0xFF9E or 0xFF9F
        || IsIdentifierStart(codePoint) || CharUnicodeInfo.GetUnicodeCategory(codePoint) is
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
            or UnicodeCategory.ConnectorPunctuation;

    /// <summary>Letters that normalisation (NFKC) turns into something that cannot start an identifier.</summary>
    private static bool IsUnstableInIdentifiers(int codePoint) => codePoint is 0x37A or 0xE33 or 0xEB3 or 0x2E2F or (>= 0xFC5E and <= 0xFC63)
        or 0xFDFA or 0xFDFB or 0xFE70 or 0xFE72 or 0xFE74 or 0xFE76 or 0xFE78 or 0xFE7A or 0xFE7C or 0xFE7E or 0xFF9E or 0xFF9F;
}
