using System.Collections.Frozen;
using System.Numerics;

namespace EmbeddedLlm.Templates;

/// <summary>What lists and tuples share.</summary>
internal abstract class TemplateSequence : TemplateValue
{
    private readonly TemplateValue[] _items;
    private readonly PromptPartKind _kind;

    protected TemplateSequence(TemplateValue[] items, PromptPartKind kind)
    {
        _items = items;
        _kind = kind;
        long size = 1;
        int depth = 0;
        foreach (TemplateValue item in items)
        {
            size += item.Size;
            depth = Math.Max(depth, item.Depth);
        }

        Size = size;
        Depth = depth + 1;
    }

    public ReadOnlySpan<TemplateValue> Items => _items;

    public IReadOnlyList<TemplateValue> List => _items;

    public override bool IsTrue => _items.Length > 0;

    public override long Size { get; }

    public override long Extent => _items.Length + 1L;

    public override int Depth { get; }

    public override int? Count => _items.Length;

    public abstract TemplateSequence Create(TemplateValue[] items);

    public override IEnumerator<TemplateValue> Enumerate(Rendering rendering) => ((IEnumerable<TemplateValue>)_items).GetEnumerator();

    public override TemplateValue? GetItem(Rendering rendering, TemplateValue key)
    {
        if (!Numbers.TryGetIndex(key, out long index))
            return null;

        if (index < 0)
            index += _items.Length;
        return index >= 0 && index < _items.Length ? _items[index] : null;
    }

    public override bool IsEqualTo(TemplateValue other)
    {
        if (ReferenceEquals(this, other))
            return true;
        if (other is not TemplateSequence sequence || sequence is TemplateList != this is TemplateList || sequence._items.Length != _items.Length)
            return false;

        for (int i = 0; i < _items.Length; i++)
        {
            if (!ValueComparer.Instance.Equals(_items[i], sequence._items[i]))
                return false;
        }

        return true;
    }

    protected void WriteItems(ReprWriter writer, string open, string close)
    {
        writer.MarkCaller(_kind);
        writer.Write(open);
        writer.WriteItems(this, _items);
        writer.Write(close);
    }

    internal void MarkTo(ReprWriter writer) => writer.MarkCaller(_kind);
}

/// <summary>Python's <c>list</c>; the sandbox never lets it be changed.</summary>
internal sealed class TemplateList(TemplateValue[] items, PromptPartKind kind = PromptPartKind.Template) : TemplateSequence(items, kind)
{
    private static readonly FrozenSet<string> Mutators =
        FrozenSet.Create("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove");

    public TemplateList(IEnumerable<TemplateValue> items)
        : this(items.ToArray())
    {
    }

    public override string TypeName => "list";

    public override bool IsHashable => false;

    public override FrozenDictionary<string, Builtin> Methods => SequenceMethods.ListTable;

    public override TemplateSequence Create(TemplateValue[] items) => new TemplateList(items);

    public override bool IsForbidden(string method) => Mutators.Contains(method);

    public override void WriteRepr(ReprWriter writer) => WriteItems(writer, "[", "]");
}

/// <summary>Python's <c>tuple</c>.</summary>
internal class TemplateTuple(params TemplateValue[] items) : TemplateSequence(items, PromptPartKind.Template)
{
    public static new TemplateTuple Empty { get; } = new();

    public override string TypeName => "tuple";

    public override bool IsHashable => true;

    public override FrozenDictionary<string, Builtin> Methods => SequenceMethods.TupleTable;

    public override TemplateSequence Create(TemplateValue[] items) => new TemplateTuple(items);

    public override int GetValueHashCode()
    {
        HashCode hash = default;
        foreach (TemplateValue item in Items)
            hash.Add(ValueComparer.Instance.GetHashCode(item));
        return hash.ToHashCode();
    }

    public override void WriteRepr(ReprWriter writer) => WriteItems(writer, "(", Items.Length == 1 ? ",)" : ")");
}

/// <summary>A pair of <c>groupby</c>, whose halves also have names.</summary>
internal sealed class TemplateGroup(TemplateValue grouper, TemplateList list) : TemplateTuple(grouper, list)
{
    public override TemplateValue? GetAttribute(Rendering rendering, string name) => name switch
    {
        "grouper" => Items[0],
        "list" => Items[1],
        _ => null,
    };
}

/// <summary>Python's <c>range</c>.</summary>
internal sealed class TemplateRange(long start, long stop, long step) : TemplateValue
{
    public long Start => start;

    public long Stop => stop;

    public long Step => step;

    public long Length { get; } = CountItems(start, stop, step);

    public override string TypeName => "range";

    public override bool IsTrue => Length > 0;

    public override int? Count => (int)Length;

    public override FrozenDictionary<string, Builtin> Methods => SequenceMethods.RangeTable;

    public static long CountItems(long start, long stop, long step) =>
        step > 0 ? stop > start ? (stop - start - 1) / step + 1 : 0 : start > stop ? (start - stop - 1) / -step + 1 : 0;

    public override IEnumerator<TemplateValue> Enumerate(Rendering rendering)
    {
        for (long i = 0; i < Length; i++)
        {
            rendering.Step();
            yield return From(start + i * step);
        }
    }

    public override TemplateValue? GetItem(Rendering rendering, TemplateValue key)
    {
        if (!Numbers.TryGetIndex(key, out long index))
            return null;

        if (index < 0)
            index += Length;
        return index >= 0 && index < Length ? From(start + index * step) : null;
    }

    public override TemplateValue? GetAttribute(Rendering rendering, string name) => name switch
    {
        "start" => From(start),
        "stop" => From(stop),
        "step" => From(step),
        _ => null,
    };

    public bool Contains(BigInteger value)
    {
        BigInteger offset = value - start;
        return BigInteger.Remainder(offset, step).IsZero && offset / step >= 0 && offset / step < Length;
    }

    public override bool IsEqualTo(TemplateValue other) => other is TemplateRange range && range.Length == Length
        && (Length == 0 || (range.Start == start && (Length == 1 || range.Step == step)));

    public override int GetValueHashCode() => HashCode.Combine(Length, Length == 0 ? 0 : start, Length <= 1 ? 0 : step);

    public override void WriteRepr(ReprWriter writer) => writer.Write(step == 1 ? $"range({start}, {stop})" : $"range({start}, {stop}, {step})");
}
