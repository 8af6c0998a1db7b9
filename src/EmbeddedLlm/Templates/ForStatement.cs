namespace EmbeddedLlm.Templates;

/// <summary><c>{% for target in items if test recursive %}…{% else %}…{% endfor %}</c>.</summary>
internal sealed class ForStatement(
    Target target, Expression items, Target? testTarget, Expression? test, bool isRecursive, Body body, Body otherwise, int position) : Statement(position)
{
    public Target Target => target;

    public Expression Items => items;

    /// <summary>The target once more for the test, which has variables of its own.</summary>
    public Target? TestTarget => testTarget;

    public Expression? Test => test;

    public bool IsRecursive => isRecursive;

    public Body Body => body;

    public Body Otherwise => otherwise;

    // What follows is set by the scope binder.
    public ScopeEntry BodyEntry { get; set; } = ScopeEntry.Empty;

    public ScopeEntry TestEntry { get; set; } = ScopeEntry.Empty;

    public ScopeEntry OtherwiseEntry { get; set; } = ScopeEntry.Empty;

    /// <summary>Where the <c>loop</c> variable lives; null where the body never mentions it.</summary>
    public int? LoopSlot { get; set; }

    /// <summary>The variables of one level of a recursive loop.</summary>
    public int Slots { get; set; }

    public override IEnumerable<Node> Children => new Node?[] { items, target, testTarget, test, body, otherwise }.OfType<Node>();

    public override Flow Execute(Rendering rendering, Frame frame)
    {
        TemplateValue iterable = items.Evaluate(rendering, frame);
        rendering.Position = items.Position;
        return isRecursive ? Run(rendering, new Frame(Slots, frame), iterable, depth: 0) : Run(rendering, frame, iterable, depth: 0);
    }

    /// <summary>One level of a recursive loop, as the call <c>loop(items)</c> runs it.</summary>
    public TemplateString RunNested(Rendering rendering, Frame definedIn, TemplateValue iterable, int depth)
    {
        rendering.EnterCall();
        MarkedTextBuilder outer = rendering.BeginCapture();
        Run(rendering, new Frame(Slots, definedIn), iterable, depth);
        rendering.LeaveCall();
        return rendering.EndCapture(outer);
    }

    private Flow Run(Rendering rendering, Frame frame, TemplateValue iterable, int depth)
    {
        LoopCursor cursor = new(rendering, frame, this, iterable);
        TemplateLoop? loop = LoopSlot is null ? null : new TemplateLoop(cursor, this, frame, depth);
        bool completed = false;
        while (cursor.MoveNext())
        {
            rendering.Position = target.Position;
            rendering.Step();
            target.Assign(rendering, frame, cursor.Current);
            if (loop is not null)
                frame.Slots[LoopSlot!.Value] = loop;
            BodyEntry.Enter(rendering, frame);
            Flow flow = body.Execute(rendering, frame);
            if (flow == Flow.Break)
                break;
            completed |= flow == Flow.Next;
        }

        // Jinja runs the else branch when no iteration reached its end: also after a break or continue.
        if (completed)
            return Flow.Next;

        OtherwiseEntry.Enter(rendering, frame);
        return otherwise.Execute(rendering, frame);
    }
}
