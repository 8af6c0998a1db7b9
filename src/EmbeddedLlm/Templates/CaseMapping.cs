using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace EmbeddedLlm.Templates;

/// <summary>
/// Python's case conversions: the full mappings of Unicode's SpecialCasing.txt, where one character may become
/// several, on top of .NET's simple ones. Marks follow each character.
/// </summary>
internal static class CaseMapping
{
    /// <summary>The characters whose uppercase is more than one, or that .NET leaves alone.</summary>
    private static readonly FrozenDictionary<int, string> Upper = Parse(
        "ß=SS|ı=I|ſ=S|ŉ=\u02BCN|ǰ=J\u030C|\u0390=\u0399\u0308\u0301|\u03B0=\u03A5\u0308\u0301|\u0587=\u0535\u0552|ẖ=H\u0331|ẗ=T\u0308"
        + "|ẘ=W\u030A|ẙ=Y\u030A|ẚ=A\u02BE|\u1F50=\u03A5\u0313|\u1F52=\u03A5\u0313\u0300|\u1F54=\u03A5\u0313\u0301|\u1F56=\u03A5\u0313\u0342"
        + "|\u1FB2=\u1FBA\u0399|\u1FB3=\u0391\u0399|\u1FB4=\u0386\u0399|\u1FB6=\u0391\u0342|\u1FB7=\u0391\u0342\u0399|\u1FBC=\u0391\u0399"
        + "|\u1FC2=\u1FCA\u0399|\u1FC3=\u0397\u0399|\u1FC4=\u0389\u0399|\u1FC6=\u0397\u0342|\u1FC7=\u0397\u0342\u0399|\u1FCC=\u0397\u0399"
        + "|\u1FD2=\u0399\u0308\u0300|\u1FD3=\u0399\u0308\u0301|\u1FD6=\u0399\u0342|\u1FD7=\u0399\u0308\u0342|\u1FE2=\u03A5\u0308\u0300"
        + "|\u1FE3=\u03A5\u0308\u0301|\u1FE4=\u03A1\u0313|\u1FE6=\u03A5\u0342|\u1FE7=\u03A5\u0308\u0342|\u1FF2=\u1FFA\u0399|\u1FF3=\u03A9\u0399"
        + "|\u1FF4=\u038F\u0399|\u1FF6=\u03A9\u0342|\u1FF7=\u03A9\u0342\u0399|\u1FFC=\u03A9\u0399|\uFB00=FF|\uFB01=FI|\uFB02=FL|\uFB03=FFI"
        + "|\uFB04=FFL|\uFB05=ST|\uFB06=ST|\uFB13=\u0544\u0546|\uFB14=\u0544\u0535|\uFB15=\u0544\u053B|\uFB16=\u054E\u0546|\uFB17=\u0544\u053D");

    /// <summary>The characters whose titlecase is not their uppercase.</summary>
    private static readonly FrozenDictionary<int, string> Title = Parse(
        "ß=Ss|Ǆ=ǅ|ǅ=ǅ|ǆ=ǅ|Ǉ=ǈ|ǈ=ǈ|ǉ=ǈ|Ǌ=ǋ|ǋ=ǋ|ǌ=ǋ|Ǳ=ǲ|ǲ=ǲ|ǳ=ǲ|\u0587=\u0535\u0582|\u1FB2=\u1FBA\u0345|\u1FB3=\u1FBC|\u1FB4=\u0386\u0345"
        + "|\u1FB7=\u0391\u0342\u0345|\u1FBC=\u1FBC|\u1FC2=\u1FCA\u0345|\u1FC3=\u1FCC|\u1FC4=\u0389\u0345|\u1FC7=\u0397\u0342\u0345|\u1FCC=\u1FCC"
        + "|\u1FF2=\u1FFA\u0345|\u1FF3=\u1FFC|\u1FF4=\u038F\u0345|\u1FF7=\u03A9\u0342\u0345|\u1FFC=\u1FFC|\uFB00=Ff|\uFB01=Fi|\uFB02=Fl|\uFB03=Ffi"
        + "|\uFB04=Ffl|\uFB05=St|\uFB06=St|\uFB13=\u0544\u0576|\uFB14=\u0544\u0565|\uFB15=\u0544\u056B|\uFB16=\u054E\u0576|\uFB17=\u0544\u056D");

    private delegate string Mapping(ReadOnlySpan<char> text, int position, int codePoint);

    public static TemplateString ToUpper(TemplateString text) => text.HasOnlyUnits && Ascii.IsValid(text.AsSpan())
        ? text.WithText(text.Text.ToUpperInvariant())
        : Map(text, static (_, _, codePoint) => UpperOf(codePoint));

    public static TemplateString ToLower(TemplateString text) => text.HasOnlyUnits && Ascii.IsValid(text.AsSpan())
        ? text.WithText(text.Text.ToLowerInvariant())
        : Map(text, LowerOf);

    /// <summary>Python's <c>str.title</c>: the first cased character of each run of them goes to titlecase.</summary>
    public static TemplateString ToTitle(TemplateString text)
    {
        bool follows = false;
        return Map(text, (chars, position, codePoint) =>
        {
            string mapped = follows ? LowerOf(chars, position, codePoint) : TitleOf(codePoint);
            follows = IsCased(codePoint);
            return mapped;
        });
    }

    public static TemplateString Capitalize(TemplateString text) =>
        Map(text, static (chars, position, codePoint) => position == 0 ? TitleOf(codePoint) : LowerOf(chars, position, codePoint));

    public static TemplateString SwapCase(TemplateString text) => Map(text, static (chars, position, codePoint) =>
        IsUpper(codePoint) ? LowerOf(chars, position, codePoint) : IsLower(codePoint) ? UpperOf(codePoint) : CodePoints.ToText(codePoint));

    /// <summary>Python's <c>str.casefold</c>: the lowercase of the uppercase, except for Cherokee, which folds to uppercase.</summary>
    public static TemplateString CaseFold(TemplateString text) => Map(text, static (_, _, codePoint) => codePoint switch
    {
        0x1E9E => "ss",
        0x0130 => "i\u0307",
        0x0131 => "ı",
        >= 0x13A0 and <= 0x13FD or >= 0xAB70 and <= 0xABBF => UpperOf(codePoint),
        _ => Rune.IsValid(codePoint) ? string.Concat(UpperOf(codePoint).EnumerateRunes().Select(Rune.ToLowerInvariant)) : CodePoints.ToText(codePoint),
    });

    public static bool IsUpper(int codePoint) => Category(codePoint) == UnicodeCategory.UppercaseLetter
        || codePoint is (>= 0x2160 and <= 0x216F) or (>= 0x24B6 and <= 0x24CF) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169)
            or (>= 0x1F170 and <= 0x1F189);

    public static bool IsLower(int codePoint) => Category(codePoint) == UnicodeCategory.LowercaseLetter
        || codePoint is 0xAA or 0xBA or (>= 0x2B0 and <= 0x2B8) or 0x2C0 or 0x2C1 or (>= 0x2E0 and <= 0x2E4) or 0x345 or 0x37A
            or (>= 0x1D2C and <= 0x1D6A) or 0x1D78 or (>= 0x1D9B and <= 0x1DBF) or 0x2071 or 0x207F or (>= 0x2090 and <= 0x209C)
            or (>= 0x2170 and <= 0x217F) or (>= 0x24D0 and <= 0x24E9) or 0x2C7C or 0x2C7D or 0xA69C or 0xA69D or 0xA770
            or 0xA7F8 or 0xA7F9 or (>= 0xAB5C and <= 0xAB5F) or 0x10780 or (>= 0x10783 and <= 0x10785) or (>= 0x10787 and <= 0x107B0)
            or (>= 0x107B2 and <= 0x107BA);

    public static bool IsTitle(int codePoint) => Category(codePoint) == UnicodeCategory.TitlecaseLetter;

    public static bool IsCased(int codePoint) => IsUpper(codePoint) || IsLower(codePoint) || IsTitle(codePoint);

    /// <summary>The first character of a part in uppercase and the rest of it in lowercase, as Jinja's own <c>title</c> filter does it.</summary>
    public static void AppendWord(MarkedTextBuilder output, TemplateString word)
    {
        int first = CodePoints.LengthAt(word.AsSpan(), 0);
        output.Append(ToUpper(word.Substring(0, first)));
        output.Append(ToLower(word.Substring(first)));
    }

    private static TemplateString Map(TemplateString text, Mapping map)
    {
        ReadOnlySpan<char> chars = text.AsSpan();
        MarkedTextBuilder output = new(long.MaxValue, capacity: chars.Length + 8);
        foreach ((int start, int length, PromptPartKind kind) in text.RunsIn(0, chars.Length))
        {
            for (int i = start; i < start + length; i += CodePoints.LengthAt(chars, i))
                output.Append(map(chars, i, CodePoints.At(chars, i)), kind);
        }

        TemplateString result = output.ToTemplateString();
        return text.IsMarkup ? result.AsMarkup() : result;
    }

    private static string UpperOf(int codePoint)
    {
        if (Upper.TryGetValue(codePoint, out string? several))
            return several;
        return IsIotaSubscript(codePoint, out int plain) ? CodePoints.ToText(plain) + "\u0399" : Simple(codePoint, Rune.ToUpperInvariant);
    }

    private static string TitleOf(int codePoint)
    {
        if (Title.TryGetValue(codePoint, out string? special))
            return special;
        if (IsIotaSubscript(codePoint, out _))
            return CodePoints.ToText(codePoint | 8);
        // Georgian has uppercase letters, but does not capitalise.
        return codePoint is >= 0x10D0 and <= 0x10FF ? CodePoints.ToText(codePoint) : UpperOf(codePoint);
    }

    private static string LowerOf(ReadOnlySpan<char> text, int position, int codePoint) => codePoint switch
    {
        0x0130 => "i\u0307",
        0x03A3 when IsFinal(text, position) => "\u03C2",
        _ => Simple(codePoint, Rune.ToLowerInvariant),
    };

    private static string Simple(int codePoint, Func<Rune, Rune> map) =>
        Rune.TryCreate(codePoint, out Rune rune) ? map(rune).ToString() : CodePoints.ToText(codePoint);

    /// <summary>Greek letters with iota below, of which every block of sixteen has eight lowercase and eight titlecase ones.</summary>
    private static bool IsIotaSubscript(int codePoint, out int plain)
    {
        plain = (codePoint >> 4) switch
        {
            0x1F8 => 0x1F08 + (codePoint & 7),
            0x1F9 => 0x1F28 + (codePoint & 7),
            0x1FA => 0x1F68 + (codePoint & 7),
            _ => 0,
        };
        return plain != 0;
    }

    /// <summary>Whether a capital sigma ends a word, where its lowercase has another shape.</summary>
    private static bool IsFinal(ReadOnlySpan<char> text, int position)
    {
        int before = position;
        while (before > 0 && IsCaseIgnorable(CodePoints.At(text, before - CodePoints.LengthBefore(text, before))))
            before -= CodePoints.LengthBefore(text, before);
        if (before == 0 || !IsCased(CodePoints.At(text, before - CodePoints.LengthBefore(text, before))))
            return false;

        int after = position + 1;
        while (after < text.Length && IsCaseIgnorable(CodePoints.At(text, after)))
            after += CodePoints.LengthAt(text, after);
        return after == text.Length || !IsCased(CodePoints.At(text, after));
    }

    private static bool IsCaseIgnorable(int codePoint) =>
        codePoint is '\'' or '.' or ':' or 0xB7 or 0x387 or 0x55F or 0x5F4 or 0x2018 or 0x2019 or 0x2024 or 0x2027 or 0xFE13 or 0xFE52 or 0xFE55
            or 0xFF07 or 0xFF0E or 0xFF1A
        || Category(codePoint) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;

    private static UnicodeCategory Category(int codePoint) => CharUnicodeInfo.GetUnicodeCategory(codePoint);

    private static FrozenDictionary<int, string> Parse(string table) =>
        table.Split('|').ToFrozenDictionary(entry => (int)entry[0], entry => entry[2..]);
}
