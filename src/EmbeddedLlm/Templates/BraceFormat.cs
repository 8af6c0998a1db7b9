namespace EmbeddedLlm.Templates;

/// <summary>Python's <c>str.format</c>, with the attribute access of the sandbox.</summary>
internal ref struct BraceFormat
{
    /// <summary>Replacement fields may stand in a format specification, but not in one of those again.</summary>
    private const int MostNesting = 2;

    private readonly Rendering _rendering;
    private readonly Arguments _arguments;
    private readonly TemplateDictionary? _mapping;
    private readonly bool _escapes;
    private int _nextIndex;

    private BraceFormat(Rendering rendering, Arguments arguments, TemplateDictionary? mapping, bool escapes)
    {
        _rendering = rendering;
        _arguments = arguments;
        _mapping = mapping;
        _escapes = escapes;
    }

    public static TemplateString Format(Rendering rendering, TemplateString format, Arguments arguments) =>
        Run(new BraceFormat(rendering, arguments, null, format.IsMarkup), format);

    public static TemplateString FormatMap(Rendering rendering, TemplateString format, TemplateValue mapping)
    {
        TemplateDictionary names = mapping as TemplateDictionary ?? throw TemplateFault.WrongArgument("format_map()", "a mapping", mapping);
        return Run(new BraceFormat(rendering, Arguments.None, names, format.IsMarkup), format);
    }

    /// <summary>Python's <c>ascii()</c> of a text that is a <c>repr</c> already.</summary>
    public static TemplateString ToAscii(Rendering rendering, TemplateString text)
    {
        MarkedTextBuilder output = new(rendering.Limits.ValueSize, capacity: text.Length);
        ReadOnlySpan<char> chars = text.AsSpan();
        for (int i = 0; i < chars.Length; i += CodePoints.LengthAt(chars, i))
        {
            if (chars[i] > '\x7F')
                output.Append(ReprWriter.Escape(CodePoints.At(chars, i)), text.KindAt(i));
            else
                output.Append(chars[i], text.KindAt(i));
        }

        return output.ToTemplateString();
    }

    private static TemplateString Run(BraceFormat formatter, TemplateString format)
    {
        TemplateString text = formatter.Format(format, MostNesting);
        return format.IsMarkup ? text.AsMarkup() : text;
    }

    private TemplateString Format(TemplateString format, int nesting)
    {
        if (nesting < 0)
            throw new TemplateFault("Max string recursion exceeded");

        MarkedTextBuilder output = new(_rendering.Limits.ValueSize, capacity: format.Length + 32);
        ReadOnlySpan<char> chars = format.AsSpan();
        int i = 0;
        while (i < chars.Length)
        {
            int length = chars[i..].IndexOfAny('{', '}');
            if (length < 0)
                length = chars.Length - i;
            output.Append(format, i, length);
            i += length;
            if (i >= chars.Length)
                break;

            if (i + 1 < chars.Length && chars[i + 1] == chars[i])
            {
                output.Append(format, i, 1);
                i += 2;
            }
            else if (chars[i] == '}')
            {
                throw new TemplateFault("Single '}' encountered in format string");
            }
            else
            {
                int end = FindEnd(chars, i + 1);
                output.Append(FormatField(format.Substring(i + 1, end - i - 1), nesting));
                i = end + 1;
            }

            _rendering.Charge(1);
        }

        return output.ToTemplateString();
    }

    /// <summary>The closing brace of the field that starts at <paramref name="start"/>; braces inside brackets count as text.</summary>
    private static int FindEnd(ReadOnlySpan<char> chars, int start)
    {
        if (start == chars.Length)
            throw new TemplateFault("Single '{' encountered in format string");

        int depth = 1;
        for (int i = start; i < chars.Length; i++)
        {
            if (chars[i] == '{')
                depth++;
            else if (chars[i] == '}' && --depth == 0)
                return i;
        }

        throw new TemplateFault("expected '}' before end of string");
    }

    private TemplateString FormatField(TemplateString field, int nesting)
    {
        ReadOnlySpan<char> chars = field.AsSpan();
        int nameEnd = 0;
        bool inBrackets = false;
        for (; nameEnd < chars.Length && (inBrackets || chars[nameEnd] is not ('!' or ':')); nameEnd++)
        {
            if (chars[nameEnd] == '{')
                throw new TemplateFault("unexpected '{' in field name");
            inBrackets = inBrackets ? chars[nameEnd] != ']' : chars[nameEnd] == '[';
        }

        char conversion = '\0';
        int specStart = nameEnd;
        if (nameEnd < chars.Length && chars[nameEnd] == '!')
        {
            if (nameEnd + 1 >= chars.Length)
                throw new TemplateFault("end of string while looking for conversion specifier");
            conversion = chars[nameEnd + 1];
            specStart = nameEnd + 2;
            if (specStart < chars.Length && chars[specStart] != ':')
                throw new TemplateFault("expected ':' after conversion specifier");
        }

        TemplateValue value = Convert(FindValue(field.Substring(0, nameEnd)), conversion);
        TemplateString spec = specStart < chars.Length ? Format(field.Substring(specStart + 1), nesting - 1) : TemplateString.Empty;
        if (!_escapes)
            return FormatSpec.Format(_rendering, value, spec);
        if (value is TemplateString { IsMarkup: true } && spec.Length > 0)
            throw new TemplateFault("Unsupported format specification for Markup.");
        return Markup.Escape(_rendering, FormatSpec.Format(_rendering, value, spec));
    }

    private readonly TemplateValue Convert(TemplateValue value, char conversion)
    {
        switch (conversion)
        {
            case '\0':
                return value;
            case 's':
                return value.ToText(_rendering);
            case 'r' or 'a':
                ReprWriter writer = new(_rendering);
                value.WriteRepr(writer);
                return conversion == 'a' ? ToAscii(_rendering, writer.ToTemplateString()) : writer.ToTemplateString();
            default:
                throw new TemplateFault($"Unknown conversion specifier '{conversion}'");
        }
    }

    private TemplateValue FindValue(TemplateString field)
    {
        ReadOnlySpan<char> chars = field.AsSpan();
        int end = chars.IndexOfAny('.', '[');
        TemplateString first = end < 0 ? field : field.Substring(0, end);
        TemplateValue value = FindFirst(first);
        int i = first.Length;
        while (i < chars.Length)
        {
            if (chars[i] == '.')
            {
                int length = chars[(i + 1)..].IndexOfAny('.', '[');
                TemplateString name = length < 0 ? field.Substring(i + 1) : field.Substring(i + 1, length);
                i += 1 + name.Length;
                value = name.Length == 0 ? throw EmptyAttribute() : Access.Attribute(_rendering, value, name.AsPlain());
            }
            else if (chars[i] == '[')
            {
                int length = chars[(i + 1)..].IndexOf(']');
                if (length < 0)
                    throw new TemplateFault("Missing ']' in format string");
                TemplateString key = field.Substring(i + 1, length);
                i += length + 2;
                value = key.Length == 0 ? throw EmptyAttribute() : Access.Item(_rendering, value, IsNumber(key) ? Number(key) : key.AsPlain());
            }
            else
            {
                throw new TemplateFault("Only '.' or '[' may follow ']' in format field specifier");
            }
        }

        return value;
    }

    private TemplateValue FindFirst(TemplateString name)
    {
        if (name.Length == 0)
        {
            if (_nextIndex < 0)
                throw new TemplateFault("cannot switch from manual field specification to automatic field numbering");
            return At(_nextIndex++);
        }

        if (IsNumber(name))
        {
            if (_nextIndex > 0)
                throw new TemplateFault("cannot switch from automatic field numbering to manual field specification");
            _nextIndex = -1;
            return At(int.Parse(name.AsSpan(), System.Globalization.CultureInfo.InvariantCulture));
        }

        TemplateValue? value = _mapping is null ? _arguments.Find(name.Text) : _mapping.Find(name.AsPlain());
        return value ?? throw new TemplateFault($"'{name.Text}'");
    }

    private readonly TemplateValue At(int index) => index < _arguments.Positional.Length
        ? _arguments.Positional[index]
        : throw new TemplateFault($"Replacement index {index} out of range for positional args tuple");

    private static bool IsNumber(TemplateString name) => name.Length is > 0 and < 9 && !name.AsSpan().ContainsAnyExceptInRange('0', '9');

    private static TemplateValue Number(TemplateString name) =>
        TemplateValue.From(int.Parse(name.AsSpan(), System.Globalization.CultureInfo.InvariantCulture));

    private static TemplateFault EmptyAttribute() => new("Empty attribute in format string");
}
