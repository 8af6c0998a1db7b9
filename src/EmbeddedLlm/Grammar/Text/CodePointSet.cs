using System.Collections.Immutable;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// A set of Unicode scalar values as sorted ranges that neither overlap nor touch. Immutable, compared by value. Surrogates are in no set: the range before
/// them and the range after them count as touching where both end there.
/// </summary>
internal sealed class CodePointSet : IEquatable<CodePointSet>
{
    public const int MaxCodePoint = 0x10FFFF;

    private const int FirstSurrogate = 0xD800;
    private const int LastSurrogate = 0xDFFF;

    private readonly ImmutableArray<Range> _ranges;

    private CodePointSet(ImmutableArray<Range> ranges) => _ranges = ranges;

    public static CodePointSet Empty { get; } = new([]);

    /// <summary>Every Unicode scalar value.</summary>
    public static CodePointSet All { get; } = Of(0, MaxCodePoint);

    /// <summary>The ranges in ascending order, none of them with a surrogate in it.</summary>
    public ImmutableArray<Range> Ranges => _ranges;

    public bool IsEmpty => _ranges.Length == 0;

    /// <summary>How many code points there are.</summary>
    public int Count
    {
        get
        {
            int count = 0;
            foreach (Range range in _ranges)
                count += range.Last - range.First + 1;
            return count;
        }
    }

    public static CodePointSet Of(int codePoint) => Of(codePoint, codePoint);

    public static CodePointSet Of(int first, int last) => Of([new Range(first, last)]);

    /// <summary>The union of ranges in any order; surrogates in them are left out.</summary>
    public static CodePointSet Of(params ReadOnlySpan<Range> ranges)
    {
        List<Range> sorted = new(ranges.Length + 1);
        foreach (Range range in ranges)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(range.First);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(range.Last, MaxCodePoint);
            Add(sorted, range.First, Math.Min(range.Last, FirstSurrogate - 1));
            Add(sorted, Math.Max(range.First, LastSurrogate + 1), range.Last);
        }

        sorted.Sort(static (left, right) => left.First.CompareTo(right.First));
        ImmutableArray<Range>.Builder merged = ImmutableArray.CreateBuilder<Range>(sorted.Count);
        foreach (Range range in sorted)
        {
            if (merged.Count > 0 && range.First <= merged[^1].Last + 1)
                merged[^1] = new Range(merged[^1].First, Math.Max(merged[^1].Last, range.Last));
            else
                merged.Add(range);
        }

        return merged.Count == 0 && Empty is { } empty ? empty : new CodePointSet(merged.DrainToImmutable());

        static void Add(List<Range> ranges, int first, int last)
        {
            if (first <= last)
                ranges.Add(new Range(first, last));
        }
    }

    public bool Contains(int codePoint)
    {
        int low = 0, high = _ranges.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            if (codePoint < _ranges[middle].First)
                high = middle - 1;
            else if (codePoint > _ranges[middle].Last)
                low = middle + 1;
            else
                return true;
        }

        return false;
    }

    public CodePointSet Union(CodePointSet other) =>
        IsEmpty ? other : other.IsEmpty ? this : Of([.. _ranges, .. other._ranges]);

    public CodePointSet Complement()
    {
        List<Range> gaps = new(_ranges.Length + 1);
        int next = 0;
        foreach (Range range in _ranges)
        {
            if (next < range.First)
                gaps.Add(new Range(next, range.First - 1));
            next = range.Last + 1;
        }

        if (next <= MaxCodePoint)
            gaps.Add(new Range(next, MaxCodePoint));
        return Of([.. gaps]);
    }

    public CodePointSet Intersect(CodePointSet other)
    {
        List<Range> common = [];
        for (int i = 0, j = 0; i < _ranges.Length && j < other._ranges.Length;)
        {
            int first = Math.Max(_ranges[i].First, other._ranges[j].First);
            int last = Math.Min(_ranges[i].Last, other._ranges[j].Last);
            if (first <= last)
                common.Add(new Range(first, last));
            if (_ranges[i].Last < other._ranges[j].Last)
                i++;
            else
                j++;
        }

        return Of([.. common]);
    }

    public CodePointSet Except(CodePointSet other) => Intersect(other.Complement());

    public bool Equals(CodePointSet? other) => other is not null && _ranges.AsSpan().SequenceEqual(other._ranges.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as CodePointSet);

    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (Range range in _ranges)
            hash.Add(range);
        return hash.ToHashCode();
    }

    public override string ToString() =>
        $"[{string.Concat(_ranges.Select(static range => range.First == range.Last ? $"{range.First:X} " : $"{range.First:X}-{range.Last:X} "))}]";

    /// <summary>The code points from <paramref name="First"/> to <paramref name="Last"/>, both included.</summary>
    public readonly record struct Range(int First, int Last);
}
