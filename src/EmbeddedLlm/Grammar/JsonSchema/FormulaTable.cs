namespace EmbeddedLlm.Grammars;

/// <summary>Makes each formula of a compilation once.</summary>
internal sealed class FormulaTable(SchemaBudget budget)
{
    private readonly Dictionary<SchemaLocation, Formula> _schemas = [];
    private readonly Dictionary<JsonConstant, Formula> _constants = [];
    private readonly Dictionary<Formula, Formula> _negations = new() { [Formula.Any] = Formula.None, [Formula.None] = Formula.Any };
    private readonly Dictionary<(bool IsAnd, FormulaSet Parts), Formula> _joined = [];
    private int _lastId = 1;

    /// <summary>The instances of a schema. Follows references that stand alone, so chains of them need no stack.</summary>
    /// <exception cref="GrammarException">A chain of references ends nowhere.</exception>
    public Formula Of(SchemaLocation location)
    {
        if (_schemas.TryGetValue(location, out Formula? known))
            return known;
        HashSet<SchemaLocation> passed = [location];
        SchemaLocation target = location;
        while (target.Keywords is [("$ref", var reference)])
        {
            budget.Spend();
            target = target.Document.Resolve(target, "$ref", reference);
            if (!passed.Add(target))
                throw new GrammarException($"The JSON schema refers to itself at '#{location.Pointer}' and says nothing else.");
        }

        if (!_schemas.TryGetValue(target, out known))
        {
            known = target.Element.ValueKind == System.Text.Json.JsonValueKind.False ? Formula.None
                : target.Keywords.Count == 0 ? Formula.Any
                : Add(new SchemaFormula(++_lastId, target));
        }

        foreach (SchemaLocation link in passed)
            _schemas[link] = known;
        return known;
    }

    public Formula Of(JsonConstant constant)
    {
        if (!_constants.TryGetValue(constant, out Formula? known))
            _constants[constant] = known = Add(new ConstantFormula(++_lastId, constant));
        return known;
    }

    public Formula And(params ReadOnlySpan<Formula> parts) => Join(isAnd: true, parts);

    public Formula Or(params ReadOnlySpan<Formula> parts) => Join(isAnd: false, parts);

    public Formula Not(Formula formula)
    {
        if (!_negations.TryGetValue(formula, out Formula? known))
        {
            _negations[formula] = known = Add(new NotFormula(++_lastId, formula));
            _negations[known] = formula;
        }

        return known;
    }

    private Formula Join(bool isAnd, ReadOnlySpan<Formula> parts)
    {
        Formula neutral = isAnd ? Formula.Any : Formula.None;
        Formula absorbing = isAnd ? Formula.None : Formula.Any;
        SortedDictionary<int, Formula> distinct = [];
        foreach (Formula part in parts)
        {
            Formula[] inner = part switch
            {
                AndFormula conjunction when isAnd => conjunction.Parts,
                OrFormula disjunction when !isAnd => disjunction.Parts,
                _ => [part],
            };
            foreach (Formula one in inner)
            {
                if (one == absorbing)
                    return absorbing;
                if (one != neutral)
                    distinct[one.Id] = one;
            }
        }

        if (distinct.Count == 0)
            return neutral;
        if (distinct.Count == 1)
            return distinct.Values.First();
        foreach (Formula one in distinct.Values)
        {
            if (_negations.TryGetValue(one, out Formula? opposite) && distinct.ContainsKey(opposite.Id))
                return absorbing;
        }

        Formula[] joined = [.. distinct.Values];
        FormulaSet key = new(joined);
        if (!_joined.TryGetValue((isAnd, key), out Formula? known))
            _joined[(isAnd, key)] = known = Add(isAnd ? new AndFormula(++_lastId, joined) : new OrFormula(++_lastId, joined));
        return known;
    }

    private Formula Add(Formula formula)
    {
        budget.Spend();
        return formula;
    }

    /// <summary>Formulas ordered by their ids.</summary>
    private readonly struct FormulaSet(Formula[] parts) : IEquatable<FormulaSet>
    {
        private readonly Formula[] _parts = parts;

        public bool Equals(FormulaSet other) => _parts.AsSpan().SequenceEqual(other._parts);

        public override bool Equals(object? obj) => obj is FormulaSet other && Equals(other);

        public override int GetHashCode()
        {
            HashCode hash = default;
            foreach (Formula part in _parts)
                hash.Add(part.Id);
            return hash.ToHashCode();
        }
    }
}
