namespace EmbeddedLlm.Templates;

internal static partial class StringMethods
{
    private static string[] SearchParameters => ["sub", "start", "end"];

    private static IEnumerable<Builtin> SearchMethods =>
    [
        new("startswith", SearchParameters, 1, static (_, self, arguments) => HasAffix((TemplateString)self, arguments, atStart: true)),
        new("endswith", SearchParameters, 1, static (_, self, arguments) => HasAffix((TemplateString)self, arguments, atStart: false)),
        new("find", SearchParameters, 1, static (rendering, self, arguments) => TemplateValue.From(Find(rendering, (TemplateString)self, arguments, "find", fromEnd: false))),
        new("rfind", SearchParameters, 1, static (rendering, self, arguments) => TemplateValue.From(Find(rendering, (TemplateString)self, arguments, "rfind", fromEnd: true))),
        new("index", SearchParameters, 1, static (rendering, self, arguments) => Found(Find(rendering, (TemplateString)self, arguments, "index", fromEnd: false))),
        new("rindex", SearchParameters, 1, static (rendering, self, arguments) => Found(Find(rendering, (TemplateString)self, arguments, "rindex", fromEnd: true))),
        new("count", SearchParameters, 1, Count),
    ];

    /// <summary>Replaces the first <paramref name="most"/> occurrences, or all if that is negative; an empty text occurs between all characters.</summary>
    public static TemplateString Replace(Rendering rendering, TemplateString text, TemplateString old, TemplateString replacement, long most)
    {
        if (most == 0 || (old.Length > 0 && TextSearch.IndexOf(rendering, text.AsSpan(), old.AsSpan()) < 0))
            return text;

        ReadOnlySpan<char> chars = text.AsSpan();
        MarkedTextBuilder output = new(rendering.Limits.ValueSize, capacity: text.Length + 16);
        int start = 0;
        for (long count = 0; most < 0 || count < most; count++)
        {
            int length;
            if (old.Length > 0)
                length = TextSearch.IndexOf(rendering, chars[start..], old.AsSpan());
            else
                length = count == 0 ? 0 : start < chars.Length ? CodePoints.LengthAt(chars, start) : -1;
            if (length < 0)
                break;

            output.Append(text, start, length);
            output.Append(replacement);
            rendering.Charge(1 + replacement.Length / 16);
            start += length + old.Length;
        }

        output.Append(text, start, text.Length - start);
        return Like(text, output);
    }

    private static TemplateBoolean HasAffix(TemplateString text, ReadOnlySpan<TemplateValue?> arguments, bool atStart)
    {
        ReadOnlySpan<char> range = Range(text, arguments, out _, out bool isInside);
        if (arguments[0] is not TemplateTuple affixes)
            return Truth(isInside && Has(range, Arg.Text(arguments[0]!, atStart ? "startswith" : "endswith"), atStart));

        foreach (TemplateValue affix in affixes.Items)
        {
            if (isInside && Has(range, Arg.Text(affix, atStart ? "startswith" : "endswith"), atStart))
                return Truth(true);
        }

        return Truth(false);
    }

    private static bool Has(ReadOnlySpan<char> text, TemplateString affix, bool atStart) =>
        atStart ? text.StartsWith(affix.AsSpan()) : text.EndsWith(affix.AsSpan());

    private static TemplateBoolean Truth(bool value) => value ? TemplateBoolean.TrueInstance : TemplateBoolean.FalseInstance;

    private static int Find(Rendering rendering, TemplateString text, ReadOnlySpan<TemplateValue?> arguments, string function, bool fromEnd)
    {
        TemplateString sought = Arg.Text(arguments[0]!, function);
        ReadOnlySpan<char> range = Range(text, arguments, out int offset, out bool isInside);
        if (!isInside)
            return -1;

        // An empty text is found at the very end of the range, where .NET finds it at the last character.
        int at = sought.Length == 0 ? fromEnd ? range.Length : 0 : TextSearch.Find(rendering, range, sought.AsSpan(), fromEnd);
        return at < 0 ? -1 : text.CodePointAt(offset + at);
    }

    private static TemplateValue Found(int index) => index >= 0 ? TemplateValue.From(index) : throw new TemplateFault("substring not found");

    private static TemplateValue Count(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateString sought = Arg.Text(arguments[0]!, "count");
        ReadOnlySpan<char> range = Range((TemplateString)self, arguments, out _, out bool isInside);
        if (!isInside)
            return TemplateValue.From(0);
        return TemplateValue.From(sought.Length == 0 ? CodePoints.Count(range) + 1 : TextSearch.Count(rendering, range, sought.AsSpan()));
    }

    /// <summary>The part of the text between the optional positions of arguments two and three.</summary>
    private static ReadOnlySpan<char> Range(TemplateString text, ReadOnlySpan<TemplateValue?> arguments, out int offset, out bool isInside)
    {
        offset = 0;
        isInside = true;
        if (arguments[1] is null && arguments[2] is null)
            return text.AsSpan();

        int count = text.CodePointCount;
        int start = Slices.ToSlicePosition(arguments[1], count, 0), end = Slices.ToSlicePosition(arguments[2], count, count);
        // Behind the end there is not even an empty text.
        isInside = start <= end && !(Arg.IsGiven(arguments[1]) && Arg.Index(arguments[1], 0, "find") > count);
        offset = text.PositionOf(start);
        return isInside ? text.AsSpan()[offset..text.PositionOf(end)] : [];
    }
}
