namespace EmbeddedLlm.Templates;

internal static partial class Filters
{
    /// <summary>How far over its length a text may be before it is truncated, from Jinja's policies.</summary>
    private const int TruncateLeeway = 5;

    private static IEnumerable<Builtin> TextFilters =>
    [
        Convert("upper", CaseMapping.ToUpper),
        Convert("lower", CaseMapping.ToLower),
        Convert("capitalize", CaseMapping.Capitalize),
        new("title", [], 0, Title),
        new("trim", ["chars"], 0, static (rendering, self, arguments) => StringMethods.Strip(self.ToText(rendering), arguments[0], "trim")),
        new("replace", ["old", "new", "count"], 2, Replace),
        new("center", ["width"], 0, static (rendering, self, arguments) =>
            StringMethods.Center(rendering, self.ToText(rendering), Arg.Index(arguments[0], 80, "center"))),
        new("indent", ["width", "first", "blank"], 0, Indent),
        new("truncate", ["length", "killwords", "end", "leeway"], 0, Truncate),
        new("wordcount", [], 0, CountWords),
        new("wordwrap", ["width", "break_long_words", "wrapstring", "break_on_hyphens"], 0, Wrap),
        new("format", FormatText),
    ];

    private static Builtin Convert(string name, Func<TemplateString, TemplateString> convert) =>
        new(name, [], 0, (rendering, self, _) => convert(self.ToText(rendering)));

    private static TemplateString Title(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateString text = self.ToText(rendering);
        ReadOnlySpan<char> chars = text.AsSpan();
        MarkedTextBuilder output = new(rendering.Limits.ValueSize, capacity: text.Length);
        for (int start = 0; start < chars.Length;)
        {
            bool separates = SeparatesWords(chars[start]);
            int end = start;
            while (end < chars.Length && SeparatesWords(chars[end]) == separates)
                end++;
            if (separates)
                output.Append(text, start, end - start);
            else
                CaseMapping.AppendWord(output, text.Substring(start, end - start));
            start = end;
        }

        return output.ToTemplateString();
    }

    private static bool SeparatesWords(char character) => character is '-' or '(' or '{' or '[' or '<' || CodePoints.IsSpace(character);

    private static TemplateString Replace(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments) => StringMethods.Replace(
        rendering, self.ToText(rendering).AsPlain(), arguments[0]!.ToText(rendering), arguments[1]!.ToText(rendering),
        Arg.IsGiven(arguments[2]) ? Arg.Index(arguments[2], -1, "replace") : -1);

    private static TemplateString Indent(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateString text = Arg.Text(self, "indent");
        TemplateString indent = arguments[0] switch
        {
            null => TemplateString.FromTemplate("    "),
            TemplateString given => given,
            TemplateValue width => (TemplateString)Operators.Multiply(rendering, TemplateString.FromTemplate(" "), width),
        };
        bool indentsFirst = Arg.IsTrue(arguments[1]), indentsBlank = Arg.IsTrue(arguments[2]);
        TemplateString newline = TemplateString.FromTemplate("\n");
        if (text.IsMarkup)
            indent = Markup.Escape(rendering, indent);

        MarkedTextBuilder output = new(rendering.Limits.ValueSize, capacity: text.Length + 64);
        bool isFirst = true;
        // Jinja adds a newline before it splits, so that an empty text is one line and one that ends in a newline is one more.
        foreach (TemplateString line in StringMethods.SplitLines(TemplateString.Concat(rendering, text.AsPlain(), newline), keepsEnds: false))
        {
            if (!isFirst)
                output.Append(newline);
            if (isFirst ? indentsFirst : indentsBlank || line.Length > 0)
                output.Append(indent);
            output.Append(line);
            rendering.Charge(1);
            isFirst = false;
        }

        return text.IsMarkup ? output.ToTemplateString().AsMarkup() : output.ToTemplateString();
    }

    private static TemplateValue Truncate(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        long length = Arg.Index(arguments[0], 255, "truncate");
        TemplateString end = arguments[2] is null ? TemplateString.FromTemplate("...") : Arg.Text(arguments[2]!, "truncate");
        long leeway = Arg.IsGiven(arguments[3]) ? Arg.Index(arguments[3], 0, "truncate") : TruncateLeeway;
        if (length < end.CodePointCount)
            throw new TemplateFault($"expected length >= {end.CodePointCount}, got {length}");
        if (leeway < 0)
            throw new TemplateFault($"expected leeway >= 0, got {leeway}");
        if (self.Count is { } count && count <= length + leeway)
            return self;

        TemplateString text = Arg.Text(self, "truncate");
        TemplateString kept = text.Substring(0, text.PositionOf((int)length - end.CodePointCount));
        int space = Arg.IsTrue(arguments[1]) ? -1 : kept.AsSpan().LastIndexOf(' ');
        return TemplateString.Concat(rendering, space < 0 ? kept : kept.Substring(0, space), end);
    }

    private static TemplateValue CountWords(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        ReadOnlySpan<char> chars = self.ToText(rendering).AsSpan();
        int count = 0;
        bool inWord = false;
        for (int i = 0; i < chars.Length; i += CodePoints.LengthAt(chars, i))
        {
            bool isWord = CodePoints.IsWord(CodePoints.At(chars, i));
            if (isWord && !inWord)
                count++;
            inWord = isWord;
        }

        return TemplateValue.From(count);
    }

    private static TemplateString Wrap(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateString text = Arg.Text(self, "wordwrap");
        TemplateString newline = Arg.OptionalText(arguments[2], "wordwrap") ?? TemplateString.FromTemplate("\n");
        long width = Arg.Index(arguments[0], 79, "wordwrap");
        if (width <= 0)
            throw new TemplateFault($"invalid width {width} (must be > 0)");

        TextWrapper wrapper = new(
            (int)Math.Min(width, int.MaxValue), arguments[1] is null || arguments[1]!.IsTrue, arguments[3] is null || arguments[3]!.IsTrue);
        MarkedTextBuilder output = new(rendering.Limits.ValueSize, capacity: text.Length + 16);
        bool isFirst = true;
        foreach (TemplateString line in StringMethods.SplitLines(text, keepsEnds: false))
        {
            if (!isFirst)
                output.Append(newline);
            isFirst = false;
            bool isFirstPart = true;
            foreach (TemplateString part in wrapper.Wrap(line))
            {
                if (!isFirstPart)
                    output.Append(newline);
                output.Append(part);
                rendering.Charge(1);
                isFirstPart = false;
            }
        }

        return output.ToTemplateString();
    }

    private static TemplateString FormatText(Rendering rendering, TemplateValue self, Arguments arguments)
    {
        if (arguments.Positional.Length > 0 && arguments.Named.Length > 0)
            throw new TemplateFault("can't handle positional and keyword arguments at the same time");
        if (arguments.Named.Length == 0)
            return PercentFormat.Format(rendering, self.ToText(rendering), new TemplateTuple(arguments.Positional));

        TemplateDictionary named = new();
        foreach ((string name, TemplateValue value) in arguments.Named)
            named.Add(name, value);
        return PercentFormat.Format(rendering, self.ToText(rendering), named);
    }
}
