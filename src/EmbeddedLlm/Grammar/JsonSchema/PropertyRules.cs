using System.Collections.Immutable;

namespace EmbeddedLlm.Grammars;

/// <summary>What one schema says about the values of an object's keys, by <c>properties</c>, <c>patternProperties</c>, <c>additionalProperties</c> and <c>propertyNames</c>. Compared by reference.</summary>
internal sealed class PropertyRules
{
    private readonly Dictionary<string, Formula> _byName = new(StringComparer.Ordinal);

    /// <summary>The named keys, in the schema's order.</summary>
    public ImmutableArray<KeyValuePair<string, Formula>> Names { get; init; } = [];

    /// <summary>The values of keys that match a pattern.</summary>
    public ImmutableArray<(TextAutomaton Keys, Formula Value)> Patterns { get; init; } = [];

    /// <summary>The values of keys that are neither named nor match a pattern.</summary>
    public Formula Additional { get; init; } = Formula.Any;

    /// <summary>What all keys must match.</summary>
    public TextAutomaton Keys { get; init; } = TextAutomaton.Any;

    /// <summary>The names, for looking them up.</summary>
    public IReadOnlyDictionary<string, Formula> ByName
    {
        get
        {
            if (_byName.Count == 0)
            {
                foreach ((string name, Formula value) in Names)
                    _byName[name] = value;
            }

            return _byName;
        }
    }

    /// <summary>What the value of a key must be by these rules.</summary>
    public Formula Value(string key, FormulaTable formulas)
    {
        if (!Keys.IsAny && !Keys.Matches(key))
            return Formula.None;
        bool isNamed = ByName.TryGetValue(key, out Formula? value);
        value ??= Formula.Any;
        bool isMatched = isNamed;
        foreach ((TextAutomaton pattern, Formula matching) in Patterns)
        {
            if (pattern.Matches(key))
            {
                value = formulas.And(value, matching);
                isMatched = true;
            }
        }

        return isMatched ? value : Additional;
    }

    /// <summary>What the value of a key that is not named must be; <see cref="Keys"/> is left to whoever asks.</summary>
    /// <param name="matches">Whether the key matches a pattern.</param>
    /// <param name="formulas">The compilation's formulas.</param>
    public Formula ValueOfOther(Func<TextAutomaton, bool> matches, FormulaTable formulas)
    {
        Formula value = Formula.Any;
        bool isMatched = false;
        foreach ((TextAutomaton pattern, Formula matching) in Patterns)
        {
            if (matches(pattern))
            {
                value = formulas.And(value, matching);
                isMatched = true;
            }
        }

        return isMatched ? value : Additional;
    }
}

/// <summary>A kind of keys: those of an automaton, or those that rules neither name nor match by a pattern.</summary>
internal readonly record struct KeyKind(TextAutomaton? In, PropertyRules? OtherThan)
{
    /// <summary>The keys that have to be told apart from it by their names.</summary>
    public IEnumerable<string> Names => OtherThan is null ? [] : OtherThan.Names.Select(name => name.Key);

    public IEnumerable<TextAutomaton> Patterns => In is not null ? [In] : OtherThan!.Patterns.Select(pattern => pattern.Keys);

    public bool Contains(string key) =>
        In is not null ? In.Matches(key) : !OtherThan!.ByName.ContainsKey(key) && !OtherThan.Patterns.Any(pattern => pattern.Keys.Matches(key));

    /// <summary>Whether a key that is not named anywhere is of the kind.</summary>
    public bool ContainsOther(Func<TextAutomaton, bool> matches) => In is not null ? matches(In) : !OtherThan!.Patterns.Any(pattern => matches(pattern.Keys));
}
