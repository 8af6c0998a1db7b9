using System.Text;

namespace EmbeddedLlm.Templates;

/// <summary>
/// Writes values as Python's <c>repr</c> or as JSON. The result of a mixed value is one text by one party: the
/// caller's as soon as anything inside is, so that a quoted message never becomes template text.
/// </summary>
internal sealed class ReprWriter(Rendering rendering)
{
    private readonly StringBuilder _text = new();
    private readonly List<TemplateValue> _open = [];

    public Rendering Rendering => rendering;

    public bool HasCallerText { get; private set; }

    public PromptPartKind Kind => HasCallerText ? PromptPartKind.Caller : PromptPartKind.Template;

    public void MarkCaller(PromptPartKind kind) => HasCallerText |= kind == PromptPartKind.Caller;

    public void Write(ReadOnlySpan<char> text)
    {
        _text.Append(text);
        rendering.Charge(1 + text.Length / 16);
        EnsureLength();
    }

    public void Write(char character) => _text.Append(character);

    public void Write(char character, int count)
    {
        rendering.EnsureSize((long)_text.Length + count);
        _text.Append(character, count);
    }

    /// <summary>
    /// Enters a container, unless it is being written already: a namespace can hold itself, and is then cut short as
    /// Python does it. For the same reason the depth of a value is not known beforehand.
    /// </summary>
    public bool TryEnter(TemplateValue container)
    {
        rendering.Charge(1);
        if (_open.Contains(container))
            return false;

        _open.Add(container);
        if (_open.Count > rendering.Limits.ValueDepth + 1)
            throw TemplateFault.LimitExceeded("the nesting of values", rendering.Limits.ValueDepth);
        return true;
    }

    public void Leave()
    {
        EnsureLength();
        _open.RemoveAt(_open.Count - 1);
    }

    public void WriteItems(TemplateValue container, IEnumerable<TemplateValue> items)
    {
        if (!TryEnter(container))
        {
            Write("...");
            return;
        }

        bool isFirst = true;
        foreach (TemplateValue item in items)
        {
            if (!isFirst)
                Write(", ");
            isFirst = false;
            item.WriteRepr(this);
        }

        Leave();
    }

    public void WriteQuoted(TemplateString text)
    {
        HasCallerText |= text.HasCallerText;
        ReadOnlySpan<char> chars = text.AsSpan();
        char quote = chars.Contains('\'') && !chars.Contains('"') ? '"' : '\'';
        Write(quote);
        for (int i = 0; i < chars.Length; i++)
        {
            int codePoint = CodePoints.At(chars, i);
            if (codePoint > 0xFFFF)
                i++;
            WriteEscaped(codePoint, quote);
        }

        Write(quote);
        rendering.Charge(1 + chars.Length / 16);
        EnsureLength();
    }

    public void CopyTo(MarkedTextBuilder output)
    {
        foreach (ReadOnlyMemory<char> chunk in _text.GetChunks())
            output.Append(chunk.Span, Kind);
    }

    public TemplateString ToTemplateString() => _text.Length == 0 ? TemplateString.Empty : new TemplateString(_text.ToString(), Kind);

    public override string ToString() => _text.ToString();

    private void WriteEscaped(int codePoint, char quote)
    {
        switch (codePoint)
        {
            case '\n':
                _text.Append("\\n");
                break;
            case '\r':
                _text.Append("\\r");
                break;
            case '\t':
                _text.Append("\\t");
                break;
            case '\\':
                _text.Append("\\\\");
                break;
            case int c when c == quote:
                _text.Append('\\').Append(quote);
                break;
            case >= ' ' and < 0x7F:
                _text.Append((char)codePoint);
                break;
            default:
                if (CodePoints.IsPrintable(codePoint))
                    _text.Append(CodePoints.ToText(codePoint));
                else
                    _text.Append(Escape(codePoint));
                break;
        }
    }

    /// <summary>Python's shortest numeric escape of a character.</summary>
    public static string Escape(int codePoint) => codePoint switch
    {
        <= 0xFF => $"\\x{codePoint:x2}",
        <= 0xFFFF => $"\\u{codePoint:x4}",
        _ => $"\\U{codePoint:x8}",
    };

    private void EnsureLength()
    {
        rendering.EnsureSize(_text.Length);
    }
}
