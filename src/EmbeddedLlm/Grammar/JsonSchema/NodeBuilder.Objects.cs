using System.Collections.Immutable;

namespace EmbeddedLlm.Grammars;

internal sealed partial class NodeBuilder
{
    /// <summary>How many kinds of keys may be asked for at once in one object.</summary>
    private const int WantedLimit = 6;

    /// <summary>Makes one node for all sets of objects that differ only in which keys are there: many of them would each be followed.</summary>
    private void Objects(ImmutableArray<ObjectPart> parts, List<GrammarNode> nodes)
    {
        if (parts.Any(part => part.IsAny))
        {
            HasOtherKeys = true;
            nodes.Add(_free.Object);
            return;
        }

        Dictionary<ObjectPart, List<ObjectPart>> groups = [];
        foreach (ObjectPart part in parts.SelectMany(ByWitness).Distinct())
        {
            _budget.Spend();
            if (!_inhabitance.MayHave(part))
                continue;
            // The keys without a name that must be found are those without a name in this very part, so only parts with the same names may be joined.
            ObjectPart rules = ObjectPart.Any with
            {
                Rules = part.Rules,
                Exists = part.Exists,
                Forbidden = part.Exists.IsEmpty ? ObjectPart.NoNames : ObjectPart.NoNames.Union(ObjectKeys.NamesOf(part)),
            };
            if (!groups.TryGetValue(rules, out List<ObjectPart>? group))
                groups[rules] = group = [];
            group.Add(part);
        }

        foreach (List<ObjectPart> group in groups.Values)
        {
            GrammarNode? node = null;
            if (group.Count > 1 || !_objects.TryGetValue(group[0], out node))
            {
                node = Object(group);
                if (group.Count == 1)
                    _objects[group[0]] = node;
            }

            if (node is not null)
                nodes.Add(node);
        }
    }

    /// <summary>
    /// Divides objects that must have a key of some kind by which key that is: each of the named ones, or any other. So what is left to be found are keys without a name.
    /// </summary>
    private List<ObjectPart> ByWitness(ObjectPart part)
    {
        List<ObjectPart> divided = [part with { Exists = [] }];
        foreach (ExistsRule rule in part.Exists)
        {
            List<ObjectPart> next = [];
            foreach (ObjectPart one in divided)
            {
                foreach (string name in ObjectKeys.NamesOf(part).Where(rule.Keys.Contains))
                {
                    _budget.Spend();
                    if (_algebra.And(new ValueSet { Objects = [one] }, new ValueSet { Objects = [_algebra.WithProperty(name, rule.Value)] }).Objects is [var named])
                        next.Add(named);
                }

                next.Add(one with { Exists = one.Exists.Add(rule) });
            }

            divided = next;
        }

        return divided;
    }

    private ObjectNode? Object(List<ObjectPart> group)
    {
        ObjectPart first = group[0];
        if (first.Exists.Length > WantedLimit)
            throw first.ExistsPlace.NotSupported("an object must have keys of too many kinds");
        ObjectKeys keys;
        try
        {
            keys = new ObjectKeys(first, group, _algebra, _formulas, _anySpelling, isBare: _quote is not null);
        }
        catch (PatternNotSupportedException e)
        {
            throw new JsonSchemaNotSupportedException(first.Pointer, "patternProperties", e.Message);
        }

        _budget.Spend(keys.Values.Length);
        int[] positions = new int[keys.Values.Length];
        ObjectValue?[] values = new ObjectValue?[keys.Values.Length];
        Dictionary<string, int> labels = new(StringComparer.Ordinal);
        for (int label = 0; label < values.Length; label++)
        {
            positions[label] = keys.Keys.Matches[label].Name;
            if (positions[label] >= 0)
                labels[keys.Names[positions[label]]] = label;
            values[label] = Value(keys, label, first.Exists);
            if (_quote is not null && positions[label] >= 0 && values[label] is not null && !JsonKeys.Bare.Matches(keys.Names[positions[label]]))
                throw new JsonSchemaNotSupportedException(first.Pointer, "properties", $"the key '{keys.Names[positions[label]]}' cannot be written without quotes");
        }

        bool hasOthers = Enumerable.Range(0, values.Length).Any(label => positions[label] < 0 && values[label] is not null);
        HasOtherKeys |= hasOthers;
        ObjectLayout layout = new(keys.Keys, positions, values, [.. group.Select(part => Presence(part, labels, hasOthers))], first.Exists.Length)
        {
            Punctuation = _punctuation,
            IsAnyOrder = _isAnyOrder,
        };
        return layout.IsPossible ? new ObjectNode(layout) : null;
    }

    private ObjectValue? Value(ObjectKeys keys, int label, ImmutableArray<ExistsRule> wanted)
    {
        if (Node(keys.Values[label]) is not { } node)
            return null;
        if (wanted.IsEmpty || !keys.IsOther(label))
            return new ObjectValue(node, [(node, 0)]);
        List<(Formula Value, ulong Found)> divided = [(keys.Values[label], 0)];
        for (int kind = 0; kind < wanted.Length; kind++)
        {
            ExistsRule rule = wanted[kind];
            ulong found = 1UL << kind;
            if (!keys.IsOfKind(label, rule.Keys))
                continue;
            divided =
            [
                .. divided.Select(one => (_formulas.And(one.Value, rule.Value), one.Found | found)),
                .. divided.Select(one => (_formulas.And(one.Value, _formulas.Not(rule.Value)), one.Found)),
            ];
        }

        List<(GrammarNode Node, ulong Found)> alternatives = [];
        foreach ((Formula value, ulong found) in divided)
        {
            if (Node(value) is { } possible)
                alternatives.Add((possible, found));
        }

        return new ObjectValue(node, alternatives);
    }

    private static ObjectPresence Presence(ObjectPart part, Dictionary<string, int> labels, bool hasOthers)
    {
        if (part.Min > 1 && hasOthers)
            throw part.MinPlace.NotSupported("more than one key without a name of its own cannot be counted, since they might be the same");

        ObjectPresence presence = new()
        {
            Required = KeyChoice.Of(part.Required.Select(name => labels[name])),
            Forbidden = KeyChoice.Of(part.Forbidden.Select(name => labels[name])),
            Dependents = [.. part.Dependents.Select(pair => (labels[pair.If], labels[pair.Then]))],
            Min = part.Min,
            Max = part.Max,
        };
        if (part.Min > 0 && part.Max is not null && presence.Dependents.Any(pair => presence.Closure(KeyChoice.Of(pair.Then)).Contains(pair.If)))
            throw part.MinPlace.NotSupported("keys that need one another cannot be counted");
        return presence;
    }
}
