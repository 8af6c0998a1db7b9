using System.Collections.Frozen;

namespace EmbeddedLlm.Templates;

/// <summary>The methods of Python's <c>str</c>; those that take text apart or search it are in the other files of this class.</summary>
internal static partial class StringMethods
{
    public static FrozenDictionary<string, Builtin> Table { get; } = Builtin.CreateTable(
    [
        Simple("upper", CaseMapping.ToUpper),
        Simple("lower", CaseMapping.ToLower),
        Simple("title", CaseMapping.ToTitle),
        Simple("capitalize", CaseMapping.Capitalize),
        Simple("swapcase", CaseMapping.SwapCase),
        Simple("casefold", CaseMapping.CaseFold),
        Classify("isalpha", CodePoints.IsLetter),
        Classify("isalnum", CodePoints.IsAlphanumeric),
        Classify("isdecimal", CodePoints.IsDecimal),
        Classify("isdigit", CodePoints.IsDigit),
        Classify("isnumeric", CodePoints.IsNumeric),
        Classify("isspace", CodePoints.IsSpace),
        Ask("isascii", static text => !text.AsSpan().ContainsAnyExceptInRange('\0', '\x7F')),
        Ask("isprintable", static text => text.Length == 0 || All(text, CodePoints.IsPrintable)),
        Ask("islower", IsLower),
        Ask("isupper", IsUpper),
        Ask("istitle", IsTitle),
        Ask("isidentifier", IsIdentifier),
        new("strip", ["chars"], 0, static (_, self, arguments) => Strip((TemplateString)self, arguments[0], "strip", atStart: true, atEnd: true)),
        new("lstrip", ["chars"], 0, static (_, self, arguments) => Strip((TemplateString)self, arguments[0], "lstrip", atStart: true, atEnd: false)),
        new("rstrip", ["chars"], 0, static (_, self, arguments) => Strip((TemplateString)self, arguments[0], "rstrip", atStart: false, atEnd: true)),
        new("removeprefix", ["prefix"], 1, static (_, self, arguments) => RemovePrefix((TemplateString)self, Arg.Text(arguments[0]!, "removeprefix"))),
        new("removesuffix", ["suffix"], 1, static (_, self, arguments) => RemoveSuffix((TemplateString)self, Arg.Text(arguments[0]!, "removesuffix"))),
        new("ljust", ["width", "fillchar"], 1, static (rendering, self, arguments) => Pad(rendering, self, arguments, "ljust", static padding => 0)),
        new("rjust", ["width", "fillchar"], 1, static (rendering, self, arguments) => Pad(rendering, self, arguments, "rjust", static padding => padding)),
        new("center", ["width", "fillchar"], 1, Center),
        new("zfill", ["width"], 1, ZeroFill),
        new("expandtabs", ["tabsize"], 0, ExpandTabs),
        new("format", static (rendering, self, arguments) => BraceFormat.Format(rendering, (TemplateString)self, arguments)),
        new("format_map", ["mapping"], 1, static (rendering, self, arguments) => BraceFormat.FormatMap(rendering, (TemplateString)self, arguments[0]!)),
        new("join", ["iterable"], 1, static (rendering, self, arguments) => Join(rendering, (TemplateString)self, arguments[0]!)),
        new("replace", ["old", "new", "count"], 2, Replace),
        .. SplitMethods,
        .. SearchMethods,
    ]);

    /// <summary>The text without whitespace, or without the given characters, at its ends.</summary>
    public static TemplateString Strip(TemplateString text, TemplateValue? characters, string function, bool atStart = true, bool atEnd = true)
    {
        HashSet<int>? set = Arg.OptionalText(characters, function) is { } given ? CodePoints.SetOf(given.AsSpan()) : null;
        ReadOnlySpan<char> chars = text.AsSpan();
        int start = 0, end = chars.Length;
        while (atStart && start < end && IsStripped(set, CodePoints.At(chars, start)))
            start += CodePoints.LengthAt(chars, start);
        while (atEnd && end > start && IsStripped(set, CodePoints.At(chars, end - CodePoints.LengthBefore(chars, end))))
            end -= CodePoints.LengthBefore(chars, end);
        return text.Substring(start, end - start);
    }

    public static TemplateString Center(Rendering rendering, TemplateString text, long width) =>
        PadAround(rendering, text, width, TemplateString.FromTemplate(" "), CenterLeft(text.CodePointCount, width));

    /// <summary>Joins strings; anything else among the items is an error.</summary>
    private static TemplateString Join(Rendering rendering, TemplateString separator, TemplateValue iterable)
    {
        MarkedTextBuilder output = new(rendering.Limits.ValueSize);
        int index = 0;
        using IEnumerator<TemplateValue> items = rendering.Enumerate(iterable);
        while (items.MoveNext())
        {
            TemplateString item;
            if (separator.IsMarkup)
                item = Markup.Escape(rendering, items.Current.ToText(rendering));
            else if (items.Current is TemplateString text)
                item = text;
            else
                throw new TemplateFault($"sequence item {index}: expected str instance, {items.Current.TypeName} found");

            if (index++ > 0)
                output.Append(separator);
            output.Append(item);
            rendering.Charge(1 + (item.Length + separator.Length) / 16);
        }

        return Like(separator, output);
    }

    private static TemplateString RemovePrefix(TemplateString text, TemplateString prefix) =>
        text.AsSpan().StartsWith(prefix.AsSpan()) ? text.Substring(prefix.Length) : text;

    private static TemplateString RemoveSuffix(TemplateString text, TemplateString suffix) =>
        text.AsSpan().EndsWith(suffix.AsSpan()) ? text.Substring(0, text.Length - suffix.Length) : text;

    private static TemplateString Pad(
        Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments, string function, Func<long, long> leftOf)
    {
        TemplateString text = (TemplateString)self;
        long width = Arg.Index(arguments[0], 0, function);
        return PadAround(rendering, text, width, FillCharacter(arguments[1], function), leftOf(width - text.CodePointCount));
    }

    private static TemplateString Center(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateString text = (TemplateString)self;
        long width = Arg.Index(arguments[0], 0, "center");
        return PadAround(rendering, text, width, FillCharacter(arguments[1], "center"), CenterLeft(text.CodePointCount, width));
    }

    // CPython's rounding: of an odd number of fill characters, the extra one goes left if the width is odd.
    private static long CenterLeft(int length, long width) => (width - length) / 2 + ((width - length) & width & 1);

    private static TemplateString PadAround(Rendering rendering, TemplateString text, long width, TemplateString fill, long left)
    {
        long padding = width - text.CodePointCount;
        if (padding <= 0)
            return text;

        rendering.EnsureSize(text.Length + padding);
        rendering.Charge(padding / 16);
        MarkedTextBuilder output = new(rendering.Limits.ValueSize);
        for (long i = 0; i < left; i++)
            output.Append(fill);
        output.Append(text);
        for (long i = left; i < padding; i++)
            output.Append(fill);
        return Like(text, output);
    }

    private static TemplateString FillCharacter(TemplateValue? value, string function)
    {
        TemplateString fill = value is null ? TemplateString.FromTemplate(" ") : Arg.Text(value, function);
        return fill.CodePointCount == 1 ? fill : throw new TemplateFault("The fill character must be exactly one character long");
    }

    private static TemplateString ZeroFill(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateString text = (TemplateString)self;
        long padding = Arg.Index(arguments[0], 0, "zfill") - text.CodePointCount;
        if (padding <= 0)
            return text;

        rendering.EnsureSize(text.Length + padding);
        int sign = text.AsSpan() is ['+' or '-', ..] ? 1 : 0;
        MarkedTextBuilder output = new(rendering.Limits.ValueSize);
        output.Append(text, 0, sign);
        output.Append('0', padding, PromptPartKind.Template);
        output.Append(text, sign, text.Length - sign);
        return Like(text, output);
    }

    private static TemplateString ExpandTabs(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateString text = (TemplateString)self;
        long size = Arg.Index(arguments[0], 8, "expandtabs");
        ReadOnlySpan<char> chars = text.AsSpan();
        MarkedTextBuilder output = new(rendering.Limits.ValueSize);
        long column = 0;
        for (int i = 0; i < chars.Length; i += CodePoints.LengthAt(chars, i))
        {
            if (chars[i] == '\t')
            {
                long spaces = size > 0 ? size - column % size : 0;
                output.Append(' ', spaces, text.KindAt(i));
                column += spaces;
                continue;
            }

            output.Append(text, i, CodePoints.LengthAt(chars, i));
            column = chars[i] is '\n' or '\r' ? 0 : column + 1;
        }

        return Like(text, output);
    }

    private static TemplateString Replace(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateString text = (TemplateString)self;
        TemplateString replacement = Arg.Text(arguments[1]!, "replace");
        return Replace(
            rendering, text, Arg.Text(arguments[0]!, "replace"), text.IsMarkup ? Markup.Escape(rendering, replacement) : replacement,
            Arg.Index(arguments[2], -1, "replace"));
    }

    /// <summary>The result as markup if the text that it was made from is.</summary>
    private static TemplateString Like(TemplateString text, MarkedTextBuilder output) =>
        text.IsMarkup ? output.ToTemplateString().AsMarkup() : output.ToTemplateString();

    private static bool IsStripped(HashSet<int>? set, int codePoint) => set is null ? CodePoints.IsSpace(codePoint) : set.Contains(codePoint);

    private static bool IsLower(TemplateString text) => IsAllOfCase(text, CaseMapping.IsLower);

    private static bool IsUpper(TemplateString text) => IsAllOfCase(text, CaseMapping.IsUpper);

    private static bool IsAllOfCase(TemplateString text, Func<int, bool> isOfCase)
    {
        bool any = false;
        bool all = All(text, codePoint =>
        {
            any |= isOfCase(codePoint);
            return isOfCase(codePoint) || !CaseMapping.IsCased(codePoint);
        });
        return any && all;
    }

    private static bool IsTitle(TemplateString text)
    {
        bool follows = false, any = false;
        bool all = All(text, codePoint =>
        {
            bool isFirst = CaseMapping.IsUpper(codePoint) || CaseMapping.IsTitle(codePoint), isLater = CaseMapping.IsLower(codePoint);
            bool fits = follows ? !isFirst : !isLater;
            follows = isFirst || isLater;
            any |= follows;
            return fits;
        });
        return any && all;
    }

    private static bool IsIdentifier(TemplateString text) => text.Length > 0
        && CodePoints.IsIdentifierStart(CodePoints.At(text.AsSpan(), 0)) && All(text, CodePoints.IsIdentifierPart);

    private static bool All(TemplateString text, Func<int, bool> fits)
    {
        ReadOnlySpan<char> chars = text.AsSpan();
        for (int i = 0; i < chars.Length; i += CodePoints.LengthAt(chars, i))
        {
            if (!fits(CodePoints.At(chars, i)))
                return false;
        }

        return true;
    }

    private static Builtin Simple(string name, Func<TemplateString, TemplateString> convert) =>
        new(name, [], 0, (_, self, _) => convert((TemplateString)self));

    private static Builtin Ask(string name, Func<TemplateString, bool> holds) =>
        new(name, [], 0, (_, self, _) => TemplateValue.From(holds((TemplateString)self)));

    private static Builtin Classify(string name, Func<int, bool> fits) => Ask(name, text => text.Length > 0 && All(text, fits));
}
