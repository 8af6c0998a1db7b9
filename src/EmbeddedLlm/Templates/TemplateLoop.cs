namespace EmbeddedLlm.Templates;

/// <summary>Reads the items of a loop, those that pass its test, and can look one ahead. Items are tested no earlier than they are read.</summary>
internal sealed class LoopCursor(Rendering rendering, Frame frame, ForStatement loop, TemplateValue iterable)
{
    private readonly int? _count = loop.Test is null ? iterable.Count : null;
    private IEnumerator<TemplateValue> _items = rendering.Enumerate(iterable);
    private TemplateValue? _next;

    public TemplateValue Current { get; private set; } = TemplateValue.None;

    public TemplateValue? Previous { get; private set; }

    /// <summary>The current item's index, from 0; -1 before the first.</summary>
    public int Index { get; private set; } = -1;

    public bool MoveNext()
    {
        TemplateValue? next = _next ?? Read();
        _next = null;
        if (next is null)
            return false;

        Previous = Index < 0 ? null : Current;
        Current = next;
        Index++;
        return true;
    }

    public TemplateValue? Peek() => _next ??= Read();

    /// <summary>The number of items, for which those of an unsized iterable are read ahead.</summary>
    public int Count()
    {
        if (_count is { } known)
            return known;

        List<TemplateValue> rest = [];
        for (TemplateValue? item = _next ?? Read(); item is not null; item = Read())
        {
            rendering.Charge(1);
            rest.Add(item);
        }

        _next = null;
        _items = rest.GetEnumerator();
        _isTested = true;
        return rest.Count + Index + 1;
    }

    private bool _isTested;

    private TemplateValue? Read()
    {
        while (_items.MoveNext())
        {
            TemplateValue item = _items.Current;
            if (loop.Test is null || _isTested)
                return item;

            rendering.Step();
            loop.TestTarget!.Assign(rendering, frame, item);
            loop.TestEntry.Enter(rendering, frame);
            if (loop.Test.Evaluate(rendering, frame).IsTrue)
                return loop.TestTarget.Collect(frame);
        }

        return null;
    }
}

/// <summary>Jinja's <c>loop</c> variable.</summary>
internal sealed class TemplateLoop(LoopCursor cursor, ForStatement statement, Frame frame, int depth) : TemplateValue
{
    private static readonly TemplateUndefined NoPrevious = TemplateUndefined.Because("there is no previous item");
    private static readonly TemplateUndefined NoNext = TemplateUndefined.Because("there is no next item");
    private static readonly Builtin CycleMethod = new("cycle", static (_, self, arguments) => ((TemplateLoop)self).Cycle(arguments));
    private static readonly Builtin ChangedMethod = new("changed", static (_, self, arguments) => ((TemplateLoop)self).Changed(arguments));
    private TemplateTuple? _lastChanged;

    public override string TypeName => "LoopContext";

    public override bool IsCallable => true;

    public override int? Count => cursor.Count();

    /// <summary>To go through a loop is to move it on.</summary>
    public override IEnumerator<TemplateValue> Enumerate(Rendering rendering)
    {
        rendering.EnsureStack();
        while (cursor.MoveNext())
        {
            rendering.EnsureStack();
            yield return new TemplateTuple(cursor.Current, this);
        }
    }

    public override TemplateValue? GetAttribute(Rendering rendering, string name) => name switch
    {
        "index" => From(cursor.Index + 1),
        "index0" => From(cursor.Index),
        "first" => From(cursor.Index == 0),
        "last" => From(cursor.Peek() is null),
        "length" => From(cursor.Count()),
        "revindex" => From(cursor.Count() - cursor.Index),
        "revindex0" => From(cursor.Count() - cursor.Index - 1),
        "previtem" => cursor.Previous ?? NoPrevious,
        "nextitem" => cursor.Peek() ?? NoNext,
        "depth" => From(depth + 1),
        "depth0" => From(depth),
        "cycle" => new TemplateMethod(CycleMethod, this),
        "changed" => new TemplateMethod(ChangedMethod, this),
        _ => null,
    };

    public override TemplateValue Call(Rendering rendering, Arguments arguments)
    {
        if (!statement.IsRecursive)
            throw new TemplateFault("The loop must have the 'recursive' marker to be called recursively.");
        TemplateValue? iterable = arguments.Positional.Length == 1 ? arguments.Positional[0] : arguments.Find("iterable");
        if (iterable is null || arguments.Positional.Length + arguments.Named.Length != 1)
            throw new TemplateFault("loop() takes one argument, the items of the next level");
        return statement.RunNested(rendering, frame.Outer!, iterable, depth + 1);
    }

    public override void WriteRepr(ReprWriter writer) => writer.Write($"<LoopContext {cursor.Index + 1}/{cursor.Count()}>");

    private TemplateValue Cycle(Arguments arguments)
    {
        arguments.EnsureNoNames("cycle");
        TemplateValue[] items = arguments.Positional;
        return items.Length == 0 ? throw new TemplateFault("no items for cycling given") : items[cursor.Index % items.Length];
    }

    private TemplateValue Changed(Arguments arguments)
    {
        TemplateTuple value = new(arguments.Positional);
        if (_lastChanged is not null && _lastChanged.IsEqualTo(value))
            return False;

        _lastChanged = value;
        return True;
    }
}
