using System.Collections;
using System.Collections.Frozen;

namespace EmbeddedLlm.Templates;

/// <summary>
/// Python's <c>dict</c>: keys keep the order in which they came. It is filled once, by its maker, before it is used;
/// the sandbox never lets a template change it.
/// </summary>
internal sealed class TemplateDictionary(PromptPartKind kind = PromptPartKind.Template) : TemplateValue, IEnumerable<KeyValuePair<TemplateValue, TemplateValue>>
{
    private static readonly FrozenSet<string> Mutators = FrozenSet.Create("clear", "pop", "popitem", "setdefault", "update");
    private readonly OrderedDictionary<TemplateValue, TemplateValue> _entries = new(ValueComparer.Instance);
    private long _size = 1;
    private int _depth = 1;

    public override string TypeName => "dict";

    public override bool IsTrue => _entries.Count > 0;

    public override bool IsHashable => false;

    public override long Size => _size;

    public override long Extent => _entries.Count + 1L;

    public override int Depth => _depth;

    public override int? Count => _entries.Count;

    public IReadOnlyList<TemplateValue> Keys => _entries.Keys;

    public IReadOnlyList<TemplateValue> Values => _entries.Values;

    public override FrozenDictionary<string, Builtin> Methods => DictionaryMethods.Table;

    /// <summary>Adds an entry, or replaces the value of one whose key is there already. The key counts as the host's or template's own text.</summary>
    public void Add(string key, TemplateValue value) => this[TemplateString.FromTemplate(key)] = value;

    /// <summary>Adds an entry, or replaces the value of one whose key is there already.</summary>
    public TemplateValue this[TemplateValue key]
    {
        set
        {
            _entries[key] = value;
            _size += key.Size + value.Size;
            _depth = Math.Max(_depth, Math.Max(key.Depth, value.Depth) + 1);
        }
    }

    /// <summary>Adds an entry as the indexer does, and counts the work: of a key all is hashed.</summary>
    public void Set(Rendering rendering, TemplateValue key, TemplateValue value)
    {
        rendering.Charge(key.Size / 16);
        this[key] = value;
    }

    public TemplateValue? Find(TemplateValue key) => _entries.GetValueOrDefault(key);

    public bool Contains(TemplateValue key) => _entries.ContainsKey(key);

    /// <summary>An entry as the pair that <c>items()</c> yields.</summary>
    public TemplateTuple PairAt(int index)
    {
        (TemplateValue key, TemplateValue value) = _entries.GetAt(index);
        return new TemplateTuple(key, value);
    }

    public override IEnumerator<TemplateValue> Enumerate(Rendering rendering) => _entries.Keys.GetEnumerator();

    public IEnumerator<KeyValuePair<TemplateValue, TemplateValue>> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override TemplateValue? GetItem(Rendering rendering, TemplateValue key)
    {
        rendering.Charge(key.Size / 16);
        return key.IsHashable ? Find(key) : null;
    }

    public override bool IsForbidden(string method) => Mutators.Contains(method);

    public override bool IsEqualTo(TemplateValue other)
    {
        if (ReferenceEquals(this, other))
            return true;
        if (other is not TemplateDictionary dictionary || dictionary._entries.Count != _entries.Count)
            return false;

        foreach ((TemplateValue key, TemplateValue value) in _entries)
        {
            if (dictionary.Find(key) is not { } counterpart || !ValueComparer.Instance.Equals(value, counterpart))
                return false;
        }

        return true;
    }

    public void MarkTo(ReprWriter writer) => writer.MarkCaller(kind);

    public override void WriteRepr(ReprWriter writer)
    {
        MarkTo(writer);
        if (!writer.TryEnter(this))
        {
            writer.Write("{...}");
            return;
        }

        writer.Write('{');
        bool isFirst = true;
        foreach ((TemplateValue key, TemplateValue value) in _entries)
        {
            if (!isFirst)
                writer.Write(", ");
            isFirst = false;
            key.WriteRepr(writer);
            writer.Write(": ");
            value.WriteRepr(writer);
        }

        writer.Write('}');
        writer.Leave();
    }
}

/// <summary>What <c>keys()</c>, <c>values()</c> and <c>items()</c> return: sized and iterable, but not a sequence.</summary>
internal sealed class TemplateDictionaryView(TemplateDictionary dictionary, TemplateDictionaryView.Part part) : TemplateValue
{
    public enum Part
    {
        Keys,
        Values,
        Items,
    }

    public override string TypeName => part switch
    {
        Part.Keys => "dict_keys",
        Part.Values => "dict_values",
        _ => "dict_items",
    };

    public override bool IsTrue => dictionary.IsTrue;

    public override int Depth => dictionary.Depth;

    public override long Size => dictionary.Size;

    public override long Extent => dictionary.Extent;

    public override int? Count => dictionary.Count;

    public override bool IsHashable => part == Part.Values;

    public IEnumerable<TemplateValue> Items => part switch
    {
        Part.Keys => dictionary.Keys,
        Part.Values => dictionary.Values,
        _ => Enumerable.Range(0, dictionary.Keys.Count).Select(dictionary.PairAt),
    };

    public override IEnumerator<TemplateValue> Enumerate(Rendering rendering) => Items.GetEnumerator();

    public override bool IsEqualTo(TemplateValue other) => ReferenceEquals(this, other)
        || (part != Part.Values && other is TemplateDictionaryView view && view.Count == Count
            && view.Items.All(item => Items.Contains(item, ValueComparer.Instance)));

    public override void WriteRepr(ReprWriter writer)
    {
        dictionary.MarkTo(writer);
        writer.Write(TypeName);
        writer.Write("([");
        writer.WriteItems(this, Items);
        writer.Write("])");
    }
}
