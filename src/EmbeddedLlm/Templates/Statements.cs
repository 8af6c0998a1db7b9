namespace EmbeddedLlm.Templates;

/// <summary>Text between tags.</summary>
internal sealed class DataStatement(string text, int position) : Statement(position)
{
    public override IEnumerable<Node> Children => [];

    public override Flow Execute(Rendering rendering, Frame frame)
    {
        rendering.Position = Position;
        rendering.Charge(1 + text.Length / 16);
        rendering.Output.Append(text, PromptPartKind.Template);
        return Flow.Next;
    }
}

/// <summary><c>{{ value }}</c> and <c>{% print value, value %}</c>.</summary>
internal sealed class OutputStatement(Expression[] values, int position) : Statement(position)
{
    public override IEnumerable<Node> Children => values;

    public override Flow Execute(Rendering rendering, Frame frame)
    {
        foreach (Expression expression in values)
        {
            TemplateValue value = expression.Evaluate(rendering, frame);
            rendering.Position = expression.Position;
            rendering.Charge(1 + (value is TemplateString text ? text.Length / 16 : 0));
            value.WriteText(rendering, rendering.Output);
        }

        return Flow.Next;
    }
}

internal sealed class IfStatement((Expression Test, Body Body)[] branches, Body otherwise, int position) : Statement(position)
{
    public (Expression Test, Body Body)[] Branches => branches;

    public Body Otherwise => otherwise;

    public override IEnumerable<Node> Children => branches.SelectMany(branch => new Node[] { branch.Test, branch.Body }).Append(otherwise);

    public override Flow Execute(Rendering rendering, Frame frame)
    {
        rendering.Step();
        foreach ((Expression test, Body body) in branches)
        {
            if (test.Evaluate(rendering, frame).IsTrue)
                return body.Execute(rendering, frame);
        }

        return otherwise.Execute(rendering, frame);
    }
}

/// <summary><c>{% break %}</c> and <c>{% continue %}</c>.</summary>
internal sealed class JumpStatement(Flow flow, int position) : Statement(position)
{
    public override IEnumerable<Node> Children => [];

    public override Flow Execute(Rendering rendering, Frame frame) => flow;
}

/// <summary><c>{% set target = value %}</c>.</summary>
internal sealed class SetStatement(Target target, Expression value, int position) : Statement(position)
{
    public Target Target => target;

    public Expression Value => value;

    public override IEnumerable<Node> Children => [value, target];

    public override Flow Execute(Rendering rendering, Frame frame)
    {
        target.EnsureAssignable(rendering, frame);
        TemplateValue assigned = value.Evaluate(rendering, frame);
        rendering.Position = Position;
        rendering.Step();
        target.Assign(rendering, frame, assigned);
        return Flow.Next;
    }
}

/// <summary>A statement with a body whose assignments stay inside.</summary>
internal abstract class ScopedStatement(Body body, int position) : Statement(position)
{
    public Body Body => body;

    /// <summary>Set by <see cref="ScopeBinder"/>.</summary>
    public ScopeEntry Entry { get; set; } = ScopeEntry.Empty;

    /// <summary>Runs the body and returns what it printed, or null where it ended in a jump out of it.</summary>
    protected TemplateString? Capture(Rendering rendering, Frame frame, out Flow flow)
    {
        MarkedTextBuilder outer = rendering.BeginCapture();
        Entry.Enter(rendering, frame);
        flow = body.Execute(rendering, frame);
        if (flow == Flow.Next)
            return rendering.EndCapture(outer);

        rendering.DropCapture(outer);
        return null;
    }
}

/// <summary><c>{% set target | filter %}…{% endset %}</c>.</summary>
internal sealed class SetBlockStatement(Target target, Expression? filter, Body body, int position) : ScopedStatement(body, position)
{
    public Target Target => target;

    public Expression? Filter => filter;

    public override IEnumerable<Node> Children => filter is null ? [target, Body] : [target, filter, Body];

    public override Flow Execute(Rendering rendering, Frame frame)
    {
        if (Capture(rendering, frame, out Flow flow) is not { } text)
            return flow;

        rendering.Captured = text;
        TemplateValue value = filter is null ? text : filter.Evaluate(rendering, frame);
        target.EnsureAssignable(rendering, frame);
        rendering.Position = Position;
        target.Assign(rendering, frame, value);
        return Flow.Next;
    }
}

/// <summary><c>{% filter name %}…{% endfilter %}</c>.</summary>
internal sealed class FilterBlockStatement(Expression filter, Body body, int position) : ScopedStatement(body, position)
{
    public Expression Filter => filter;

    public override IEnumerable<Node> Children => [filter, Body];

    public override Flow Execute(Rendering rendering, Frame frame)
    {
        if (Capture(rendering, frame, out Flow flow) is not { } text)
            return flow;

        rendering.Captured = text;
        TemplateValue value = filter.Evaluate(rendering, frame);
        rendering.Position = Position;
        value.WriteText(rendering, rendering.Output);
        return Flow.Next;
    }
}

/// <summary><c>{% with a = 1 %}…{% endwith %}</c>.</summary>
internal sealed class WithStatement((NameTarget Target, Expression Value)[] variables, Body body, int position) : ScopedStatement(body, position)
{
    public (NameTarget Target, Expression Value)[] Variables => variables;

    public override IEnumerable<Node> Children => [.. variables.SelectMany(variable => new Node[] { variable.Value, variable.Target }), Body];

    public override Flow Execute(Rendering rendering, Frame frame)
    {
        Entry.Enter(rendering, frame);
        foreach ((NameTarget target, Expression value) in variables)
            target.Assign(rendering, frame, value.Evaluate(rendering, frame));
        return Body.Execute(rendering, frame);
    }
}

/// <summary><c>{% block name %}</c>: templates cannot be extended here, so a block is printed where it stands.</summary>
internal sealed class BlockStatement(Body body, int position) : ScopedStatement(body, position)
{
    /// <summary>Set by <see cref="ScopeBinder"/>: a block sees the variables that the template's top level has assigned so far.</summary>
    public FrozenTopLevel TopLevel { get; set; } = FrozenTopLevel.Empty;

    public int Slots { get; set; }

    public override IEnumerable<Node> Children => [Body];

    public override Flow Execute(Rendering rendering, Frame frame)
    {
        Frame inner = new(Slots, frame);
        Entry.Enter(rendering, inner, TopLevel);
        return Body.Execute(rendering, inner);
    }
}
