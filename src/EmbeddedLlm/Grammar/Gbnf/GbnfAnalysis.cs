namespace EmbeddedLlm.Grammars;

/// <summary>
/// Finds out what of a GBNF grammar can be empty, can have a text at all, and uses itself; refuses grammars that have no text, and rules that begin with themselves.
/// Takes time in proportion to the grammar's size.
/// </summary>
internal static class GbnfAnalysis
{
    /// <param name="rules">The rules, the one to begin with first.</param>
    /// <param name="error">Makes an error at an offset of the grammar's text.</param>
    /// <returns>The rules that the first one uses, and itself at the end: each behind those that it uses, unless these use it too.</returns>
    /// <exception cref="GrammarException">The grammar has no text, or a rule begins with itself.</exception>
    public static List<GbnfRule> Analyze(List<GbnfRule> rules, Func<string, int, GrammarException> error)
    {
        List<GbnfPart> parts = Connect(rules);
        Spread(
            parts,
            static part => part is GbnfPart.Characters { Pattern.IsNullable: true },
            static part => part.IsNullable,
            static part => part.IsNullable = true);
        Spread(
            parts,
            static part => part is GbnfPart.Token or GbnfPart.Characters { Pattern.IsNothing: false },
            static part => part.IsProductive,
            static part => part.IsProductive = true);
        RefuseLeftRecursion(rules, error);
        if (!rules[0].Body!.IsProductive)
            throw error($"No text ends the rule '{rules[0].Name}': each of its alternatives goes on for ever.", rules[0].Offset);
        return Order(rules[0]);
    }

    /// <summary>Notes for each part where it is, and for each rule what it uses.</summary>
    private static List<GbnfPart> Connect(List<GbnfRule> rules)
    {
        List<GbnfPart> parts = [];
        foreach (GbnfRule rule in rules)
        {
            int next = parts.Count;
            rule.Body!.BodyOf = rule;
            parts.Add(rule.Body);
            for (; next < parts.Count; next++)
            {
                if (parts[next] is GbnfPart.Reference use)
                    rule.Callees.TryAdd(use.Rule, use);
                foreach (GbnfPart part in parts[next].Parts)
                {
                    part.Parent = parts[next];
                    parts.Add(part);
                }
            }
        }

        return parts;
    }

    /// <summary>
    /// Gives a property to parts that have it by themselves, and to those that have it because of their parts: a sequence where all have it, a choice where one has it, a
    /// repetition where its part has it or need not be there, a use where the rule's body has it. Each part is visited once, and counts for a sequence once
    /// (Dowling and Gallier, "Linear-time algorithms for testing the satisfiability of propositional Horn formulae", 1984).
    /// </summary>
    private static void Spread(List<GbnfPart> parts, Func<GbnfPart, bool> hasByItself, Func<GbnfPart, bool> has, Action<GbnfPart> give)
    {
        Dictionary<GbnfPart, int> missing = [];
        Stack<GbnfPart> given = new();
        foreach (GbnfPart part in parts)
        {
            if (part is GbnfPart.Sequence { Parts.Count: > 0 })
                missing[part] = part.Parts.Count;
            if (part is GbnfPart.Sequence { Parts.Count: 0 } or GbnfPart.Repeat { Min: 0 } || hasByItself(part))
                Give(part);
        }

        while (given.TryPop(out GbnfPart? part))
        {
            if (part.Parent is GbnfPart.Sequence sequence)
            {
                if (--missing[sequence] == 0)
                    Give(sequence);
            }
            else if (part.Parent is { } parent)
            {
                Give(parent);
            }
            else
            {
                part.BodyOf!.Uses.ForEach(Give);
            }
        }

        void Give(GbnfPart part)
        {
            if (has(part))
                return;
            give(part);
            given.Push(part);
        }
    }

    private static void RefuseLeftRecursion(List<GbnfRule> rules, Func<string, int, GrammarException> error)
    {
        HashSet<GbnfRule> done = [];
        HashSet<GbnfRule> open = [];
        Stack<(GbnfRule Rule, Queue<GbnfRule> Firsts)> path = new();
        foreach (GbnfRule from in rules)
        {
            if (!done.Contains(from))
                Open(from);
            while (path.TryPeek(out (GbnfRule Rule, Queue<GbnfRule> Firsts) top))
            {
                if (!top.Firsts.TryDequeue(out GbnfRule? next))
                {
                    path.Pop();
                    open.Remove(top.Rule);
                    done.Add(top.Rule);
                }
                else if (open.Contains(next))
                {
                    throw Recursion(next);
                }
                else if (!done.Contains(next))
                {
                    Open(next);
                }
            }
        }

        void Open(GbnfRule rule)
        {
            open.Add(rule);
            path.Push((rule, Firsts(rule)));
        }

        GrammarException Recursion(GbnfRule rule)
        {
            string[] through = [.. path.Select(step => step.Rule).TakeWhile(step => step != rule).Reverse().Select(step => $"'{step.Name}'")];
            string how = through.Length switch
            {
                0 => "",
                <= 5 => $", through {string.Join(", ", through)}",
                _ => $", through {string.Join(", ", through[..4])} and {through.Length - 4} more",
            };
            return error($"The rule '{rule.Name}' begins with itself{how}: left recursion is not supported.", rule.Offset);
        }
    }

    /// <summary>The rules that a rule can begin with.</summary>
    private static Queue<GbnfRule> Firsts(GbnfRule rule)
    {
        Queue<GbnfRule> firsts = new();
        Stack<GbnfPart> todo = new([rule.Body!]);
        while (todo.TryPop(out GbnfPart? part))
        {
            if (part is GbnfPart.Reference use)
                firsts.Enqueue(use.Rule);
            if (part is GbnfPart.Repeat { Max: 0 })
                continue;
            foreach (GbnfPart inner in part.Parts)
            {
                todo.Push(inner);
                if (part is GbnfPart.Sequence && !inner.IsNullable)
                    break;
            }
        }

        return firsts;
    }

    /// <summary>
    /// The rules that a rule uses, those that use each other together, callees ahead of their callers; and which use themselves (Tarjan, "Depth-first search and linear
    /// graph algorithms", 1972).
    /// </summary>
    private static List<GbnfRule> Order(GbnfRule root)
    {
        List<GbnfRule> order = [];
        Dictionary<GbnfRule, (int Index, int Low)> seen = [];
        HashSet<GbnfRule> isPending = [];
        Stack<GbnfRule> pending = new();
        Stack<(GbnfRule Rule, int NextCallee)> path = new();
        Open(root);
        while (path.TryPop(out (GbnfRule Rule, int NextCallee) top))
        {
            (GbnfRule rule, int at) = top;
            if (at < rule.Callees.Count)
            {
                path.Push((rule, at + 1));
                GbnfRule callee = rule.Callees.GetAt(at).Key;
                rule.IsRecursive |= callee == rule;
                if (!seen.TryGetValue(callee, out (int Index, int Low) known))
                    Open(callee);
                else if (isPending.Contains(callee))
                    Lower(rule, known.Index);
                continue;
            }

            if (path.TryPeek(out (GbnfRule Rule, int NextCallee) caller))
                Lower(caller.Rule, seen[rule].Low);
            if (seen[rule].Low != seen[rule].Index)
                continue;
            bool isGroup = pending.Peek() != rule;
            GbnfRule member;
            do
            {
                member = pending.Pop();
                isPending.Remove(member);
                member.IsRecursive |= isGroup;
                order.Add(member);
            }
            while (member != rule);
        }

        return order;

        void Open(GbnfRule rule)
        {
            seen[rule] = (seen.Count, seen.Count);
            pending.Push(rule);
            isPending.Add(rule);
            path.Push((rule, 0));
        }

        void Lower(GbnfRule rule, int index) => seen[rule] = seen[rule] with { Low = Math.Min(seen[rule].Low, index) };
    }
}
