namespace EmbeddedLlm.Templates;

/// <summary>
/// Python's <c>pprint.pformat</c>: a <c>repr</c> with sorted mappings that goes over several lines where it is wider
/// than <see cref="Width"/>. The rules are those of pprint.PrettyPrinter with its default settings.
/// </summary>
internal readonly struct PrettyPrinter
{
    private const int Width = 80;
    private readonly Rendering _rendering;
    private readonly ReprWriter _output;

    private PrettyPrinter(Rendering rendering)
    {
        _rendering = rendering;
        _output = new ReprWriter(rendering);
    }

    public static TemplateString Format(Rendering rendering, TemplateValue value)
    {
        PrettyPrinter printer = new(rendering);
        printer.Write(value, indent: 0, allowance: 0, level: 1);
        return printer._output.ToTemplateString();
    }

    /// <param name="value">What is written.</param>
    /// <param name="indent">The column at which it starts.</param>
    /// <param name="allowance">The columns that what follows it on the line needs.</param>
    /// <param name="level">How deeply it is nested, from 1.</param>
    private void Write(TemplateValue value, int indent, int allowance, int level)
    {
        ReprWriter repr = new(_rendering);
        WriteSorted(repr, value);
        string text = repr.ToString();
        _output.MarkCaller(repr.Kind);
        if (CodePoints.Count(text) <= Width - indent - allowance)
            _output.Write(text);
        else if (value is TemplateDictionary dictionary)
            WriteDictionary(dictionary, indent, allowance + 1, level);
        else if (value is TemplateSequence sequence)
            WriteSequence(sequence, indent, allowance, level);
        else if (value is TemplateString { IsMarkup: false } words)
            WriteText(words, indent, allowance, level);
        else
            _output.Write(text);
    }

    private void WriteDictionary(TemplateDictionary dictionary, int indent, int allowance, int level)
    {
        _output.TryEnter(dictionary);
        _output.Write('{');
        TemplateValue[] keys = SortedKeys(dictionary);
        for (int i = 0; i < keys.Length; i++)
        {
            if (i > 0)
                BreakLine(indent + 1, ",");
            string key = Repr(keys[i]);
            _output.Write(key);
            _output.Write(": ");
            Write(dictionary.Find(keys[i])!, indent + 1 + CodePoints.Count(key) + 2, i == keys.Length - 1 ? allowance : 1, level + 1);
        }

        _output.Write('}');
        _output.Leave();
    }

    private void WriteSequence(TemplateSequence sequence, int indent, int allowance, int level)
    {
        string end = sequence is TemplateList ? "]" : sequence.Items.Length == 1 ? ",)" : ")";
        _output.TryEnter(sequence);
        _output.Write(sequence is TemplateList ? '[' : '(');
        for (int i = 0; i < sequence.Items.Length; i++)
        {
            if (i > 0)
                BreakLine(indent + 1, ",");
            Write(sequence.Items[i], indent + 1, i == sequence.Items.Length - 1 ? allowance + end.Length : 1, level + 1);
        }

        _output.Write(end);
        _output.Leave();
    }

    private void WriteText(TemplateString text, int indent, int allowance, int level)
    {
        if (level == 1)
            (indent, allowance) = (indent + 1, allowance + 1);

        List<string> chunks = [];
        List<TemplateString> lines = StringMethods.SplitLines(text, keepsEnds: true);
        for (int i = 0; i < lines.Count; i++)
        {
            int room = Width - indent - (i == lines.Count - 1 ? allowance : 0);
            string line = Repr(lines[i]);
            if (CodePoints.Count(line) <= room)
                chunks.Add(line);
            else
                Cut(lines[i], chunks, Width - indent, room);
        }

        if (level == 1 && chunks.Count > 1)
            _output.Write('(');
        for (int i = 0; i < chunks.Count; i++)
        {
            if (i > 0)
                BreakLine(indent, "");
            _output.Write(chunks[i]);
        }

        if (level == 1 && chunks.Count > 1)
            _output.Write(')');
    }

    /// <summary>Cuts a line behind blanks so that each piece fits.</summary>
    private void Cut(TemplateString line, List<string> chunks, int room, int lastRoom)
    {
        ReadOnlySpan<char> chars = line.AsSpan();
        int start = 0, end = 0;
        while (end < chars.Length)
        {
            int next = end;
            while (next < chars.Length && !CodePoints.IsSpace(chars[next]))
                next++;
            while (next < chars.Length && CodePoints.IsSpace(chars[next]))
                next++;

            _rendering.Charge(1 + (next - start) / 16);
            int limit = next == chars.Length ? lastRoom : room;
            if (end > start && CodePoints.Count(Repr(line.Substring(start, next - start))) > limit)
            {
                chunks.Add(Repr(line.Substring(start, end - start)));
                start = end;
            }

            end = next;
        }

        chunks.Add(Repr(line.Substring(start)));
    }

    private void WriteSorted(ReprWriter writer, TemplateValue value)
    {
        if (value is TemplateDictionary dictionary)
        {
            writer.TryEnter(dictionary);
            dictionary.MarkTo(writer);
            writer.Write('{');
            TemplateValue[] keys = SortedKeys(dictionary);
            for (int i = 0; i < keys.Length; i++)
            {
                writer.Write(i > 0 ? ", " : "");
                keys[i].WriteRepr(writer);
                writer.Write(": ");
                WriteSorted(writer, dictionary.Find(keys[i])!);
            }

            writer.Write('}');
            writer.Leave();
        }
        else if (value is TemplateSequence sequence)
        {
            writer.TryEnter(sequence);
            sequence.MarkTo(writer);
            writer.Write(sequence is TemplateList ? '[' : '(');
            for (int i = 0; i < sequence.Items.Length; i++)
            {
                writer.Write(i > 0 ? ", " : "");
                WriteSorted(writer, sequence.Items[i]);
            }

            writer.Write(sequence is TemplateList ? "]" : sequence.Items.Length == 1 ? ",)" : ")");
            writer.Leave();
        }
        else
        {
            value.WriteRepr(writer);
        }
    }

    /// <summary>The keys in order; those of types that have none among each other go by the names of their types.</summary>
    private TemplateValue[] SortedKeys(TemplateDictionary dictionary)
    {
        TemplateValue[] keys = [.. dictionary.Keys];
        Comparison.Sort(_rendering, keys, static key => RankOf(key), reverse: false);
        return keys;
    }

    private static TemplateTuple RankOf(TemplateValue key) => key switch
    {
        TemplateString => new TemplateTuple(TemplateString.FromTemplate("str"), key),
        _ when Numbers.IsNumber(key) => new TemplateTuple(TemplateString.FromTemplate("int"), key),
        _ => new TemplateTuple(TemplateString.FromTemplate(key.TypeName)),
    };

    private string Repr(TemplateValue value)
    {
        ReprWriter writer = new(_rendering);
        value.WriteRepr(writer);
        return writer.ToString();
    }

    private void BreakLine(int indent, string before)
    {
        _output.Write(before);
        _output.Write('\n');
        _output.Write(' ', indent);
    }
}
