namespace EmbeddedLlm.Grammars;

/// <summary>The items of an array with <c>contains</c>, each divided by which of the counted kinds it is of.</summary>
internal sealed class CountedItems
{
    /// <summary>How many kinds are counted: each doubles the ways an item can be.</summary>
    private const int KindLimit = 4;

    /// <summary>The longest beginning of an array with items of its own.</summary>
    private const int PrefixLimit = 1_000;

    private readonly ArrayPart _part;
    private readonly List<(Formula Item, ulong Kinds)>[] _prefix;
    private readonly List<(Formula Item, ulong Kinds)> _rest;

    private CountedItems(ArrayPart part, List<(Formula Item, ulong Kinds)>[] prefix, List<(Formula Item, ulong Kinds)> rest)
    {
        _part = part;
        _prefix = prefix;
        _rest = rest;
    }

    /// <summary>Null where there are too many kinds.</summary>
    public static CountedItems? Create(ArrayPart part, FormulaTable formulas)
    {
        int length = Math.Max(part.Prefix.Length, part.Contains.Max(rule => rule.From));
        if (part.Contains.Length > KindLimit || length > PrefixLimit)
            return null;
        List<(Formula, ulong)>[] prefix = new List<(Formula, ulong)>[length];
        for (int i = 0; i < length; i++)
            prefix[i] = Divide(part.Item(i), i);
        return new CountedItems(part, prefix, Divide(part.Rest, length));

        List<(Formula, ulong)> Divide(Formula item, int index)
        {
            List<(Formula Item, ulong Kinds)> divided = [(item, 0)];
            for (int kind = 0; kind < part.Contains.Length; kind++)
            {
                ContainsRule rule = part.Contains[kind];
                if (index < rule.From)
                    continue;
                divided =
                [
                    .. divided.Select(one => (formulas.And(one.Item, rule.Kind), one.Kinds | 1UL << kind)),
                    .. divided.Select(one => (formulas.And(one.Item, formulas.Not(rule.Kind)), one.Kinds)),
                ];
            }

            return divided;
        }
    }

    /// <summary>The array's layout with nodes for the items; null for one without instances.</summary>
    /// <exception cref="ArrayTooComplexException">The counts and bounds make too many states.</exception>
    public ArrayLayout Layout(Func<Formula, GrammarNode?> node)
    {
        ArrayItem?[] prefix = [.. _prefix.Select(Item)];
        return new ArrayLayout(prefix, Item(_rest), _part.Min, _part.Max, [.. _part.Contains.Select(rule => new ItemCount(rule.Min, rule.Max))]);

        ArrayItem? Item(List<(Formula Item, ulong Kinds)> divided)
        {
            List<(GrammarNode Node, ulong Kinds)> alternatives = [];
            foreach ((Formula item, ulong kinds) in divided)
            {
                if (node(item) is { } possible)
                    alternatives.Add((possible, kinds));
            }

            return alternatives.Count > 0 ? new ArrayItem(alternatives) : null;
        }
    }
}
