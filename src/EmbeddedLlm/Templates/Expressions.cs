namespace EmbeddedLlm.Templates;

internal sealed class ConstantExpression(TemplateValue value, int position) : Expression(position)
{
    public TemplateValue Value => value;

    public override IEnumerable<Node> Children => [];

    public override TemplateValue Evaluate(Rendering rendering, Frame frame) => value;
}

/// <summary>A variable that is read.</summary>
internal sealed class NameExpression(string name, int position) : Expression(position)
{
    public string Name => name;

    /// <summary>Set by <see cref="ScopeBinder"/>.</summary>
    public VariablePlace Place { get; set; }

    public override IEnumerable<Node> Children => [];

    public override TemplateValue Evaluate(Rendering rendering, Frame frame) => Place.Read(frame) ?? TemplateUndefined.Named(name);
}

internal sealed class ListExpression(Expression[] items, bool isTuple, int position) : Expression(position)
{
    public Expression[] Items => items;

    public bool IsTuple => isTuple;

    public override IEnumerable<Node> Children => items;

    public override TemplateValue Evaluate(Rendering rendering, Frame frame)
    {
        TemplateValue[] values = new TemplateValue[items.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = items[i].Evaluate(rendering, frame);
        rendering.Position = Position;
        return rendering.Made<TemplateSequence>(isTuple ? new TemplateTuple(values) : new TemplateList(values));
    }
}

internal sealed class DictionaryExpression((Expression Key, Expression Value)[] entries, int position) : Expression(position)
{
    public override IEnumerable<Node> Children => entries.SelectMany(entry => new[] { entry.Key, entry.Value });

    public override TemplateValue Evaluate(Rendering rendering, Frame frame)
    {
        TemplateDictionary dictionary = new();
        foreach ((Expression key, Expression value) in entries)
        {
            TemplateValue keyValue = key.Evaluate(rendering, frame);
            TemplateValue valueValue = value.Evaluate(rendering, frame);
            rendering.Position = key.Position;
            dictionary.Set(rendering, keyValue, valueValue);
        }

        return rendering.Made(dictionary);
    }
}

/// <summary><c>a if test else b</c>.</summary>
internal sealed class ConditionalExpression(Expression test, Expression then, Expression? otherwise, int position) : Expression(position)
{
    private static readonly TemplateUndefined NoElse =
        TemplateUndefined.Because("the inline if-expression evaluated to false and no else section was defined");

    public override IEnumerable<Node> Children => otherwise is null ? [test, then] : [test, then, otherwise];

    public override TemplateValue Evaluate(Rendering rendering, Frame frame) =>
        test.Evaluate(rendering, frame).IsTrue ? then.Evaluate(rendering, frame) : otherwise?.Evaluate(rendering, frame) ?? NoElse;
}

/// <summary>A chain of <c>and</c> or of <c>or</c>: the operand that decides is the value.</summary>
internal sealed class LogicalExpression(Expression[] operands, bool isAnd, int position) : Expression(position)
{
    public override IEnumerable<Node> Children => operands;

    public override TemplateValue Evaluate(Rendering rendering, Frame frame)
    {
        TemplateValue value = operands[0].Evaluate(rendering, frame);
        for (int i = 1; i < operands.Length && value.IsTrue == isAnd; i++)
            value = operands[i].Evaluate(rendering, frame);
        return value;
    }
}

internal sealed class NotExpression(Expression operand, int position) : Expression(position)
{
    public override IEnumerable<Node> Children => [operand];

    public override TemplateValue Evaluate(Rendering rendering, Frame frame) => TemplateValue.From(!operand.Evaluate(rendering, frame).IsTrue);
}

internal delegate TemplateValue UnaryOperator(Rendering rendering, TemplateValue operand);

internal sealed class UnaryExpression(UnaryOperator apply, Expression operand, int position) : Expression(position)
{
    public override IEnumerable<Node> Children => [operand];

    public override TemplateValue Evaluate(Rendering rendering, Frame frame)
    {
        TemplateValue value = operand.Evaluate(rendering, frame);
        rendering.Position = Position;
        return apply(rendering, value);
    }
}

internal delegate TemplateValue BinaryOperator(Rendering rendering, TemplateValue left, TemplateValue right);

/// <summary>Operators of one precedence from left to right: a chain, so that a long sum does not nest.</summary>
internal sealed class ArithmeticExpression(Expression first, ArithmeticExpression.Link[] links, int position) : Expression(position)
{
    public override IEnumerable<Node> Children => [first, .. links.Select(link => link.Operand)];

    public override TemplateValue Evaluate(Rendering rendering, Frame frame)
    {
        TemplateValue value = first.Evaluate(rendering, frame);
        foreach (Link link in links)
        {
            TemplateValue operand = link.Operand.Evaluate(rendering, frame);
            rendering.Position = link.Position;
            rendering.Step();
            if (value is TemplateInteger && operand is TemplateInteger)
                rendering.Charge(value.Size + operand.Size);
            value = link.Apply(rendering, value, operand);
        }

        return value;
    }

    internal readonly record struct Link(BinaryOperator Apply, Expression Operand, int Position);
}

/// <summary><c>a ~ b</c>: the operands as text, one behind the other.</summary>
internal sealed class ConcatExpression(Expression[] operands, int position) : Expression(position)
{
    public override IEnumerable<Node> Children => operands;

    public override TemplateValue Evaluate(Rendering rendering, Frame frame)
    {
        TemplateString text = Text(rendering, operands[0].Evaluate(rendering, frame));
        for (int i = 1; i < operands.Length; i++)
            text = TemplateString.Concat(rendering, text, Text(rendering, operands[i].Evaluate(rendering, frame)));
        return text;
    }

    private TemplateString Text(Rendering rendering, TemplateValue value)
    {
        rendering.Position = Position;
        rendering.Step();
        return value.ToText(rendering).AsPlain();
    }
}

internal delegate bool ComparisonOperator(Rendering rendering, TemplateValue left, TemplateValue right);

/// <summary>A chain of comparisons: <c>a &lt; b &lt; c</c> is <c>a &lt; b and b &lt; c</c>, with each operand evaluated once.</summary>
internal sealed class ComparisonExpression(Expression first, ComparisonExpression.Link[] links, int position) : Expression(position)
{
    public override IEnumerable<Node> Children => [first, .. links.Select(link => link.Operand)];

    public override TemplateValue Evaluate(Rendering rendering, Frame frame)
    {
        TemplateValue left = first.Evaluate(rendering, frame);
        foreach (Link link in links)
        {
            TemplateValue right = link.Operand.Evaluate(rendering, frame);
            rendering.Position = link.Position;
            rendering.Step();
            if (!link.Holds(rendering, left, right))
                return TemplateValue.False;
            left = right;
        }

        return TemplateValue.True;
    }

    internal readonly record struct Link(ComparisonOperator Holds, Expression Operand, int Position);
}
