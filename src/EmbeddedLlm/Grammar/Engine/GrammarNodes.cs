namespace EmbeddedLlm.Grammars;

/// <summary>A lexical automaton as a part of a grammar.</summary>
internal sealed class TerminalNode(LexicalState start) : GrammarNode
{
    public LexicalState Start { get; } = start;

    public override void Enter(Closure closure, ParserStack below) => closure.Add(Start, below);
}

/// <summary>The empty text.</summary>
internal sealed class EmptyNode : GrammarNode
{
    public static EmptyNode Instance { get; } = new();

    public override void Enter(Closure closure, ParserStack below) => closure.Return(below);
}

/// <summary>Parts one after the other, at least one.</summary>
internal sealed class SequenceNode : GrammarNode
{
    private readonly GrammarNode[] _parts;
    private readonly Rest[] _rests;

    public SequenceNode(params ReadOnlySpan<GrammarNode> parts)
    {
        ArgumentOutOfRangeException.ThrowIfZero(parts.Length, nameof(parts));
        _parts = parts.ToArray();
        _rests = new Rest[parts.Length];
        for (int i = 0; i < _rests.Length; i++)
            _rests[i] = new Rest(this, i);
    }

    public ReadOnlySpan<GrammarNode> Parts => _parts;

    public override void Enter(Closure closure, ParserStack below) => EnterFrom(0, closure, below);

    /// <summary>The last part is entered with what is below: nothing waits for it but that, so recursion at the end of a rule takes no stack.</summary>
    private void EnterFrom(int index, Closure closure, ParserStack below)
    {
        if (index == _parts.Length - 1)
            closure.Enter(_parts[index], below);
        else
            closure.Call(_parts[index], _rests[index], below);
    }

    private sealed class Rest(SequenceNode sequence, int index) : Continuation
    {
        public override void Resume(Closure closure, ParserStack below, int label) => sequence.EnterFrom(index + 1, closure, below);
    }
}

/// <summary>One of several parts.</summary>
internal sealed class ChoiceNode(params GrammarNode[] alternatives) : GrammarNode
{
    public ReadOnlySpan<GrammarNode> Alternatives => alternatives;

    public override void Enter(Closure closure, ParserStack below)
    {
        foreach (GrammarNode alternative in alternatives)
            closure.Enter(alternative, below);
    }
}

/// <summary>A part several times in a row. The count is on the stack, so a large bound costs nothing.</summary>
internal sealed class RepeatNode : GrammarNode
{
    private readonly GrammarNode _part;
    private readonly int _min;
    private readonly int? _max;
    private readonly Dictionary<int, Times> _times = [];

    public RepeatNode(GrammarNode part, int min, int? max)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(min);
        if (max < min)
            throw new ArgumentOutOfRangeException(nameof(max), max, $"Less than the minimum, {min}.");
        _part = part;
        _min = min;
        _max = max;
    }

    public GrammarNode Part => _part;

    public int Min => _min;

    public override void Enter(Closure closure, ParserStack below) => Continue(0, closure, below);

    private void Continue(int done, Closure closure, ParserStack below)
    {
        if (done >= _min)
            closure.Return(below);
        if (done != _max)
            closure.Call(_part, After(done + 1), below);
    }

    /// <summary>Without an upper bound, all counts from the minimum on are alike.</summary>
    private Times After(int done)
    {
        if (_max is null)
            done = Math.Min(done, Math.Max(_min, 1));
        lock (_times)
        {
            if (!_times.TryGetValue(done, out Times? times))
                _times[done] = times = new Times(this, done);
            return times;
        }
    }

    private sealed class Times(RepeatNode repeat, int done) : Continuation
    {
        public override void Resume(Closure closure, ParserStack below, int label) => repeat.Continue(done, closure, below);
    }
}

/// <summary>A part that may refer to itself. Its body is set once, after it is made; a rule must not begin with itself.</summary>
internal sealed class RuleNode(string name) : GrammarNode
{
    private GrammarNode? _body;

    public string Name { get; } = name;

    public GrammarNode Body
    {
        get => _body ?? throw new InvalidOperationException($"The rule '{Name}' has no body.");
        set => _body = _body is null ? value : throw new InvalidOperationException($"The rule '{Name}' has a body already.");
    }

    public override void Enter(Closure closure, ParserStack below) => closure.EnterRule(this, below);
}

/// <summary>A place where nothing can come: a part of which no text is an instance.</summary>
internal sealed class NothingNode : GrammarNode
{
    public static NothingNode Instance { get; } = new();

    public override void Enter(Closure closure, ParserStack below)
    {
    }
}
