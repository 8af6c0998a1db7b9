using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace EmbeddedLlm.Grammars;

/// <summary>The sets of code points that have names in regular expressions, and the folding of case. Thread-safe.</summary>
internal static class UnicodeSets
{
    /// <summary>The general categories' short and long names (Unicode Character Database, <c>PropertyValueAliases.txt</c>), groups last.</summary>
    private static readonly FrozenDictionary<string, UnicodeCategory[]> Categories = new Dictionary<string, UnicodeCategory[]>
    {
        ["Lu Uppercase_Letter"] = [UnicodeCategory.UppercaseLetter],
        ["Ll Lowercase_Letter"] = [UnicodeCategory.LowercaseLetter],
        ["Lt Titlecase_Letter"] = [UnicodeCategory.TitlecaseLetter],
        ["Lm Modifier_Letter"] = [UnicodeCategory.ModifierLetter],
        ["Lo Other_Letter"] = [UnicodeCategory.OtherLetter],
        ["Mn Nonspacing_Mark"] = [UnicodeCategory.NonSpacingMark],
        ["Mc Spacing_Mark"] = [UnicodeCategory.SpacingCombiningMark],
        ["Me Enclosing_Mark"] = [UnicodeCategory.EnclosingMark],
        ["Nd Decimal_Number digit"] = [UnicodeCategory.DecimalDigitNumber],
        ["Nl Letter_Number"] = [UnicodeCategory.LetterNumber],
        ["No Other_Number"] = [UnicodeCategory.OtherNumber],
        ["Zs Space_Separator"] = [UnicodeCategory.SpaceSeparator],
        ["Zl Line_Separator"] = [UnicodeCategory.LineSeparator],
        ["Zp Paragraph_Separator"] = [UnicodeCategory.ParagraphSeparator],
        ["Cc Control cntrl"] = [UnicodeCategory.Control],
        ["Cf Format"] = [UnicodeCategory.Format],
        ["Co Private_Use"] = [UnicodeCategory.PrivateUse],
        ["Cn Unassigned"] = [UnicodeCategory.OtherNotAssigned],
        ["Cs Surrogate"] = [],
        ["Pc Connector_Punctuation"] = [UnicodeCategory.ConnectorPunctuation],
        ["Pd Dash_Punctuation"] = [UnicodeCategory.DashPunctuation],
        ["Ps Open_Punctuation"] = [UnicodeCategory.OpenPunctuation],
        ["Pe Close_Punctuation"] = [UnicodeCategory.ClosePunctuation],
        ["Pi Initial_Punctuation"] = [UnicodeCategory.InitialQuotePunctuation],
        ["Pf Final_Punctuation"] = [UnicodeCategory.FinalQuotePunctuation],
        ["Po Other_Punctuation"] = [UnicodeCategory.OtherPunctuation],
        ["Sm Math_Symbol"] = [UnicodeCategory.MathSymbol],
        ["Sc Currency_Symbol"] = [UnicodeCategory.CurrencySymbol],
        ["Sk Modifier_Symbol"] = [UnicodeCategory.ModifierSymbol],
        ["So Other_Symbol"] = [UnicodeCategory.OtherSymbol],
        ["LC Cased_Letter"] = [UnicodeCategory.UppercaseLetter, UnicodeCategory.LowercaseLetter, UnicodeCategory.TitlecaseLetter],
        ["L Letter"] = [.. Enumerable.Range((int)UnicodeCategory.UppercaseLetter, 5).Select(static i => (UnicodeCategory)i)],
        ["M Mark Combining_Mark"] = [.. Enumerable.Range((int)UnicodeCategory.NonSpacingMark, 3).Select(static i => (UnicodeCategory)i)],
        ["N Number"] = [.. Enumerable.Range((int)UnicodeCategory.DecimalDigitNumber, 3).Select(static i => (UnicodeCategory)i)],
        ["Z Separator"] = [.. Enumerable.Range((int)UnicodeCategory.SpaceSeparator, 3).Select(static i => (UnicodeCategory)i)],
        ["C Other"] = [UnicodeCategory.Control, UnicodeCategory.Format, UnicodeCategory.PrivateUse, UnicodeCategory.OtherNotAssigned],
        ["P Punctuation punct"] = [.. Enumerable.Range((int)UnicodeCategory.ConnectorPunctuation, 7).Select(static i => (UnicodeCategory)i)],
        ["S Symbol"] = [.. Enumerable.Range((int)UnicodeCategory.MathSymbol, 4).Select(static i => (UnicodeCategory)i)],
    }.SelectMany(static entry => entry.Key.Split(' ').Select(name => KeyValuePair.Create(name, entry.Value))).ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly ConcurrentDictionary<string, CodePointSet> Known = new(StringComparer.Ordinal);

    /// <summary>For every category its code points; two milliseconds' work, done when a pattern first names one.</summary>
    private static readonly Lazy<CodePointSet[]> ByCategory = new(static () =>
    {
        List<CodePointSet.Range>[] ranges = [.. Enumerable.Range(0, 30).Select(static _ => new List<CodePointSet.Range>())];
        int first = 0;
        UnicodeCategory category = CharUnicodeInfo.GetUnicodeCategory(0);
        for (int codePoint = 1; codePoint <= CodePointSet.MaxCodePoint + 1; codePoint++)
        {
            if (codePoint <= CodePointSet.MaxCodePoint && CharUnicodeInfo.GetUnicodeCategory(codePoint) == category)
                continue;
            ranges[(int)category].Add(new CodePointSet.Range(first, codePoint - 1));
            first = codePoint;
            if (codePoint <= CodePointSet.MaxCodePoint)
                category = CharUnicodeInfo.GetUnicodeCategory(codePoint);
        }

        return [.. ranges.Select(static each => CodePointSet.Of([.. each]))];
    });

    /// <summary>The code points that differ from another one in case only, with all of those.</summary>
    private static readonly Lazy<(CodePointSet Cased, Dictionary<int, int[]> Variants)> Cases = new(static () =>
    {
        Dictionary<int, List<int>> groups = [];
        List<CodePointSet.Range> cased = [];
        for (int codePoint = 0; codePoint < 0x20000; codePoint++)
        {
            if (!Rune.TryCreate(codePoint, out Rune rune))
                continue;
            int upper = Rune.ToUpperInvariant(rune).Value;
            int lower = Rune.ToLowerInvariant(rune).Value;
            if (upper == codePoint && lower == codePoint)
                continue;
            int folded = Rune.ToUpperInvariant(Rune.ToLowerInvariant(rune)).Value;
            if (!groups.TryGetValue(folded, out List<int>? group))
                groups[folded] = group = [folded];
            if (codePoint != folded)
                group.Add(codePoint);
            if (lower != folded && !group.Contains(lower))
                group.Add(lower);
        }

        Dictionary<int, int[]> variants = [];
        foreach (List<int> group in groups.Values)
        {
            int[] all = [.. group.Distinct()];
            foreach (int codePoint in all)
            {
                variants[codePoint] = all;
                cased.Add(new CodePointSet.Range(codePoint, codePoint));
            }
        }

        return (CodePointSet.Of([.. cased]), variants);
    });

    /// <summary>ECMA-262's <c>\d</c>.</summary>
    public static CodePointSet Digits { get; } = CodePointSet.Of('0', '9');

    /// <summary>ECMA-262's <c>\w</c>.</summary>
    public static CodePointSet Word { get; } = CodePointSet.Of([new('0', '9'), new('A', 'Z'), new('_', '_'), new('a', 'z')]);

    /// <summary>ECMA-262's <c>\s</c>: white space and line terminators.</summary>
    public static CodePointSet Space { get; } = CodePointSet.Of(
        [new('\t', '\r'), new(' ', ' '), new(0xA0, 0xA0), new(0x1680, 0x1680), new(0x2000, 0x200A), new(0x2028, 0x2029), new(0x202F, 0x202F), new(0x205F, 0x205F),
            new(0x3000, 0x3000), new(0xFEFF, 0xFEFF)]);

    /// <summary>What ECMA-262's <c>.</c> does not match.</summary>
    public static CodePointSet LineTerminators { get; } = CodePointSet.Of([new('\n', '\n'), new('\r', '\r'), new(0x2028, 0x2029)]);

    /// <summary>The set that stands in the braces of <c>\p{…}</c>; null where it is not known here.</summary>
    public static CodePointSet? Property(string text)
    {
        if (Known.TryGetValue(text, out CodePointSet? known))
            return known;
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string value = text[(equals + 1)..];
        CodePointSet? set = equals < 0
            ? Category(value) ?? Binary(value) ?? UnicodeScripts.Find(value)
            : text[..equals] switch
            {
                "gc" or "General_Category" => Category(value),
                "sc" or "Script" => UnicodeScripts.Find(value),
                _ => null,
            };
        if (set is not null)
            Known[text] = set;
        return set;
    }

    /// <summary>The set together with what differs from its members in case only.</summary>
    public static CodePointSet WithCases(CodePointSet set)
    {
        List<CodePointSet.Range> ranges = [.. set.Ranges];
        foreach (CodePointSet.Range range in set.Intersect(Cases.Value.Cased).Ranges)
        {
            for (int codePoint = range.First; codePoint <= range.Last; codePoint++)
            {
                foreach (int variant in Cases.Value.Variants[codePoint])
                    ranges.Add(new CodePointSet.Range(variant, variant));
            }
        }

        return CodePointSet.Of([.. ranges]);
    }

    private static CodePointSet? Category(string name)
    {
        if (!Categories.TryGetValue(name, out UnicodeCategory[]? categories))
            return null;
        return CodePointSet.Of([.. categories.SelectMany(static category => ByCategory.Value[(int)category].Ranges)]);
    }

    private static CodePointSet? Binary(string name) => name switch
    {
        "Any" => CodePointSet.All,
        "ASCII" => CodePointSet.Of(0, 0x7F),
        "Assigned" => Category("Cn")!.Complement(),
        "ASCII_Hex_Digit" or "AHex" => CodePointSet.Of([new('0', '9'), new('A', 'F'), new('a', 'f')]),
        "White_Space" or "space" => CodePointSet.Of(
            [new('\t', '\r'), new(' ', ' '), new(0x85, 0x85), new(0xA0, 0xA0), new(0x1680, 0x1680), new(0x2000, 0x200A), new(0x2028, 0x2029), new(0x202F, 0x202F),
                new(0x205F, 0x205F), new(0x3000, 0x3000)]),
        _ => null,
    };
}
