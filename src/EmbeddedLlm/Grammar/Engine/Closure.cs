using System.Runtime.InteropServices;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// Finds all that can come at one place of the text without reading a byte: follows parts into their first parts, and completed parts into what waits for
/// them, until only lexical automata are left. One instance per grammar machine, used under its lock.
/// </summary>
/// <remarks>
/// This is the zero-width part of generalized LL parsing (Scott and Johnstone, "GLL Parsing", 2010): a rule that begins here for several reasons is followed
/// once, for all who wait for it. As their number may grow while the rule is followed, that set is mutable until the closure is settled. Nothing recurses:
/// parts and completions go through work lists.
/// </remarks>
internal sealed class Closure(GrammarMachine machine, int workLimit)
{
    private readonly Queue<(GrammarNode Node, ParserStack Below)> _entries = new();
    private readonly Queue<(ParserStack Stack, int Label)> _returns = new();
    private readonly HashSet<(GrammarNode, ParserStack)> _entered = [];
    private readonly HashSet<(ParserStack, int)> _returned = [];
    private readonly Dictionary<RuleNode, RuleCallers> _rules = [];
    private readonly Dictionary<(Continuation, ParserStack), OpenFrame> _open = [];
    private readonly HashSet<(LexicalState, ParserStack)> _items = [];
    private bool _isComplete;
    private int _work;

    /// <summary>Follows a part; what comes after it is on the stack.</summary>
    public void Enter(GrammarNode node, ParserStack below)
    {
        if (_entered.Add((node, below)))
            _entries.Enqueue((node, below));
    }

    /// <summary>Follows a part, and lets a continuation wait for its end.</summary>
    public void Call(GrammarNode node, Continuation then, ParserStack below) => Enter(node, Push(then, below));

    /// <summary>Lets a lexical automaton begin, and a continuation wait for its end.</summary>
    public void Call(LexicalState start, Continuation then, ParserStack below) => Add(start, Push(then, below));

    /// <summary>Follows a rule's body once, for all who wait for the rule here.</summary>
    public void EnterRule(RuleNode rule, ParserStack below)
    {
        ref RuleCallers? callers = ref CollectionsMarshal.GetValueRefOrAddDefault(_rules, rule, out bool exists);
        if (!exists)
        {
            callers = new RuleCallers();
            Enter(rule.Body, callers);
        }

        if (callers!.Callers.Add(below))
        {
            foreach (int label in callers.Labels)
                Return(below, label);
        }
    }

    /// <summary>Lets a lexical automaton begin.</summary>
    public void Add(LexicalState start, ParserStack stack)
    {
        if (start.CanContinue)
            _items.Add((start, stack));
        if (start.IsAccepting)
            Return(stack, start.Label);
    }

    /// <summary>Goes on with whatever waits for the end of a part.</summary>
    /// <param name="stack">What waits.</param>
    /// <param name="label">What the part's automaton found, or 0.</param>
    public void Return(ParserStack stack, int label = 0)
    {
        if (_returned.Add((stack, label)))
            _returns.Enqueue((stack, label));
    }

    /// <summary>Says that the text may end here.</summary>
    public void Complete() => _isComplete = true;

    /// <summary>The stack with a continuation on top.</summary>
    private ParserStack Push(Continuation then, ParserStack below)
    {
        if (below is not (OpenFrame or RuleCallers))
            return machine.Stack(then, below);
        ref OpenFrame? frame = ref CollectionsMarshal.GetValueRefOrAddDefault(_open, (then, below), out bool exists);
        return exists ? frame! : frame = new OpenFrame(then, below);
    }

    /// <summary>Follows all that was noted, gives the machine's configuration for it, and forgets it.</summary>
    /// <exception cref="GrammarException">The grammar is so ambiguous here that following it would take too long.</exception>
    public Configuration Settle()
    {
        try
        {
            Follow();
            return machine.Configuration(SettleItems(), _isComplete);
        }
        finally
        {
            _entries.Clear();
            _returns.Clear();
            _entered.Clear();
            _returned.Clear();
            _rules.Clear();
            _open.Clear();
            _items.Clear();
            _isComplete = false;
            _work = 0;
        }
    }

    private void Follow()
    {
        while (true)
        {
            if (++_work > workLimit)
                throw new GrammarException($"The grammar is too ambiguous: more than {workLimit} ways to go on at one place of the text.");
            if (_returns.TryDequeue(out (ParserStack Stack, int Label) done))
                Resume(done.Stack, done.Label);
            else if (_entries.TryDequeue(out (GrammarNode Node, ParserStack Below) entry))
                entry.Node.Enter(this, entry.Below);
            else
                return;
        }
    }

    private void Resume(ParserStack stack, int label)
    {
        switch (stack)
        {
            case OpenFrame open:
                open.Then.Resume(this, open.Below, label);
                break;
            case RuleCallers callers:
                if (callers.Labels.Add(label))
                {
                    foreach (ParserStack caller in callers.Callers)
                        Return(caller, label);
                }

                break;
            default:
                foreach (ParserStack.Frame frame in stack.Frames)
                    frame.Then.Resume(this, frame.Below, label);
                break;
        }
    }

    /// <summary>The lexical automata with settled stacks; one item per automaton's state, which waits for all that any of its stacks wait for.</summary>
    private ReadOnlySpan<Configuration.Item> SettleItems()
    {
        if (_items.Count == 0)
            return [];
        if (_items.Count == 1)
        {
            (LexicalState state, ParserStack stack) = _items.Single();
            return new[] { new Configuration.Item(state, Settle(stack, [])) };
        }

        return SettleSeveral();
    }

    private ReadOnlySpan<Configuration.Item> SettleSeveral()
    {
        Dictionary<LexicalState, HashSet<ParserStack>> stacks = [];
        Dictionary<ParserStack, ParserStack> settled = [];
        foreach ((LexicalState state, ParserStack stack) in _items)
        {
            ref HashSet<ParserStack>? all = ref CollectionsMarshal.GetValueRefOrAddDefault(stacks, state, out _);
            (all ??= []).Add(Settle(stack, settled));
        }

        List<Configuration.Item> items = new(stacks.Count);
        foreach ((LexicalState state, HashSet<ParserStack> all) in stacks)
            items.Add(new Configuration.Item(state, all.Count == 1 ? all.First() : machine.Stack(all)));
        items.Sort(static (left, right) => left.State.Id.CompareTo(right.State.Id));
        return CollectionsMarshal.AsSpan(items);
    }

    /// <summary>Turns a stack of this closure into one that lasts, those below it first.</summary>
    private ParserStack Settle(ParserStack stack, Dictionary<ParserStack, ParserStack> settled)
    {
        if (stack is not (OpenFrame or RuleCallers))
            return stack;
        if (settled.TryGetValue(stack, out ParserStack? known))
            return known;

        HashSet<ParserStack> begun = [];
        Stack<ParserStack> todo = new();
        todo.Push(stack);
        while (todo.TryPeek(out ParserStack? next))
        {
            if (settled.ContainsKey(next))
            {
                todo.Pop();
                continue;
            }

            List<ParserStack> sources = Sources(next);
            bool isFirst = begun.Add(next);
            bool isReady = true;
            foreach (ParserStack source in sources)
            {
                if (source is OpenFrame { Below: OpenFrame or RuleCallers } open && !settled.ContainsKey(open.Below))
                {
                    // What is not settled the second time waits for itself: a rule that begins with itself.
                    if (!isFirst)
                        throw new GrammarException("A rule begins with itself: left recursion is not supported.");
                    todo.Push(open.Below);
                    isReady = false;
                }
            }

            if (!isReady)
                continue;
            todo.Pop();
            HashSet<ParserStack> lasting = [];
            foreach (ParserStack source in sources)
            {
                lasting.Add(source is OpenFrame open
                    ? machine.Stack(open.Then, settled.GetValueOrDefault(open.Below, open.Below))
                    : source);
            }

            settled[next] = lasting.Count == 1 ? lasting.First() : machine.Stack(lasting);
        }

        return settled[stack];
    }

    /// <summary>The stacks a stack of this closure stands for: frames, or stacks that last; callers of callers included.</summary>
    private static List<ParserStack> Sources(ParserStack stack)
    {
        List<ParserStack> sources = [];
        HashSet<ParserStack> seen = [stack];
        Queue<ParserStack> todo = new();
        todo.Enqueue(stack);
        while (todo.TryDequeue(out ParserStack? next))
        {
            if (next is not RuleCallers callers)
            {
                sources.Add(next);
                continue;
            }

            foreach (ParserStack caller in callers.Callers)
            {
                if (seen.Add(caller))
                    todo.Enqueue(caller);
            }
        }

        return sources;
    }

    /// <summary>A continuation above a stack that is not settled yet.</summary>
    private sealed class OpenFrame(Continuation then, ParserStack below) : ParserStack(-1, [])
    {
        public Continuation Then { get; } = then;

        public ParserStack Below { get; } = below;
    }

    /// <summary>All who wait here for one rule, and the labels it has ended with here already.</summary>
    private sealed class RuleCallers() : ParserStack(-1, [])
    {
        public HashSet<ParserStack> Callers { get; } = [];

        public HashSet<int> Labels { get; } = [];
    }
}
