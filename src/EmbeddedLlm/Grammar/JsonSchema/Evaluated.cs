using System.Collections.Immutable;

namespace EmbeddedLlm.Grammars;

/// <summary>Which properties or items of an instance the keywords of a schema have looked at.</summary>
internal sealed record Evaluated
{
    public static Evaluated Nothing { get; } = new();

    /// <summary>Whether all of them.</summary>
    public bool IsAll { get; init; }

    public ImmutableHashSet<string> Names { get; init; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    /// <summary>Properties whose keys match.</summary>
    public ImmutableHashSet<TextAutomaton> Patterns { get; init; } = [];

    /// <summary>How many items at the beginning.</summary>
    public int Prefix { get; init; }

    /// <summary>Items in one of these sets, wherever they are.</summary>
    public ImmutableHashSet<Formula> Contained { get; init; } = [];

    public Evaluated Union(Evaluated other) => new()
    {
        IsAll = IsAll || other.IsAll,
        Names = Names.Union(other.Names),
        Patterns = Patterns.Union(other.Patterns),
        Prefix = Math.Max(Prefix, other.Prefix),
        Contained = Contained.Union(other.Contained),
    };

    /// <summary>Whether the other one brings nothing that is not here.</summary>
    public bool Includes(Evaluated other) => IsAll
        || (!other.IsAll && Names.IsSupersetOf(other.Names) && Patterns.IsSupersetOf(other.Patterns) && Prefix >= other.Prefix && Contained.IsSupersetOf(other.Contained));
}
