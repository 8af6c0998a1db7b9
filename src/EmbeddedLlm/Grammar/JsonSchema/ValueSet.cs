using System.Collections.Immutable;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// A set of JSON values, apart by type: within a type, what is in any of the parts. So a choice within one type does not multiply with those within others, and negation stays within its type.
/// </summary>
internal sealed record ValueSet
{
    public static ValueSet None { get; } = new();

    public static ValueSet Any { get; } = new()
    {
        HasNull = true,
        HasTrue = true,
        HasFalse = true,
        Numbers = [NumericPart.Any],
        Strings = [StringPart.Any],
        Arrays = [ArrayPart.Any],
        Objects = [ObjectPart.Any],
    };

    public bool HasNull { get; init; }

    public bool HasTrue { get; init; }

    public bool HasFalse { get; init; }

    public ImmutableArray<NumericPart> Numbers { get; init; } = [];

    public ImmutableArray<StringPart> Strings { get; init; } = [];

    public ImmutableArray<ArrayPart> Arrays { get; init; } = [];

    public ImmutableArray<ObjectPart> Objects { get; init; } = [];

    /// <summary>Whether nothing is in it as far as can be seen without looking into arrays and objects.</summary>
    public bool IsNone => !HasNull && !HasTrue && !HasFalse && Numbers.IsEmpty && Strings.IsEmpty && Arrays.IsEmpty && Objects.IsEmpty;

    public bool IsAny => HasNull && HasTrue && HasFalse && Numbers is [{ IsAny: true }] && Strings is [{ IsAny: true }] && Arrays is [{ IsAny: true }] && Objects is [{ IsAny: true }];
}
