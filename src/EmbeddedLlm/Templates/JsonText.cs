namespace EmbeddedLlm.Templates;

/// <summary>Python's <c>json.dumps</c>.</summary>
internal readonly struct JsonText
{
    private readonly ReprWriter _writer;
    private readonly bool _isAscii;
    private readonly bool _sortsKeys;
    private readonly string? _indent;
    private readonly string _itemSeparator;
    private readonly string _keySeparator;

    private JsonText(ReprWriter writer, bool isAscii, string? indent, string itemSeparator, string keySeparator, bool sortsKeys)
    {
        _writer = writer;
        _isAscii = isAscii;
        _indent = indent;
        _itemSeparator = itemSeparator;
        _keySeparator = keySeparator;
        _sortsKeys = sortsKeys;
    }

    /// <summary>The <c>tojson</c> filter as Hugging Face defines it.</summary>
    public static TemplateValue Filter(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        string? indent = arguments[1] switch
        {
            null or TemplateNone => null,
            TemplateString text => text.Text,
            TemplateValue width => Spaces(rendering, Arg.Index(width, 0, "tojson")),
        };
        (string itemSeparator, string keySeparator) = (indent is null ? ", " : ",", ": ");
        if (Arg.IsGiven(arguments[2]))
        {
            TemplateValue[] separators = rendering.ToArray(arguments[2]!);
            if (separators.Length != 2)
                throw new TemplateFault("tojson() expects two separators");
            itemSeparator = Arg.Text(separators[0], "tojson").Text;
            keySeparator = Arg.Text(separators[1], "tojson").Text;
        }

        ReprWriter writer = new(rendering);
        new JsonText(writer, Arg.IsTrue(arguments[0]), indent, itemSeparator, keySeparator, Arg.IsTrue(arguments[3])).Write(self, 0);
        return writer.ToTemplateString();
    }

    private static string Spaces(Rendering rendering, long width)
    {
        rendering.EnsureSize(width);
        return new string(' ', (int)Math.Max(width, 0));
    }

    private void Write(TemplateValue value, int level)
    {
        switch (value)
        {
            case TemplateString text:
                WriteText(text);
                break;
            case TemplateNone:
                _writer.Write("null");
                break;
            case TemplateBoolean boolean:
                _writer.Write(boolean.Value ? "true" : "false");
                break;
            case TemplateInteger:
                value.WriteRepr(_writer);
                break;
            case TemplateFloat number:
                _writer.Write(FloatOf(number.Value));
                break;
            case TemplateSequence sequence:
                WriteList(sequence, level);
                break;
            case TemplateDictionary dictionary:
                WriteDictionary(dictionary, level);
                break;
            default:
                throw new TemplateFault($"Object of type {value.TypeName} is not JSON serializable");
        }
    }

    private void WriteList(TemplateSequence sequence, int level)
    {
        sequence.MarkTo(_writer);
        if (sequence.Items.IsEmpty)
        {
            _writer.Write("[]");
            return;
        }

        _writer.TryEnter(sequence);
        _writer.Write('[');
        for (int i = 0; i < sequence.Items.Length; i++)
        {
            if (i > 0)
                _writer.Write(_itemSeparator);
            BreakLine(level + 1);
            Write(sequence.Items[i], level + 1);
        }

        BreakLine(level);
        _writer.Write(']');
        _writer.Leave();
    }

    private void WriteDictionary(TemplateDictionary dictionary, int level)
    {
        dictionary.MarkTo(_writer);
        if (!dictionary.IsTrue)
        {
            _writer.Write("{}");
            return;
        }

        _writer.TryEnter(dictionary);
        _writer.Write('{');
        bool isFirst = true;
        foreach ((TemplateValue key, TemplateValue value) in Entries(dictionary))
        {
            if (!isFirst)
                _writer.Write(_itemSeparator);
            isFirst = false;
            BreakLine(level + 1);
            WriteKey(key);
            _writer.Write(_keySeparator);
            Write(value, level + 1);
        }

        BreakLine(level);
        _writer.Write('}');
        _writer.Leave();
    }

    private IEnumerable<KeyValuePair<TemplateValue, TemplateValue>> Entries(TemplateDictionary dictionary)
    {
        if (!_sortsKeys)
            return dictionary;

        TemplateValue[] keys = [.. dictionary.Keys];
        Comparison.Sort(_writer.Rendering, keys, static key => key, reverse: false);
        return keys.Select(key => new KeyValuePair<TemplateValue, TemplateValue>(key, dictionary.Find(key)!));
    }

    private void WriteKey(TemplateValue key)
    {
        switch (key)
        {
            case TemplateString text:
                WriteText(text);
                break;
            case TemplateNone or TemplateBoolean or TemplateInteger or TemplateFloat:
                _writer.Write('"');
                Write(key, 0);
                _writer.Write('"');
                break;
            default:
                throw new TemplateFault($"keys must be str, int, float, bool or None, not {key.TypeName}");
        }
    }

    private void BreakLine(int level)
    {
        if (_indent is null)
            return;

        _writer.Write('\n');
        for (int i = 0; i < level; i++)
            _writer.Write(_indent);
    }

    private void WriteText(TemplateString text)
    {
        _writer.MarkCaller(text.HasCallerText ? PromptPartKind.Caller : PromptPartKind.Template);
        _writer.Write('"');
        ReadOnlySpan<char> chars = text.AsSpan();
        while (!chars.IsEmpty)
        {
            int plain = 0;
            while (plain < chars.Length && chars[plain] is not ('"' or '\\' or < ' ') && !(_isAscii && chars[plain] > '~'))
                plain++;
            _writer.Write(chars[..plain]);
            chars = chars[plain..];
            if (chars.IsEmpty)
                break;

            _writer.Write(Escape(chars[0]));
            chars = chars[1..];
        }

        _writer.Write('"');
    }

    private static string Escape(char character) => character switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\f' => "\\f",
        '\b' => "\\b",
        _ => $"\\u{(int)character:x4}",
    };

    private static string FloatOf(double value) => double.IsNaN(value) ? "NaN" : double.IsPositiveInfinity(value) ? "Infinity"
        : double.IsNegativeInfinity(value) ? "-Infinity" : FloatText.Repr(value);
}
