using System.Collections.Frozen;

namespace EmbeddedLlm.Templates;

/// <summary>The methods of Python's <c>list</c>, <c>tuple</c> and <c>range</c> that change nothing.</summary>
internal static class SequenceMethods
{
    private static readonly Builtin CountMethod = new("count", ["value"], 1, Count);
    private static readonly Builtin IndexMethod = new("index", ["value", "start", "stop"], 1, Index);

    public static FrozenDictionary<string, Builtin> ListTable { get; } = Builtin.CreateTable(
        CountMethod, IndexMethod, new("copy", [], 0, static (rendering, self, _) => rendering.Made(new TemplateList(((TemplateList)self).Items.ToArray()))));

    public static FrozenDictionary<string, Builtin> TupleTable { get; } = Builtin.CreateTable(CountMethod, IndexMethod);

    public static FrozenDictionary<string, Builtin> RangeTable { get; } = Builtin.CreateTable(CountMethod, IndexMethod);

    private static TemplateValue Count(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        int count = 0;
        foreach (TemplateValue item in rendering.ToArray(self))
        {
            if (Comparison.AreEqual(rendering, item, arguments[0]!))
                count++;
        }

        return TemplateValue.From(count);
    }

    private static TemplateValue Index(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateValue[] items = rendering.ToArray(self);
        int end = Slices.ToSlicePosition(arguments[2], items.Length, items.Length);
        for (int i = Slices.ToSlicePosition(arguments[1], items.Length, 0); i < end; i++)
        {
            if (Comparison.AreEqual(rendering, items[i], arguments[0]!))
                return TemplateValue.From(i);
        }

        throw new TemplateFault($"{arguments[0]} is not in {self.TypeName}");
    }
}

/// <summary>The methods of Python's <c>dict</c> that change nothing.</summary>
internal static class DictionaryMethods
{
    public static FrozenDictionary<string, Builtin> Table { get; } = Builtin.CreateTable(
        new("get", ["key", "default"], 1, Get),
        new("keys", [], 0, static (_, self, _) => new TemplateDictionaryView((TemplateDictionary)self, TemplateDictionaryView.Part.Keys)),
        new("values", [], 0, static (_, self, _) => new TemplateDictionaryView((TemplateDictionary)self, TemplateDictionaryView.Part.Values)),
        new("items", [], 0, static (_, self, _) => new TemplateDictionaryView((TemplateDictionary)self, TemplateDictionaryView.Part.Items)),
        new("copy", [], 0, Copy),
        new("fromkeys", ["iterable", "value"], 1, FromKeys));

    private static TemplateValue Get(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        rendering.Charge(arguments[0]!.Size / 16);
        return ((TemplateDictionary)self).Find(arguments[0]!) ?? arguments[1] ?? TemplateValue.None;
    }

    private static TemplateDictionary Copy(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateDictionary copy = new();
        foreach ((TemplateValue key, TemplateValue value) in (TemplateDictionary)self)
            copy.Set(rendering, key, value);
        return rendering.Made(copy);
    }

    private static TemplateDictionary FromKeys(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateDictionary created = new();
        foreach (TemplateValue key in rendering.ToArray(arguments[0]!))
            created.Set(rendering, key, arguments[1] ?? TemplateValue.None);
        return rendering.Made(created);
    }
}
