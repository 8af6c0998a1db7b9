namespace EmbeddedLlm.Templates;

internal static partial class StringMethods
{
    private static IEnumerable<Builtin> SplitMethods =>
    [
        new("split", ["sep", "maxsplit"], 0, static (rendering, self, arguments) => Split(rendering, (TemplateString)self, arguments, fromEnd: false)),
        new("rsplit", ["sep", "maxsplit"], 0, static (rendering, self, arguments) => Split(rendering, (TemplateString)self, arguments, fromEnd: true)),
        new("splitlines", ["keepends"], 0, static (rendering, self, arguments) =>
            rendering.Made(new TemplateList(SplitLines((TemplateString)self, Arg.IsTrue(arguments[0])).ToArray<TemplateValue>()))),
        new("partition", ["sep"], 1, static (rendering, self, arguments) => Partition(rendering, (TemplateString)self, arguments[0]!, fromEnd: false)),
        new("rpartition", ["sep"], 1, static (rendering, self, arguments) => Partition(rendering, (TemplateString)self, arguments[0]!, fromEnd: true)),
    ];

    public static List<TemplateString> SplitLines(TemplateString text, bool keepsEnds)
    {
        ReadOnlySpan<char> chars = text.AsSpan();
        List<TemplateString> lines = [];
        int start = 0;
        for (int i = 0; i < chars.Length;)
        {
            int end = i;
            if (!CodePoints.IsLineBreak(chars[i++]))
                continue;
            if (chars[end] == '\r' && i < chars.Length && chars[i] == '\n')
                i++;
            lines.Add(text.Substring(start, (keepsEnds ? i : end) - start));
            start = i;
        }

        if (start < chars.Length)
            lines.Add(text.Substring(start));
        return lines;
    }

    public static List<TemplateValue> SplitAtSpaces(TemplateString text, long most)
    {
        ReadOnlySpan<char> chars = text.AsSpan();
        List<TemplateValue> parts = [];
        int i = SkipSpaces(chars, 0);
        while (i < chars.Length)
        {
            if (most >= 0 && parts.Count == most)
            {
                parts.Add(text.Substring(i));
                break;
            }

            int start = i;
            while (i < chars.Length && !CodePoints.IsSpace(chars[i]))
                i++;
            parts.Add(text.Substring(start, i - start));
            i = SkipSpaces(chars, i);
        }

        return parts;
    }

    private static TemplateList Split(Rendering rendering, TemplateString text, ReadOnlySpan<TemplateValue?> arguments, bool fromEnd)
    {
        long most = Arg.Index(arguments[1], -1, "split");
        List<TemplateValue> parts;
        if (Arg.OptionalText(arguments[0], "split") is not { } separator)
            parts = fromEnd ? SplitAtSpacesFromEnd(text, most) : SplitAtSpaces(text, most);
        else if (separator.Length == 0)
            throw new TemplateFault("empty separator");
        else
            parts = fromEnd ? SplitFromEnd(rendering, text, separator.AsSpan(), most) : SplitFromStart(rendering, text, separator.AsSpan(), most);
        return rendering.Made(new TemplateList([.. parts]));
    }

    private static List<TemplateValue> SplitFromStart(Rendering rendering, TemplateString text, ReadOnlySpan<char> separator, long most)
    {
        ReadOnlySpan<char> chars = text.AsSpan();
        List<TemplateValue> parts = [];
        int start = 0;
        while (most < 0 || parts.Count < most)
        {
            int length = TextSearch.IndexOf(rendering, chars[start..], separator);
            if (length < 0)
                break;
            parts.Add(text.Substring(start, length));
            start += length + separator.Length;
        }

        parts.Add(text.Substring(start));
        return parts;
    }

    private static List<TemplateValue> SplitFromEnd(Rendering rendering, TemplateString text, ReadOnlySpan<char> separator, long most)
    {
        ReadOnlySpan<char> chars = text.AsSpan();
        List<TemplateValue> parts = [];
        int end = chars.Length;
        while (most < 0 || parts.Count < most)
        {
            int at = TextSearch.LastIndexOf(rendering, chars[..end], separator);
            if (at < 0)
                break;
            parts.Add(text.Substring(at + separator.Length, end - at - separator.Length));
            end = at;
        }

        parts.Add(text.Substring(0, end));
        parts.Reverse();
        return parts;
    }

    private static List<TemplateValue> SplitAtSpacesFromEnd(TemplateString text, long most)
    {
        ReadOnlySpan<char> chars = text.AsSpan();
        List<TemplateValue> parts = [];
        int end = SkipSpacesBefore(chars, chars.Length);
        while (end > 0)
        {
            if (most >= 0 && parts.Count == most)
            {
                parts.Add(text.Substring(0, end));
                break;
            }

            int start = end;
            while (start > 0 && !CodePoints.IsSpace(chars[start - 1]))
                start--;
            parts.Add(text.Substring(start, end - start));
            end = SkipSpacesBefore(chars, start);
        }

        parts.Reverse();
        return parts;
    }

    private static TemplateTuple Partition(Rendering rendering, TemplateString text, TemplateValue value, bool fromEnd)
    {
        TemplateString separator = Arg.Text(value, "partition");
        if (separator.Length == 0)
            throw new TemplateFault("empty separator");

        int at = TextSearch.Find(rendering, text.AsSpan(), separator.AsSpan(), fromEnd);
        TemplateString empty = text.Substring(0, 0);
        if (at < 0)
            return fromEnd ? new TemplateTuple(empty, empty, text) : new TemplateTuple(text, empty, empty);
        return new TemplateTuple(text.Substring(0, at), text.Substring(at, separator.Length), text.Substring(at + separator.Length));
    }

    private static int SkipSpaces(ReadOnlySpan<char> chars, int i)
    {
        while (i < chars.Length && CodePoints.IsSpace(chars[i]))
            i++;
        return i;
    }

    private static int SkipSpacesBefore(ReadOnlySpan<char> chars, int end)
    {
        while (end > 0 && CodePoints.IsSpace(chars[end - 1]))
            end--;
        return end;
    }
}
