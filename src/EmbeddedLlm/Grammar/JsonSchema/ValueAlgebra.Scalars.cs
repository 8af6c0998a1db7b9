using System.Collections.Immutable;

namespace EmbeddedLlm.Grammars;

internal sealed partial class ValueAlgebra
{
    /// <summary>How many numbers are told apart one by one where some are taken out.</summary>
    private const int GapLimit = 500;

    /// <summary>How many numbers of a range are listed where that helps.</summary>
    private const int ListLimit = 1_000;

    private readonly Dictionary<(TextAutomaton, TextAutomaton), TextAutomaton> _textsInBoth = [];
    private readonly Dictionary<TextAutomaton, TextAutomaton> _textsOutside = [];

    /// <summary>What both automata take; one object for the same two.</summary>
    /// <exception cref="PatternNotSupportedException">The automaton gets too large.</exception>
    public TextAutomaton And(TextAutomaton left, TextAutomaton right)
    {
        if (left.IsAny || ReferenceEquals(left, right))
            return right;
        if (right.IsAny)
            return left;
        if (!_textsInBoth.TryGetValue((left, right), out TextAutomaton? both) && !_textsInBoth.TryGetValue((right, left), out both))
            _textsInBoth[(left, right)] = both = left.And(right);
        return both;
    }

    /// <inheritdoc cref="And(TextAutomaton, TextAutomaton)"/>
    public TextAutomaton Not(TextAutomaton text)
    {
        if (!_textsOutside.TryGetValue(text, out TextAutomaton? outside))
        {
            _textsOutside[text] = outside = text.Not();
            _textsOutside[outside] = text;
        }

        return outside;
    }

    private StringPart? And(StringPart left, StringPart right)
    {
        int min = Math.Max(left.Min, right.Min);
        int? max = Least(left.Max, right.Max);
        if (min > max)
            return null;
        TextAutomaton text = And(left.Text, right.Text);
        return text.HasTextOfLength(min, max) ? new StringPart(text, min, max) { Written = And(left.Written, right.Written) } : null;
    }

    private List<StringPart> Not(StringPart part)
    {
        List<StringPart> outside = [];
        if (part.Min > 0)
            outside.Add(new StringPart(TextAutomaton.Any, 0, part.Min - 1));
        if (part.Max is { } max && max < int.MaxValue)
            outside.Add(new StringPart(TextAutomaton.Any, max + 1, null));
        if (Not(part.Text) is { IsNone: false } rest)
            outside.Add(new StringPart(rest, 0, null));
        return outside;
    }

    private ImmutableArray<StringPart> Or(ImmutableArray<StringPart> left, ImmutableArray<StringPart> right)
    {
        // Constants become one automaton: there may be many.
        List<StringPart> free = [];
        TextAutomaton? joined = null;
        foreach (StringPart part in left.Concat(right))
        {
            budget.Spend();
            if (part.Min == 0 && part.Max is null && !part.Text.IsAny && part.Written.IsAny)
                joined = joined is null || ReferenceEquals(joined, part.Text) ? part.Text : joined.Or(part.Text);
            else if (!free.Contains(part))
                free.Add(part);
        }

        if (free.Find(part => part.IsAny) is { } any)
            return [any];
        if (joined is not null)
            free.Insert(0, new StringPart(joined, 0, null));
        Limit(free.Count);
        return [.. free];
    }

    private NumericPart? And(NumericPart left, NumericPart right)
    {
        bool isPlain = left.IsPlain || right.IsPlain;
        if (left.Range is null)
            return Points(left.Points.Where(point => Contains(right, point)), isPlain);
        if (right.Range is null)
            return Points(right.Points.Where(point => Contains(left, point)), isPlain);
        NumberRange range = left.Range.And(right.Range);
        if (range.IsEmpty)
            return null;
        ImmutableArray<ExactDecimal> excluded = [.. left.NotMultipleOf.Union(right.NotMultipleOf)];
        if (excluded.IsEmpty)
            return new NumericPart { Range = range, IsPlain = isPlain };
        if (range.Enumerate(ListLimit) is { } all)
            return Points(all.Where(point => !excluded.Any(multiple => IsMultiple(point, multiple))), isPlain);
        return range.Step is { } step && excluded.Any(multiple => IsMultiple(step, multiple)) ? null : new NumericPart { Range = range, NotMultipleOf = excluded, IsPlain = isPlain };
    }

    private static NumericPart? Points(IEnumerable<ExactDecimal> points, bool isPlain)
    {
        ImmutableArray<ExactDecimal> all = [.. points];
        return all.IsEmpty ? null : new NumericPart { Points = all, IsPlain = isPlain };
    }

    private static bool IsMultiple(ExactDecimal number, ExactDecimal of) => new NumberRange { MultipleOf = [of] }.Contains(number);

    public static bool Contains(NumericPart part, ExactDecimal number) => part.Range is null
        ? part.Points.BinarySearch(number) >= 0
        : part.Range.Contains(number) && !part.NotMultipleOf.Any(multiple => IsMultiple(number, multiple));

    private List<NumericPart> Not(NumericPart part)
    {
        List<NumericPart> outside = [];
        if (part.Range is null)
        {
            if (part.Points.Length > GapLimit)
                throw NotSupported($"it takes out more than {GapLimit} numbers");
            DecimalBound? last = null;
            foreach (ExactDecimal point in part.Points)
            {
                DecimalBound bound = new(point, IsExclusive: true);
                outside.Add(new NumericPart { Range = new NumberRange { Minimum = last, Maximum = bound } });
                last = bound;
            }

            outside.Add(new NumericPart { Range = new NumberRange { Minimum = last } });
            return outside;
        }

        if (part.Range.Minimum is { } least)
            outside.Add(new NumericPart { Range = new NumberRange { Maximum = least with { IsExclusive = !least.IsExclusive } } });
        if (part.Range.Maximum is { } most)
            outside.Add(new NumericPart { Range = new NumberRange { Minimum = most with { IsExclusive = !most.IsExclusive } } });
        if (part.Range.IsInteger)
            outside.Add(new NumericPart { Range = NumberRange.Any, NotMultipleOf = [1] });
        foreach (ExactDecimal multiple in part.Range.MultipleOf)
            outside.Add(new NumericPart { Range = NumberRange.Any, NotMultipleOf = [multiple] });
        foreach (ExactDecimal multiple in part.NotMultipleOf)
            outside.Add(new NumericPart { Range = new NumberRange { MultipleOf = [multiple] } });
        return outside;
    }

    private ImmutableArray<NumericPart> Or(ImmutableArray<NumericPart> left, ImmutableArray<NumericPart> right)
    {
        List<NumericPart> ranges = [];
        SortedSet<ExactDecimal> points = [];
        foreach (NumericPart part in left.Concat(right))
        {
            budget.Spend(1 + part.Points.Length);
            if (part.Range is null && !part.IsPlain)
                points.UnionWith(part.Points);
            else if (!ranges.Contains(part))
                ranges.Add(part);
        }

        if (ranges.Find(part => part.IsAny) is { } any)
            return [any];
        points.RemoveWhere(point => ranges.Exists(range => !range.IsPlain && Contains(range, point)));
        if (Points(points, isPlain: false) is { } listed)
            ranges.Insert(0, listed);
        Limit(ranges.Count);
        return [.. ranges];
    }

    private static int? Least(int? left, int? right) => left is { } a && right is { } b ? Math.Min(a, b) : left ?? right;
}
