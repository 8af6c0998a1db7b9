namespace EmbeddedLlm.Grammars;

internal sealed partial class ValueAlgebra
{
    /// <summary>Up to how many keys of a finite kind are taken one by one.</summary>
    private const int KeyListLimit = 32;

    private readonly Dictionary<(string Name, Formula Value), PropertyRules> _singleRules = [];
    private readonly Dictionary<(KeyKind Keys, Formula Value), PropertyRules> _kindRules = [];

    /// <summary>What the value of a key of an object must be.</summary>
    public Formula Value(ObjectPart part, string key)
    {
        if (part.Forbidden.Contains(key))
            return Formula.None;
        Formula value = Formula.Any;
        foreach (PropertyRules rules in part.Rules)
            value = formulas.And(value, rules.Value(key, formulas));
        return value;
    }

    /// <summary>An array's bounds brought into one form; null where they leave nothing.</summary>
    public ArrayPart? Normalize(ArrayPart part)
    {
        List<Formula> prefix = [.. part.Prefix];
        Formula rest = part.Rest;
        int? max = part.Max;
        int possible = prefix.IndexOf(Formula.None);
        if (possible < 0 && rest == Formula.None)
            possible = prefix.Count;
        if (possible >= 0)
        {
            max = Least(max, possible);
            rest = Formula.None;
        }

        if (max is { } limit && prefix.Count > limit)
            prefix.RemoveRange(limit, prefix.Count - limit);
        if (max == prefix.Count)
            rest = Formula.None;
        while (prefix.Count > 0 && prefix[^1] == rest)
            prefix.RemoveAt(prefix.Count - 1);

        int min = part.Min;
        List<ContainsRule> contains = [];
        foreach (ContainsRule rule in part.Contains.Distinct())
        {
            if (rule.Kind == Formula.Any)
            {
                if (rule.Min > 0)
                    min = Math.Max(min, rule.From + rule.Min);
                if (rule.Max is { } most)
                    max = Least(max, rule.From + most);
            }
            else if (rule.Min > (rule.Max ?? int.MaxValue) || (rule.Kind == Formula.None && rule.Min > 0))
            {
                return null;
            }
            else if (rule.Kind != Formula.None && (rule.Min > 0 || rule.Max is not null))
            {
                contains.Add(rule);
                if (rule.Min > 0)
                    min = Math.Max(min, rule.From + rule.Min);
            }
        }

        if (min > max)
            return null;
        if (max != part.Max && part.Contains.Length > 0)
            return Normalize(part with { Prefix = [.. prefix], Rest = rest, Min = min, Max = max, Contains = [.. contains] });
        return part with { Prefix = [.. prefix], Rest = rest, Min = min, Max = max, Contains = [.. contains], IsUnique = part.IsUnique && !(max <= 1) };
    }

    /// <summary>An object's bounds brought into one form; null where they leave nothing.</summary>
    public ObjectPart? Normalize(ObjectPart part)
    {
        if (part.Required.Count > part.Max || part.Min > part.Max || part.Required.Overlaps(part.Forbidden))
            return null;
        if (!part.Rules.IsEmpty)
        {
            foreach (string name in part.Required)
            {
                budget.Spend();
                if (Value(part, name) == Formula.None)
                    return null;
            }
        }

        return part.Min > 0 && part.Min <= part.Required.Count ? part with { Min = 0 } : part;
    }

    private ArrayPart? And(ArrayPart left, ArrayPart right)
    {
        if (left.IsAny)
            return right;
        if (right.IsAny)
            return left;
        Formula[] prefix = new Formula[Math.Max(left.Prefix.Length, right.Prefix.Length)];
        budget.Spend(prefix.Length);
        for (int i = 0; i < prefix.Length; i++)
            prefix[i] = formulas.And(left.Item(i), right.Item(i));
        return Normalize(new ArrayPart
        {
            Prefix = [.. prefix],
            Rest = formulas.And(left.Rest, right.Rest),
            Min = Math.Max(left.Min, right.Min),
            Max = Least(left.Max, right.Max),
            Contains = left.Contains.AddRange(right.Contains),
            IsUnique = left.IsUnique || right.IsUnique,
            ContainsPlace = left.Contains.IsEmpty ? right.ContainsPlace : left.ContainsPlace,
            UniquePlace = left.IsUnique ? left.UniquePlace : right.UniquePlace,
        });
    }

    private List<ArrayPart> Not(ArrayPart part)
    {
        if (part.IsUnique)
        {
            const string Reason = "that items are not unique cannot be asked for";
            throw part.UniquePlace.Pointer == Reading.Location.Pointer ? part.UniquePlace.NotSupported(Reason) : NotSupported(Reason);
        }

        List<ArrayPart> outside = [];
        if (part.Min > 0)
            outside.Add(new ArrayPart { Max = part.Min - 1 });
        if (part.Max is { } max && max < int.MaxValue)
            outside.Add(new ArrayPart { Min = max + 1 });
        for (int i = 0; i < part.Prefix.Length; i++)
        {
            if (part.Prefix[i] != Formula.Any)
                outside.Add(new ArrayPart { Min = i + 1, Prefix = [.. Enumerable.Repeat(Formula.Any, i), formulas.Not(part.Prefix[i])] });
        }

        if (part.Rest != Formula.Any)
            outside.Add(new ArrayPart { Contains = [new ContainsRule(part.Prefix.Length, formulas.Not(part.Rest), 1, null)], ContainsPlace = ReadingPlace });
        foreach (ContainsRule rule in part.Contains)
        {
            if (rule.Min > 0)
                outside.Add(new ArrayPart { Contains = [rule with { Min = 0, Max = rule.Min - 1 }], ContainsPlace = ReadingPlace });
            if (rule.Max is { } most && most < int.MaxValue)
                outside.Add(new ArrayPart { Contains = [rule with { Min = most + 1, Max = null }], ContainsPlace = ReadingPlace });
        }

        return [.. outside.Select(Normalize).OfType<ArrayPart>()];
    }

    private ObjectPart? And(ObjectPart left, ObjectPart right)
    {
        if (left.IsAny)
            return right;
        if (right.IsAny)
            return left;
        return Normalize(new ObjectPart
        {
            Rules = right.Rules.IsEmpty ? left.Rules : [.. left.Rules.Union(right.Rules)],
            Required = left.Required.Union(right.Required),
            Forbidden = left.Forbidden.Union(right.Forbidden),
            Dependents = left.Dependents.Union(right.Dependents),
            Exists = [.. left.Exists.Union(right.Exists)],
            Min = Math.Max(left.Min, right.Min),
            Max = Least(left.Max, right.Max),
            MinPlace = left.Min >= right.Min ? left.MinPlace : right.MinPlace,
            ExistsPlace = left.Exists.IsEmpty ? right.ExistsPlace : left.ExistsPlace,
            Pointer = left.Pointer.Length > 0 ? left.Pointer : right.Pointer,
        });
    }

    private List<ObjectPart> Not(ObjectPart part)
    {
        List<ObjectPart> outside = [];
        foreach (string name in part.Required)
            outside.Add(ObjectPart.Any with { Forbidden = ObjectPart.NoNames.Add(name) });
        foreach (string name in part.Forbidden)
            outside.Add(ObjectPart.Any with { Required = ObjectPart.NoNames.Add(name) });
        foreach ((string trigger, string needed) in part.Dependents)
            outside.Add(ObjectPart.Any with { Required = ObjectPart.NoNames.Add(trigger), Forbidden = ObjectPart.NoNames.Add(needed) });
        if (part.Min > 0)
            outside.Add(ObjectPart.Any with { Max = part.Min - 1, Pointer = part.Pointer });
        if (part.Max is { } max && max < int.MaxValue)
            outside.Add(ObjectPart.Any with { Min = max + 1, MinPlace = ReadingPlace, Pointer = part.Pointer });
        foreach (ExistsRule rule in part.Exists)
            outside.Add(ObjectPart.Any with { Rules = [ForKind(rule.Keys, formulas.Not(rule.Value))] });
        foreach (PropertyRules rules in part.Rules)
        {
            if (!rules.Keys.IsAny)
                outside.AddRange(Existing(new KeyKind(Not(rules.Keys), null), Formula.Any, part.Pointer));
            foreach ((string name, Formula value) in rules.Names)
            {
                if (value != Formula.Any)
                    outside.Add(WithProperty(name, formulas.Not(value)));
            }

            foreach ((TextAutomaton pattern, Formula value) in rules.Patterns)
            {
                if (value != Formula.Any)
                    outside.AddRange(Existing(new KeyKind(pattern, null), formulas.Not(value), part.Pointer));
            }

            if (rules.Additional != Formula.Any)
                outside.AddRange(Existing(new KeyKind(null, rules), formulas.Not(rules.Additional), part.Pointer));
        }

        return outside;
    }

    /// <summary>The objects that have a key with a value in a set.</summary>
    public ObjectPart WithProperty(string name, Formula value) => ObjectPart.Any with
    {
        Required = ObjectPart.NoNames.Add(name),
        Rules = value == Formula.Any ? [] : [Single(name, value)],
    };

    /// <summary>The objects that have a key of a kind with a value in a set.</summary>
    private IEnumerable<ObjectPart> Existing(KeyKind keys, Formula value, string pointer)
    {
        if (keys.In is { } automaton && automaton.Enumerate(KeyListLimit) is { } names)
            return names.Select(name => WithProperty(name, value));
        return [ObjectPart.Any with { Exists = [new ExistsRule(keys, value)], ExistsPlace = ReadingPlace, Pointer = pointer }];
    }

    private PropertyRules Single(string name, Formula value)
    {
        if (!_singleRules.TryGetValue((name, value), out PropertyRules? rules))
            _singleRules[(name, value)] = rules = new PropertyRules { Names = [new(name, value)] };
        return rules;
    }

    /// <summary>The rules that ask for values in a set from all keys of a kind.</summary>
    private PropertyRules ForKind(KeyKind keys, Formula value)
    {
        if (!_kindRules.TryGetValue((keys, value), out PropertyRules? rules))
        {
            _kindRules[(keys, value)] = rules = keys.In is { } automaton
                ? new PropertyRules { Patterns = [(automaton, value)] }
                : new PropertyRules
                {
                    Names = [.. keys.OtherThan!.Names.Select(name => new KeyValuePair<string, Formula>(name.Key, Formula.Any))],
                    Patterns = [.. keys.OtherThan.Patterns.Select(pattern => (pattern.Keys, Formula.Any))],
                    Additional = value,
                };
        }

        return rules;
    }
}
