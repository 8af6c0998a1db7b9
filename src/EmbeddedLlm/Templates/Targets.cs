namespace EmbeddedLlm.Templates;

/// <summary>What a value is assigned to.</summary>
internal abstract class Target(int position) : Node(position)
{
    public abstract void Assign(Rendering rendering, Frame frame, TemplateValue value);

    /// <summary>What was assigned, with tuples in the shape of the target: what a loop's test lets through.</summary>
    public abstract TemplateValue Collect(Frame frame);

    /// <summary>Fails before the value is computed where it could not be assigned.</summary>
    public virtual void EnsureAssignable(Rendering rendering, Frame frame)
    {
    }
}

internal sealed class NameTarget(string name, int position) : Target(position)
{
    public string Name => name;

    /// <summary>Set by <see cref="ScopeBinder"/>.</summary>
    public VariablePlace Place { get; set; }

    public override IEnumerable<Node> Children => [];

    public override void Assign(Rendering rendering, Frame frame, TemplateValue value) => Place.Write(frame, value);

    public override TemplateValue Collect(Frame frame) => Place.Read(frame)!;
}

/// <summary><c>a, b</c>, each of which takes one item.</summary>
internal sealed class TupleTarget(Target[] targets, int position) : Target(position)
{
    public Target[] Targets => targets;

    public override IEnumerable<Node> Children => targets;

    public override TemplateValue Collect(Frame frame) => new TemplateTuple([.. targets.Select(target => target.Collect(frame))]);

    public override void EnsureAssignable(Rendering rendering, Frame frame)
    {
        foreach (Target target in targets)
            target.EnsureAssignable(rendering, frame);
    }

    public override void Assign(Rendering rendering, Frame frame, TemplateValue value)
    {
        rendering.Position = Position;
        if (value is TemplateSequence sequence && sequence.Items.Length == targets.Length)
        {
            for (int i = 0; i < targets.Length; i++)
                targets[i].Assign(rendering, frame, sequence.Items[i]);
            return;
        }

        using IEnumerator<TemplateValue> items = value.Enumerate(rendering) ?? throw new TemplateFault($"cannot unpack non-iterable {value.TypeName} object");
        TemplateValue[] values = new TemplateValue[targets.Length];
        int count = 0;
        for (; items.MoveNext(); count++)
        {
            if (count == values.Length)
                throw new TemplateFault($"too many values to unpack (expected {targets.Length})");
            values[count] = items.Current;
        }

        if (count < values.Length)
            throw new TemplateFault($"not enough values to unpack (expected {targets.Length}, got {count})");
        for (int i = 0; i < targets.Length; i++)
            targets[i].Assign(rendering, frame, values[i]);
    }
}

/// <summary><c>namespace.name</c>.</summary>
internal sealed class NamespaceTarget(NameExpression owner, string name, int position) : Target(position)
{
    private readonly TemplateString _key = TemplateString.FromTemplate(name);

    public override IEnumerable<Node> Children => [owner];

    public override TemplateValue Collect(Frame frame) => throw new InvalidOperationException("Loops do not assign to namespaces.");

    public override void EnsureAssignable(Rendering rendering, Frame frame) => Find(rendering, frame);

    public override void Assign(Rendering rendering, Frame frame, TemplateValue value) => Find(rendering, frame).Set(_key, value);

    private TemplateNamespace Find(Rendering rendering, Frame frame)
    {
        rendering.Position = Position;
        return owner.Evaluate(rendering, frame) as TemplateNamespace ?? throw new TemplateFault("cannot assign attribute on non-namespace object");
    }
}
