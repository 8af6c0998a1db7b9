using System.Collections.Frozen;

namespace EmbeddedLlm.Templates;

/// <summary>
/// A Python <c>str</c> that remembers who wrote which of its characters. Positions here are UTF-16 units; the
/// built-ins translate from and to code points, which is what templates count.
/// </summary>
internal sealed class TemplateString : TemplateValue
{
    /// <summary>Concatenations shorter than this are copied; longer ones share a growing buffer.</summary>
    private const int ShortConcatenation = 128;

    private readonly PromptPartKind _kind;
    private readonly MarkedTextBuilder? _shared;
    private string? _text;
    private int[] _flips;
    private int _codePoints = -1;

    public TemplateString(string text, PromptPartKind kind, bool isMarkup = false)
        : this(text, kind, [], isMarkup)
    {
    }

    /// <param name="text">The characters.</param>
    /// <param name="kind">Who wrote the first of them.</param>
    /// <param name="flips">The positions, ascending, from which on the other party wrote.</param>
    /// <param name="isMarkup">Whether the text went through <c>safe</c> or <c>escape</c>.</param>
    public TemplateString(string text, PromptPartKind kind, int[] flips, bool isMarkup = false)
    {
        _text = text;
        _kind = kind;
        _flips = flips;
        Length = text.Length;
        IsMarkup = isMarkup;
    }

    private TemplateString(MarkedTextBuilder shared, bool isMarkup)
    {
        _shared = shared;
        _kind = shared.FirstKind;
        _flips = [];
        Length = shared.Length;
        IsMarkup = isMarkup;
    }

    public static new TemplateString Empty { get; } = new("", PromptPartKind.Template);

    /// <summary>The number of UTF-16 units.</summary>
    public int Length { get; }

    /// <summary>Whether the text is markupsafe's <c>Markup</c>, which escapes plain text that it is combined with.</summary>
    public bool IsMarkup { get; }

    public string Text => _text ?? Flatten();

    public override string TypeName => IsMarkup ? "Markup" : "str";

    public override bool IsTrue => Length > 0;

    public override long Size => Length + 1L;

    public override int? Count => CodePointCount;

    public override FrozenDictionary<string, Builtin> Methods => StringMethods.Table;

    public bool HasCallerText => Length > 0 && (_kind == PromptPartKind.Caller || Flips.Length > 0);

    public int CodePointCount => _codePoints >= 0 ? _codePoints : _codePoints = CodePoints.Count(AsSpan());

    /// <summary>Whether positions and code points are the same, since no character lies outside the basic plane.</summary>
    public bool HasOnlyUnits => CodePointCount == Length;

    private int[] Flips
    {
        get
        {
            if (_text is null)
                Flatten();
            return _flips;
        }
    }

    /// <summary>Text by the template itself.</summary>
    public static new TemplateString FromTemplate(string text) => text.Length == 0 ? Empty : new(text, PromptPartKind.Template);

    /// <summary>
    /// Appends in constant time on average: a template that builds its prompt piece by piece stays linear, because
    /// the longest string so far owns the buffer's end and the next piece goes right behind it.
    /// </summary>
    public static TemplateString Concat(Rendering rendering, TemplateString left, TemplateString right)
    {
        if (left.IsMarkup != right.IsMarkup)
        {
            left = Markup.Escape(rendering, left);
            right = Markup.Escape(rendering, right);
        }

        if (right.Length == 0)
            return left;
        if (left.Length == 0)
            return right;

        long length = (long)left.Length + right.Length;
        rendering.EnsureSize(length);
        if (left._shared is { } shared && shared.Length == left.Length)
        {
            rendering.Charge(right.Length / 16);
            shared.Append(right);
            return new TemplateString(shared, left.IsMarkup);
        }

        rendering.Charge(length / 16);
        bool isLong = length > ShortConcatenation;
        MarkedTextBuilder builder = new(rendering.Limits.ValueSize, capacity: (int)(isLong ? Math.Min(2 * length, rendering.Limits.ValueSize) : length));
        builder.Append(left);
        builder.Append(right);
        if (isLong)
            return new TemplateString(builder, left.IsMarkup);

        (string text, PromptPartKind kind, int[] flips) = builder.Snapshot(builder.Length);
        return new TemplateString(text, kind, flips, left.IsMarkup);
    }

    public ReadOnlySpan<char> AsSpan() => Text;

    /// <summary>The stretches by one party between two positions.</summary>
    public RunSequence RunsIn(int start, int length) => new(Flips, _kind, start, length);

    public PromptPartKind KindAt(int position)
    {
        int[] flips = Flips;
        if (flips.Length == 0)
            return _kind;

        int index = Array.BinarySearch(flips, position);
        int passed = index >= 0 ? index + 1 : ~index;
        return passed % 2 == 0 ? _kind : _kind.Other();
    }

    public TemplateString Substring(int start) => Substring(start, Length - start);

    public TemplateString Substring(int start, int length)
    {
        if (length == Length)
            return this;
        if (length == 0)
            return IsMarkup ? Empty.AsMarkup() : Empty;

        string text = Text.Substring(start, length);
        if (_flips.Length == 0)
            return new TemplateString(text, _kind, IsMarkup);

        PromptPartKind kind = KindAt(start);
        int first = Array.BinarySearch(_flips, start);
        first = first >= 0 ? first + 1 : ~first;
        int end = Array.BinarySearch(_flips, start + length);
        end = end >= 0 ? end : ~end;
        int[] flips = first == end ? [] : new int[end - first];
        for (int i = 0; i < flips.Length; i++)
            flips[i] = _flips[first + i] - start;
        return new TemplateString(text, kind, flips, IsMarkup);
    }

    /// <summary>The same marks over other characters of the same number.</summary>
    public TemplateString WithText(string text) => new(text, _kind, Flips, IsMarkup);

    public TemplateString AsMarkup() => IsMarkup ? this : new TemplateString(Text, _kind, _flips, isMarkup: true);

    public TemplateString AsPlain() => IsMarkup ? new TemplateString(Text, _kind, _flips) : this;

    public override IEnumerator<TemplateValue> Enumerate(Rendering rendering)
    {
        for (int i = 0; i < Length;)
        {
            int length = CodePoints.LengthAt(AsSpan(), i);
            rendering.Charge(1);
            yield return Substring(i, length).AsPlain();
            i += length;
        }
    }

    public override TemplateValue? GetItem(Rendering rendering, TemplateValue key)
    {
        if (!Numbers.TryGetIndex(key, out long index))
            return null;

        ChargeAccess(rendering);
        long count = CodePointCount;
        if (index < 0)
            index += count;
        if (index < 0 || index >= count)
            return null;

        int position = PositionOf((int)index);
        return Substring(position, CodePoints.LengthAt(AsSpan(), position));
    }

    /// <summary>Counts the work of bringing the characters into one piece, where they are not yet.</summary>
    public void ChargeFlattening(Rendering rendering)
    {
        if (_text is null)
            rendering.Charge(Length / 16);
    }

    /// <summary>Counts the work of going to a position, for which a text with characters of two units is gone through.</summary>
    public void ChargeAccess(Rendering rendering)
    {
        ChargeFlattening(rendering);
        if (!HasOnlyUnits)
            rendering.Charge(Length / 16);
    }

    /// <summary>The UTF-16 position of a code point.</summary>
    public int PositionOf(int codePoint) => HasOnlyUnits ? codePoint : CodePoints.PositionOf(AsSpan(), codePoint);

    /// <summary>The number of code points before a UTF-16 position.</summary>
    public int CodePointAt(int position) => HasOnlyUnits ? position : CodePoints.Count(AsSpan()[..position]);

    public override bool IsEqualTo(TemplateValue other) =>
        other is TemplateString text && text.Length == Length && AsSpan().SequenceEqual(text.AsSpan());

    public override int GetValueHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    public override void WriteText(Rendering rendering, MarkedTextBuilder output) => output.Append(this);

    public override void WriteRepr(ReprWriter writer)
    {
        if (IsMarkup)
            writer.Write("Markup(");
        writer.WriteQuoted(this);
        if (IsMarkup)
            writer.Write(")");
    }

    public override string ToString() => Text;

    private string Flatten()
    {
        (string text, _, int[] flips) = _shared!.Snapshot(Length);
        _flips = flips;
        return _text = text;
    }

    /// <summary>An allocation-free sequence of (start, length, kind).</summary>
    public ref struct RunSequence(int[] flips, PromptPartKind firstKind, int start, int length)
    {
        private readonly int _end = start + length;
        private int _next = start;
        private int _flip = -1;

        public (int Start, int Length, PromptPartKind Kind) Current { get; private set; }

        public readonly RunSequence GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_next >= _end)
                return false;

            if (_flip < 0)
            {
                int index = flips.Length == 0 ? -1 : Array.BinarySearch(flips, _next);
                _flip = index >= 0 ? index + 1 : ~index;
            }

            int end = _flip < flips.Length ? Math.Min(flips[_flip], _end) : _end;
            Current = (_next, end - _next, _flip % 2 == 0 ? firstKind : firstKind.Other());
            _next = end;
            _flip++;
            return true;
        }
    }
}
