namespace EmbeddedLlm.Templates;

internal static partial class Filters
{
    private static IEnumerable<Builtin> SequenceFilters =>
    [
        new("list", [], 0, static (rendering, self, _) => rendering.Made(new TemplateList(rendering.ToArray(self)))),
        new("first", [], 0, First),
        new("last", [], 0, Last),
        new("random", [], 0, Random),
        new("reverse", [], 0, Reverse),
        new("join", ["d", "attribute"], 0, Join),
        new("sum", ["attribute", "start"], 0, Sum),
        new("min", ["case_sensitive", "attribute"], 0, static (rendering, self, arguments) => Extreme(rendering, self, arguments, Comparison.IsLess)),
        new("max", ["case_sensitive", "attribute"], 0, static (rendering, self, arguments) => Extreme(rendering, self, arguments, Comparison.IsGreater)),
        new("sort", ["reverse", "case_sensitive", "attribute"], 0, Sort),
        new("dictsort", ["case_sensitive", "by", "reverse"], 0, SortDictionary),
        new("groupby", ["attribute", "default", "case_sensitive"], 1, Group),
        new("unique", ["case_sensitive", "attribute"], 0, Unique),
        new("items", [], 0, Items),
        new("batch", ["linecount", "fill_with"], 1, Batch),
        new("slice", ["slices", "fill_with"], 1, Slice),
    ];

    private static TemplateValue First(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        using IEnumerator<TemplateValue> items = rendering.Enumerate(self);
        return items.MoveNext() ? items.Current : TemplateUndefined.Because("No first item, sequence was empty.");
    }

    private static TemplateValue Last(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        if (!IsReversible(self))
            throw new TemplateFault($"'{self.TypeName}' object is not reversible");
        if (self is TemplateSequence { Items: [.., TemplateValue last] })
            return last;

        TemplateValue[] items = rendering.ToArray(self);
        return items.Length > 0 ? items[^1] : TemplateUndefined.Because("No last item, sequence was empty.");
    }

    private static TemplateValue Random(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateValue[] items = self is TemplateString or TemplateSequence or TemplateRange
            ? rendering.ToArray(self)
            : throw TemplateFault.WrongArgument("random()", "a sequence", self);
        return items.Length > 0
            ? items[System.Random.Shared.Next(items.Length)]
            : TemplateUndefined.Because("No random item, sequence was empty.");
    }

    private static TemplateValue Reverse(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        if (self is TemplateString text)
            return Slices.Take(rendering, text, null, null, TemplateValue.From(-1));

        TemplateValue[] items = rendering.ToArray(self);
        Array.Reverse(items);
        TemplateList reversed = rendering.Made(new TemplateList(items));
        return IsReversible(self) ? new TemplateIterator("list_reverseiterator", self, reversed.Enumerate(rendering)) : reversed;
    }

    private static bool IsReversible(TemplateValue value) => value is TemplateString or TemplateSequence or TemplateRange or TemplateDictionary
        or TemplateDictionaryView or TemplateUndefined;

    private static TemplateString Join(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateString separator = arguments[0]?.ToText(rendering) ?? TemplateString.Empty;
        AttributePath? attribute = Arg.IsGiven(arguments[1]) ? AttributePath.Parse(arguments[1]!) : null;
        MarkedTextBuilder output = new(rendering.Limits.ValueSize);
        bool isFirst = true;
        using IEnumerator<TemplateValue> items = rendering.Enumerate(self);
        while (items.MoveNext())
        {
            if (!isFirst)
                output.Append(separator);
            isFirst = false;
            TemplateValue item = attribute is null ? items.Current : attribute.Read(rendering, items.Current);
            int length = output.Length;
            item.WriteText(rendering, output);
            rendering.Charge(1 + (output.Length - length + separator.Length) / 16);
        }

        return output.ToTemplateString();
    }

    private static TemplateValue Sum(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateValue sum = arguments[1] ?? TemplateValue.From(System.Numerics.BigInteger.Zero);
        if (sum is TemplateString)
            throw new TemplateFault("sum() can't sum strings [use ''.join(seq) instead]");

        AttributePath? attribute = Arg.IsGiven(arguments[0]) ? AttributePath.Parse(arguments[0]!) : null;
        using IEnumerator<TemplateValue> items = rendering.Enumerate(self);
        while (items.MoveNext())
        {
            rendering.Charge(1);
            sum = Operators.Add(rendering, sum, attribute is null ? items.Current : attribute.Read(rendering, items.Current));
        }

        return sum;
    }

    private static TemplateValue Extreme(
        Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments, ComparisonOperator isBetter)
    {
        Func<TemplateValue, TemplateValue> keyOf = KeyOf(rendering, arguments[1], ignoresCase: !Arg.IsTrue(arguments[0]));
        using IEnumerator<TemplateValue> items = rendering.Enumerate(self);
        if (!items.MoveNext())
            return TemplateUndefined.Because("No aggregated item, sequence was empty.");

        TemplateValue best = items.Current, bestKey = keyOf(best);
        while (items.MoveNext())
        {
            TemplateValue key = keyOf(items.Current);
            if (isBetter(rendering, key, bestKey))
                (best, bestKey) = (items.Current, key);
        }

        return best;
    }

    private static TemplateList Sort(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        bool ignoresCase = !Arg.IsTrue(arguments[1]);
        Func<TemplateValue, TemplateValue>[] keys = arguments[2] is TemplateString names
            ? [.. names.Text.Split(',').Select(name => KeyOf(rendering, TemplateString.FromTemplate(name), ignoresCase))]
            : [KeyOf(rendering, arguments[2], ignoresCase)];
        TemplateValue[] items = rendering.ToArray(self);
        Comparison.Sort(rendering, items, item => new TemplateList([.. keys.Select(keyOf => keyOf(item))]), Arg.IsTrue(arguments[0]));
        return rendering.Made(new TemplateList(items));
    }

    private static TemplateList SortDictionary(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        Operators.EnsureDefined(self, self);
        if (self is not TemplateDictionary dictionary)
            throw TemplateFault.WrongArgument("dictsort()", "a mapping", self);
        string by = arguments[1] is null ? "key" : (arguments[1] as TemplateString)?.Text ?? "";
        if (by is not ("key" or "value"))
            throw new TemplateFault("You can only sort by either \"key\" or \"value\"");

        bool ignoresCase = !Arg.IsTrue(arguments[0]);
        TemplateValue[] pairs = new TemplateValue[dictionary.Keys.Count];
        for (int i = 0; i < pairs.Length; i++)
            pairs[i] = dictionary.PairAt(i);
        Comparison.Sort(rendering, pairs, pair => IgnoreCase(rendering, ((TemplateTuple)pair).Items[by == "key" ? 0 : 1], ignoresCase), Arg.IsTrue(arguments[2]));
        return rendering.Made(new TemplateList(pairs));
    }

    private static TemplateList Group(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        AttributePath path = AttributePath.Parse(arguments[0]!, arguments[1]);
        bool ignoresCase = !Arg.IsTrue(arguments[2]);
        TemplateValue KeyOfItem(TemplateValue item) => IgnoreCase(rendering, path.Read(rendering, item), ignoresCase);
        TemplateValue[] items = rendering.ToArray(self);
        Comparison.Sort(rendering, items, KeyOfItem, reverse: false);

        List<TemplateValue> groups = [];
        for (int start = 0; start < items.Length;)
        {
            TemplateValue key = KeyOfItem(items[start]);
            int end = start + 1;
            while (end < items.Length && Comparison.AreEqual(rendering, KeyOfItem(items[end]), key))
                end++;
            groups.Add(new TemplateGroup(path.Read(rendering, items[start]), rendering.Made(new TemplateList(items[start..end]))));
            start = end;
        }

        return rendering.Made(new TemplateList([.. groups]));
    }

    private static TemplateIterator Unique(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        Func<TemplateValue, TemplateValue> keyOf = KeyOf(rendering, arguments[1], ignoresCase: !Arg.IsTrue(arguments[0]));
        return Generate(self, Read());

        IEnumerator<TemplateValue> Read()
        {
            HashSet<TemplateValue> seen = new(ValueComparer.Instance);
            using IEnumerator<TemplateValue> items = rendering.Enumerate(self);
            while (items.MoveNext())
            {
                TemplateValue key = keyOf(items.Current);
                rendering.Charge(1 + key.Size / 16);
                if (seen.Add(key))
                    yield return items.Current;
            }
        }
    }

    private static TemplateIterator Items(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        return Generate(self, Read());

        IEnumerator<TemplateValue> Read()
        {
            if (self is TemplateUndefined)
                yield break;
            if (self is not TemplateDictionary dictionary)
                throw new TemplateFault("Can only get item pairs from a mapping.");
            for (int i = 0; i < dictionary.Keys.Count; i++)
            {
                rendering.Charge(1);
                yield return dictionary.PairAt(i);
            }
        }
    }

    private static TemplateIterator Batch(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        long size = Arg.Index(arguments[0], 0, "batch");
        TemplateValue? fill = Arg.IsGiven(arguments[1]) ? arguments[1] : null;
        return Generate(self, Read());

        IEnumerator<TemplateValue> Read()
        {
            List<TemplateValue> batch = [];
            using IEnumerator<TemplateValue> items = rendering.Enumerate(self);
            while (items.MoveNext())
            {
                if (batch.Count == size)
                {
                    yield return rendering.Made(new TemplateList([.. batch]));
                    batch.Clear();
                }

                rendering.Charge(1);
                batch.Add(items.Current);
            }

            if (batch.Count == 0)
                yield break;
            if (fill is not null && batch.Count < size)
            {
                rendering.EnsureSize(size);
                batch.AddRange(Enumerable.Repeat(fill, (int)size - batch.Count));
            }

            yield return rendering.Made(new TemplateList([.. batch]));
        }
    }

    private static TemplateIterator Slice(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        long count = Arg.Index(arguments[0], 0, "slice");
        TemplateValue? fill = Arg.IsGiven(arguments[1]) ? arguments[1] : null;
        return Generate(self, Read());

        IEnumerator<TemplateValue> Read()
        {
            TemplateValue[] items = rendering.ToArray(self);
            if (count == 0)
                throw new TemplateFault("integer division or modulo by zero");

            // Where the items do not divide evenly, the first slices get one more, and the others the filling.
            long size = items.Length / Math.Max(count, 1), longer = items.Length % Math.Max(count, 1), start = 0;
            for (long i = 0; i < count; i++)
            {
                long end = start + size + (i < longer ? 1 : 0);
                TemplateValue[] slice = items[(int)start..(int)end];
                yield return rendering.Made(new TemplateList(fill is not null && i >= longer ? [.. slice, fill] : slice));
                start = end;
            }
        }
    }

    private static TemplateIterator Generate(TemplateValue source, IEnumerator<TemplateValue> items) => new("generator", source, items);

    private static Func<TemplateValue, TemplateValue> KeyOf(Rendering rendering, TemplateValue? attribute, bool ignoresCase)
    {
        if (!Arg.IsGiven(attribute))
            return item => IgnoreCase(rendering, item, ignoresCase);

        AttributePath path = AttributePath.Parse(attribute!);
        return item => IgnoreCase(rendering, path.Read(rendering, item), ignoresCase);
    }

    private static TemplateValue IgnoreCase(Rendering rendering, TemplateValue value, bool ignoresCase)
    {
        if (!ignoresCase || value is not TemplateString text)
            return value;

        rendering.Charge(text.Length / 16);
        return CaseMapping.ToLower(text);
    }
}

/// <summary>An attribute such as <c>address.lines.0</c> that a filter reads from every item.</summary>
internal sealed class AttributePath
{
    private readonly TemplateValue[] _parts;
    private readonly TemplateValue? _default;

    private AttributePath(TemplateValue[] parts, TemplateValue? otherwise)
    {
        _parts = parts;
        _default = otherwise;
    }

    public static AttributePath Parse(TemplateValue attribute, TemplateValue? otherwise = null)
    {
        TemplateValue[] parts = attribute is TemplateString text ? [.. text.Text.Split('.').Select(ParsePart)] : [attribute];
        return new AttributePath(parts, Arg.IsGiven(otherwise) ? otherwise : null);
    }

    public TemplateValue Read(Rendering rendering, TemplateValue item)
    {
        foreach (TemplateValue part in _parts)
        {
            item = Access.Item(rendering, item, part);
            if (_default is not null && item is TemplateUndefined)
                item = _default;
        }

        return item;
    }

    private static TemplateValue ParsePart(string part) =>
        part.Length is > 0 and < 10 && !part.AsSpan().ContainsAnyExceptInRange('0', '9')
            ? TemplateValue.From(int.Parse(part, System.Globalization.CultureInfo.InvariantCulture))
            : TemplateString.FromTemplate(part);
}
