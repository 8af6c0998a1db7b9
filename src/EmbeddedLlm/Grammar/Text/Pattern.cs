using System.Collections.Immutable;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// The syntax tree of a regular expression over code points. Immutable; parts may be shared. Trees may be deeper than a thread's stack, so whatever works on them keeps
/// a stack of its own, and trees are compared by reference.
/// </summary>
internal abstract class Pattern
{
    private Pattern(bool isNothing, bool isNullable, bool hasAssertions, bool startsAtStart)
    {
        IsNothing = isNothing;
        IsNullable = isNullable;
        HasAssertions = hasAssertions;
        StartsAtStart = startsAtStart;
    }

    /// <summary>The empty text.</summary>
    public static Pattern Empty { get; } = new EmptyText();

    /// <summary>No text at all.</summary>
    public static Pattern Nothing { get; } = new Set(CodePointSet.Empty);

    /// <summary>Any text.</summary>
    public static Pattern Anything { get; } = new Repeat(new Set(CodePointSet.All), 0, null);

    /// <summary>The end of the whole text.</summary>
    public static Pattern AtEnd { get; } = new Look(new Set(CodePointSet.All), isBehind: false, isNegated: true);

    /// <summary>Whether no text matches, whatever is around it.</summary>
    public bool IsNothing { get; }

    /// <summary>Whether the empty text matches, whatever is around it.</summary>
    public bool IsNullable { get; }

    /// <summary>Whether anything in it depends on what is around it.</summary>
    public bool HasAssertions { get; }

    /// <summary>Whether it can match at the start of the whole text only.</summary>
    public bool StartsAtStart { get; }

    public static Pattern Of(CodePointSet set) => set.IsEmpty ? Nothing : new Set(set);

    /// <summary>One character.</summary>
    public static Pattern Of(int codePoint) => new Set(CodePointSet.Of(codePoint));

    /// <summary>One text, literally.</summary>
    public static Pattern Of(string text) => Sequence([.. text.EnumerateRunes().Select(static rune => Of(rune.Value))]);

    /// <summary>Parts one after the other; the empty text where there are none.</summary>
    public static Pattern Sequence(params ReadOnlySpan<Pattern> parts)
    {
        ImmutableArray<Pattern>.Builder kept = ImmutableArray.CreateBuilder<Pattern>(parts.Length);
        foreach (Pattern part in parts)
        {
            if (part.IsNothing)
                return Nothing;
            if (part is not EmptyText)
                kept.Add(part);
        }

        return kept.Count switch
        {
            0 => Empty,
            1 => kept[0],
            _ => new Concat(kept.DrainToImmutable()),
        };
    }

    /// <summary>One of several parts; nothing where there are none.</summary>
    public static Pattern OneOf(params ReadOnlySpan<Pattern> parts)
    {
        ImmutableArray<Pattern>.Builder kept = ImmutableArray.CreateBuilder<Pattern>(parts.Length);
        CodePointSet? set = null;
        int setAt = 0;
        foreach (Pattern part in parts)
        {
            if (part.IsNothing)
                continue;
            if (part is Set { CodePoints: var points })
            {
                if (set is null)
                {
                    setAt = kept.Count;
                    kept.Add(part);
                    set = points;
                }
                else
                {
                    set = set.Union(points);
                    kept[setAt] = new Set(set);
                }
            }
            else
            {
                kept.Add(part);
            }
        }

        return kept.Count switch
        {
            0 => Nothing,
            1 => kept[0],
            _ => new Alternation(kept.DrainToImmutable()),
        };
    }

    /// <summary>A part several times in a row.</summary>
    /// <param name="part">The part.</param>
    /// <param name="min">At least so often.</param>
    /// <param name="max">At most so often; null for any number.</param>
    public static Pattern Times(Pattern part, int min, int? max)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(min);
        if (max < min)
            throw new ArgumentOutOfRangeException(nameof(max), max, $"Less than the minimum, {min}.");
        if (max == 0 || part is EmptyText || (part.IsNothing && min == 0))
            return Empty;
        if (part.IsNothing)
            return Nothing;
        return min == 1 && max == 1 ? part : new Repeat(part, min, max);
    }

    public static bool IsEnd(Pattern pattern) => ReferenceEquals(pattern, AtEnd);

    internal sealed class EmptyText() : Pattern(false, true, false, false);

    /// <summary>One character of a set.</summary>
    internal sealed class Set(CodePointSet codePoints) : Pattern(codePoints.IsEmpty, false, false, false)
    {
        public CodePointSet CodePoints { get; } = codePoints;
    }

    /// <summary>At least two parts, none of them empty or nothing.</summary>
    internal sealed class Concat(ImmutableArray<Pattern> parts) : Pattern(
        false,
        parts.All(static part => part.IsNullable),
        parts.Any(static part => part.HasAssertions),
        parts.SkipWhile(static part => part is Look).FirstOrDefault() is { StartsAtStart: true })
    {
        public ImmutableArray<Pattern> Parts { get; } = parts;
    }

    /// <summary>At least two parts, none of them nothing.</summary>
    internal sealed class Alternation(ImmutableArray<Pattern> parts) : Pattern(
        false,
        parts.Any(static part => part.IsNullable),
        parts.Any(static part => part.HasAssertions),
        parts.All(static part => part.StartsAtStart))
    {
        public ImmutableArray<Pattern> Parts { get; } = parts;
    }

    internal sealed class Repeat(Pattern part, int min, int? max) : Pattern(
        false,
        min == 0 || part.IsNullable,
        part.HasAssertions,
        min > 0 && part.StartsAtStart)
    {
        public Pattern Part { get; } = part;

        public int Min { get; } = min;

        public int? Max { get; } = max;
    }

    /// <summary>Matches the empty text at places of one kind, told by what is before them.</summary>
    internal sealed class At(Place places) : Pattern(false, false, true, places == Place.Start)
    {
        public Place Places { get; } = places;
    }

    /// <summary>Matches the empty text where another pattern matches from there on (ahead) or up to there (behind), or where it does not.</summary>
    internal sealed class Look(Pattern part, bool isBehind, bool isNegated) : Pattern(false, false, true, false)
    {
        public Pattern Part { get; } = part;

        public bool IsBehind { get; } = isBehind;

        public bool IsNegated { get; } = isNegated;
    }

    /// <summary>What is before a place in the text.</summary>
    [Flags]
    internal enum Place
    {
        /// <summary>Nothing.</summary>
        Start = 1,

        /// <summary>A character that is no word character (ECMA-262's <c>\w</c>).</summary>
        AfterOther = 2,

        /// <summary>A word character.</summary>
        AfterWord = 4,
    }
}
