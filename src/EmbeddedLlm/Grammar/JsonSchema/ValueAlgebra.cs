using System.Collections.Immutable;

namespace EmbeddedLlm.Grammars;

/// <summary>And, or and not over sets of JSON values, all exact. One per compilation.</summary>
/// <remarks>
/// Parts that are seen to be empty are left out at once. A part that is empty only because of what is inside of it may remain: <see cref="Inhabitance"/> finds those.
/// </remarks>
internal sealed partial class ValueAlgebra(FormulaTable formulas, SchemaBudget budget)
{
    /// <summary>The schema and keyword being read, for errors.</summary>
    public (SchemaLocation Location, string Keyword) Reading { get; set; }

    /// <summary>Whether a part has any instance, as far as can be said now: only what is certainly empty is reported so.</summary>
    public Func<ObjectPart, bool> MayHaveObject { get; set; } = static _ => true;

    /// <inheritdoc cref="MayHaveObject"/>
    public Func<ArrayPart, bool> MayHaveArray { get; set; } = static _ => true;

    private SchemaPlace ReadingPlace => new(Reading.Location.Pointer, Reading.Keyword);

    public ValueSet And(ValueSet left, ValueSet right)
    {
        if (left.IsAny)
            return right;
        if (right.IsAny)
            return left;
        return new ValueSet
        {
            HasNull = left.HasNull && right.HasNull,
            HasTrue = left.HasTrue && right.HasTrue,
            HasFalse = left.HasFalse && right.HasFalse,
            Numbers = Cross(left.Numbers, right.Numbers, And, part => part.IsAny, static _ => true),
            Strings = Cross(left.Strings, right.Strings, And, part => part.IsAny, static _ => true),
            Arrays = Cross(left.Arrays, right.Arrays, And, part => part.IsAny, MayHaveArray),
            Objects = Cross(left.Objects, right.Objects, And, part => part.IsAny, MayHaveObject),
        };
    }

    public ValueSet Or(ValueSet left, ValueSet right)
    {
        if (left.IsNone || right.IsAny)
            return right;
        if (right.IsNone || left.IsAny)
            return left;
        return new ValueSet
        {
            HasNull = left.HasNull || right.HasNull,
            HasTrue = left.HasTrue || right.HasTrue,
            HasFalse = left.HasFalse || right.HasFalse,
            Numbers = Or(left.Numbers, right.Numbers),
            Strings = Or(left.Strings, right.Strings),
            Arrays = Join(left.Arrays, right.Arrays, part => part.IsAny),
            Objects = Join(left.Objects, right.Objects, part => part.IsAny),
        };
    }

    /// <summary>What is in the first set and not in the second. Types that the first lacks cost nothing.</summary>
    public ValueSet Except(ValueSet left, ValueSet right) => new()
    {
        HasNull = left.HasNull && !right.HasNull,
        HasTrue = left.HasTrue && !right.HasTrue,
        HasFalse = left.HasFalse && !right.HasFalse,
        Numbers = Except(left.Numbers, right.Numbers),
        Strings = Except(left.Strings, right.Strings),
        Arrays = Except(left.Arrays, right.Arrays),
        Objects = Except(left.Objects, right.Objects),
    };

    public ImmutableArray<NumericPart> Except(ImmutableArray<NumericPart> left, ImmutableArray<NumericPart> right) =>
        Except(left, right, Not, And, static _ => true);

    public ImmutableArray<StringPart> Except(ImmutableArray<StringPart> left, ImmutableArray<StringPart> right) =>
        Except(left, right, Not, (one, other) => one.Text.Overlaps(other.Text) ? And(one, other) : null, static _ => true);

    public ImmutableArray<ArrayPart> Except(ImmutableArray<ArrayPart> left, ImmutableArray<ArrayPart> right) =>
        Except(left, right, Not, And, MayHaveArray);

    public ImmutableArray<ObjectPart> Except(ImmutableArray<ObjectPart> left, ImmutableArray<ObjectPart> right) =>
        Except(left, right, Not, And, MayHaveObject);

    public JsonSchemaNotSupportedException NotSupported(string reason) => Reading.Location.NotSupported(Reading.Keyword, reason);

    /// <summary>Removes one part after the other; what a part does not meet stays as it is, so that disjoint parts cost little.</summary>
    private ImmutableArray<T> Except<T>(ImmutableArray<T> left, ImmutableArray<T> right, Func<T, List<T>> not, Func<T, T, T?> and, Func<T, bool> mayHave)
        where T : class
    {
        foreach (T removed in right)
        {
            if (left.IsEmpty)
                break;
            HashSet<T> kept = [];
            ImmutableArray<T>.Builder result = ImmutableArray.CreateBuilder<T>();
            List<T>? complement = null;
            foreach (T part in left)
            {
                budget.Spend();
                if (part.Equals(removed))
                    continue;
                if (and(part, removed) is not { } common || !mayHave(common))
                {
                    if (kept.Add(part))
                        result.Add(part);
                    continue;
                }

                foreach (T outside in complement ??= not(removed))
                {
                    budget.Spend();
                    if (and(part, outside) is { } rest && mayHave(rest) && kept.Add(rest))
                        result.Add(rest);
                    Limit(result.Count);
                }
            }

            left = result.ToImmutable();
        }

        return left;
    }

    private ImmutableArray<T> Cross<T>(ImmutableArray<T> left, ImmutableArray<T> right, Func<T, T, T?> and, Func<T, bool> isAny, Func<T, bool> mayHave)
        where T : class
    {
        if (left is [var one] && isAny(one))
            return right;
        if (right is [var other] && isAny(other))
            return left;
        // Looking into the parts pays only where they multiply.
        bool multiplies = left.Length > 1 && right.Length > 1;
        HashSet<T> known = [];
        ImmutableArray<T>.Builder result = ImmutableArray.CreateBuilder<T>();
        foreach (T first in left)
        {
            foreach (T second in right)
            {
                budget.Spend();
                if (and(first, second) is { } both && known.Add(both) && (!multiplies || mayHave(both)))
                    result.Add(both);
                Limit(result.Count);
            }
        }

        return result.ToImmutable();
    }

    private ImmutableArray<T> Join<T>(ImmutableArray<T> left, ImmutableArray<T> right, Func<T, bool> isAny)
        where T : class
    {
        if (left.IsEmpty || (right is [var other] && isAny(other)))
            return right;
        if (right.IsEmpty || (left is [var one] && isAny(one)))
            return left;
        HashSet<T> known = [.. left];
        ImmutableArray<T>.Builder result = ImmutableArray.CreateBuilder<T>();
        result.AddRange(left);
        foreach (T part in right)
        {
            budget.Spend();
            if (known.Add(part))
                result.Add(part);
        }

        Limit(result.Count);
        return result.ToImmutable();
    }

    private void Limit(int count)
    {
        if (count > SchemaBudget.AlternativeLimit)
            throw NotSupported($"it makes more than {SchemaBudget.AlternativeLimit:N0} alternatives");
    }
}
