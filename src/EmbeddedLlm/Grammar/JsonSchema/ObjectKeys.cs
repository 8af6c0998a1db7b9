namespace EmbeddedLlm.Grammars;

/// <summary>The keys of a set of objects, and what the value of each must be.</summary>
internal sealed class ObjectKeys
{
    /// <summary>What <see cref="JsonKeys"/> can tell apart.</summary>
    public const int PatternLimit = 64;

    private readonly List<TextAutomaton> _patterns = [];

    /// <exception cref="JsonSchemaNotSupportedException">There are too many patterns.</exception>
    public ObjectKeys(ObjectPart part, ValueAlgebra algebra, FormulaTable formulas, bool anySpelling)
        : this(part, [part], algebra, formulas, anySpelling)
    {
    }

    /// <param name="part">The rules for values.</param>
    /// <param name="all">Parts with the same rules, all of whose keys are to be told apart.</param>
    /// <param name="algebra">For the automata of keys.</param>
    /// <param name="formulas">For the values.</param>
    /// <param name="anySpelling">Whether keys may be spelled with escapes that they do not need.</param>
    /// <param name="isBare">Whether keys are written as they are, without quotes.</param>
    public ObjectKeys(ObjectPart part, IEnumerable<ObjectPart> all, ValueAlgebra algebra, FormulaTable formulas, bool anySpelling, bool isBare = false)
    {
        Names = [.. all.SelectMany(NamesOf).Distinct(StringComparer.Ordinal)];
        TextAutomaton others = isBare ? JsonKeys.Bare : TextAutomaton.Any;
        foreach (PropertyRules rules in part.Rules)
        {
            others = algebra.And(others, rules.Keys);
            AddPatterns(rules.Patterns.Select(pattern => pattern.Keys));
        }

        foreach (ExistsRule rule in part.Exists)
            AddPatterns(rule.Keys.Patterns);
        if (_patterns.Count > PatternLimit)
            throw new JsonSchemaNotSupportedException(part.Pointer, "patternProperties", $"more than {PatternLimit} patterns apply to the keys of one object");

        // Where nothing else is allowed, the other keys need no automaton.
        if (_patterns.Count == 0 && part.Rules.Any(rules => rules.Additional == Formula.None))
            others = TextAutomaton.None;
        Keys = new JsonKeys(Names, [.. _patterns], others, anySpelling, isBare);
        Values = new Formula[Keys.Matches.Count];
        for (int label = 0; label < Values.Length; label++)
        {
            KeyMatch match = Keys.Matches[label];
            Values[label] = match.Name >= 0
                ? algebra.Value(part with { Forbidden = ObjectPart.NoNames }, Names[match.Name])
                : formulas.And([.. part.Rules.Select(rules => rules.ValueOfOther(pattern => IsMatch(match, pattern), formulas))]);
        }
    }

    public JsonKeys Keys { get; }

    /// <summary>The names, in the order of the schema's properties.</summary>
    public string[] Names { get; }

    /// <summary>What the value of a key must be, by label.</summary>
    public Formula[] Values { get; }

    /// <summary>The named keys of a set of objects: first those with rules, in their order.</summary>
    public static IEnumerable<string> NamesOf(ObjectPart part) => part.Rules
        .SelectMany(rules => rules.Names)
        .Select(name => name.Key)
        .Concat(part.Required)
        .Concat(part.Forbidden)
        .Concat(part.Dependents.SelectMany<(string If, string Then), string>(pair => [pair.If, pair.Then]))
        .Concat(part.Exists.SelectMany(rule => rule.Keys.Names))
        .Distinct(StringComparer.Ordinal);

    /// <summary>Whether a label is that of keys without a name.</summary>
    public bool IsOther(int label) => Keys.Matches[label].Name < 0;

    /// <summary>Whether the keys without a name that have a label are of a kind.</summary>
    public bool IsOfKind(int label, KeyKind kind) => kind.ContainsOther(pattern => IsMatch(Keys.Matches[label], pattern));

    private bool IsMatch(KeyMatch match, TextAutomaton pattern) => (match.Patterns >> _patterns.IndexOf(pattern) & 1) != 0;

    private void AddPatterns(IEnumerable<TextAutomaton> patterns)
    {
        foreach (TextAutomaton pattern in patterns)
        {
            if (!_patterns.Contains(pattern))
                _patterns.Add(pattern);
        }
    }
}
