namespace EmbeddedLlm.Grammars;

/// <summary>
/// Turns GBNF rules into the parts that a parser follows. What does not use itself becomes lexical automata, as large as possible: their states are found once and have no
/// stack. Only what uses itself is left to the parser.
/// </summary>
internal sealed class GbnfCompiler
{
    /// <summary>
    /// The size, in characters and operators, above which a piece keeps an automaton of its own instead of being copied into another one. Bounds what copies of copies of rules
    /// grow to, and what it costs to append to a long sequence again and again.
    /// </summary>
    private const long CopyLimit = 2000;

    private readonly Dictionary<GbnfRule, Value> _rules = [];
    private readonly Dictionary<GbnfRule, RuleNode> _nodes = [];
    private readonly Dictionary<Pattern, TerminalNode> _terminals = new(ReferenceEqualityComparer.Instance);

    private GbnfCompiler()
    {
    }

    /// <param name="rules">From <see cref="GbnfAnalysis.Analyze"/>; the last one is the one to begin with.</param>
    /// <exception cref="GrammarException">A piece exceeds the limits of lexical automata.</exception>
    public static GrammarNode Compile(List<GbnfRule> rules)
    {
        GbnfCompiler compiler = new();
        foreach (GbnfRule rule in rules)
        {
            if (rule.IsRecursive)
                compiler._nodes[rule] = new RuleNode(rule.Name);
        }

        foreach (GbnfRule rule in rules.Where(static rule => rule.Body!.IsProductive))
        {
            Value body = compiler.Compile(rule.Body!);
            if (compiler._nodes.TryGetValue(rule, out RuleNode? node))
            {
                node.Body = compiler.Node(body);
            }
            else if (body.Pattern is null)
            {
                node = new RuleNode(rule.Name) { Body = body.Node! };
                body = new Value(null, node, 0);
            }

            compiler._rules[rule] = node is null ? body : new Value(null, node, 0);
        }

        return compiler.Node(compiler._rules[rules[^1]]);
    }

    /// <summary>Compiles a rule's body, the innermost parts first.</summary>
    private Value Compile(GbnfPart body)
    {
        Stack<(GbnfPart Part, bool AreInnerDone)> todo = new([(body, false)]);
        Stack<Value> done = new();
        while (todo.TryPop(out (GbnfPart Part, bool AreInnerDone) next))
        {
            (GbnfPart part, bool areInnerDone) = next;
            if (!part.IsProductive)
            {
                done.Push(new Value(Pattern.Nothing, null, 0));
            }
            else if (part.Parts.Count > 0 && !areInnerDone)
            {
                todo.Push((part, true));
                for (int i = part.Parts.Count - 1; i >= 0; i--)
                    todo.Push((part.Parts[i], false));
            }
            else
            {
                Value[] inner = new Value[part.Parts.Count];
                for (int i = inner.Length - 1; i >= 0; i--)
                    inner[i] = done.Pop();
                done.Push(Combine(part, inner));
            }
        }

        return done.Pop();
    }

    private Value Combine(GbnfPart part, Value[] inner) => part switch
    {
        GbnfPart.Characters characters => new Value(characters.Pattern, null, (characters.Pattern as Pattern.Concat)?.Parts.Length ?? 1),
        GbnfPart.Token token => new Value(null, new TerminalNode(new TokenState(token.Meant)), 0),
        GbnfPart.Reference use => _nodes.TryGetValue(use.Rule, out RuleNode? node) ? new Value(null, node, 0) : _rules[use.Rule],
        GbnfPart.Sequence => Sequence(inner),
        GbnfPart.Choice => Choice(inner),
        GbnfPart.Repeat repeat => Repeat(inner[0], repeat.Min, repeat.Max),
        _ => throw new InvalidOperationException($"There is no part of the kind {part.GetType().Name}."),
    };

    private Value Sequence(Value[] parts)
    {
        List<GrammarNode> nodes = [];
        List<Pattern> run = [];
        long size = 0;
        foreach (Value part in parts)
        {
            if (part.Pattern is not null && part.Size <= CopyLimit)
            {
                run.Add(part.Pattern);
                size += part.Size;
                continue;
            }

            EndRun();
            nodes.Add(Node(part));
        }

        if (nodes.Count == 0)
            return new Value(Pattern.Sequence([.. run]), null, size);
        EndRun();
        return new Value(null, nodes.Count == 1 ? nodes[0] : new SequenceNode([.. nodes]), 0);

        void EndRun()
        {
            if (run.Count > 0)
                nodes.Add(Terminal(Pattern.Sequence([.. run])));
            run.Clear();
        }
    }

    private Value Choice(Value[] parts)
    {
        Pattern[] patterns = [.. parts.Select(static part => part.Pattern).OfType<Pattern>().Where(static pattern => !pattern.IsNothing)];
        GrammarNode[] nodes = [.. parts.Select(static part => part.Node).OfType<GrammarNode>()];
        Pattern all = Pattern.OneOf(patterns);
        return nodes.Length == 0
            ? new Value(all, null, 1 + parts.Sum(static part => part.Size))
            : new Value(null, new ChoiceNode(patterns.Length == 0 ? nodes : [Terminal(all), .. nodes]), 0);
    }

    private static Value Repeat(Value part, int min, int? max)
    {
        if (max == 0 || part.Pattern is { IsNothing: true })
            return new Value(Pattern.Empty, null, 0);
        return part.Pattern is not null
            ? new Value(Pattern.Times(part.Pattern, min, max), null, part.Size + 1)
            : new Value(null, new RepeatNode(part.Node!, min, max), 0);
    }

    private GrammarNode Node(Value value) => value.Node ?? Terminal(value.Pattern!);

    private GrammarNode Terminal(Pattern pattern)
    {
        if (pattern is Pattern.EmptyText)
            return EmptyNode.Instance;
        if (!_terminals.TryGetValue(pattern, out TerminalNode? terminal))
        {
            LexicalState start = PlainText.Create(pattern) ?? throw new InvalidOperationException("A part that has a text became an automaton that has none.");
            _terminals[pattern] = terminal = new TerminalNode(start);
        }

        return terminal;
    }

    /// <summary>What a part became: a regular expression, to become an automaton together with what is around it, or else a part for the parser.</summary>
    private readonly record struct Value(Pattern? Pattern, GrammarNode? Node, long Size);
}
