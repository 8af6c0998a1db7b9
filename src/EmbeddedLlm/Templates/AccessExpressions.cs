namespace EmbeddedLlm.Templates;

/// <summary><c>value.name</c>: a method or attribute, else the item of that name.</summary>
internal sealed class AttributeExpression(Expression target, string name, int position) : Expression(position)
{
    private readonly TemplateString _key = TemplateString.FromTemplate(name);

    public Expression Target => target;

    public string Name => name;

    public override IEnumerable<Node> Children => [target];

    public override TemplateValue Evaluate(Rendering rendering, Frame frame) => Read(rendering, target.Evaluate(rendering, frame));

    public TemplateValue Read(Rendering rendering, TemplateValue owner)
    {
        rendering.Position = Position;
        return Access.Attribute(rendering, owner, _key);
    }
}

/// <summary><c>value[key]</c>: an item, else the method or attribute of that name.</summary>
internal sealed class ItemExpression(Expression target, Expression key, int position) : Expression(position)
{
    public override IEnumerable<Node> Children => [target, key];

    public override TemplateValue Evaluate(Rendering rendering, Frame frame)
    {
        TemplateValue owner = target.Evaluate(rendering, frame);
        TemplateValue keyValue = key.Evaluate(rendering, frame);
        rendering.Position = Position;
        return Access.Item(rendering, owner, keyValue);
    }
}

/// <summary><c>value[start:stop:step]</c>.</summary>
internal sealed class SliceExpression(Expression target, Expression? start, Expression? stop, Expression? step, int position) : Expression(position)
{
    public override IEnumerable<Node> Children => new Node?[] { target, start, stop, step }.OfType<Node>();

    public override TemplateValue Evaluate(Rendering rendering, Frame frame)
    {
        TemplateValue owner = target.Evaluate(rendering, frame);
        TemplateValue? from = start?.Evaluate(rendering, frame), to = stop?.Evaluate(rendering, frame), by = step?.Evaluate(rendering, frame);
        rendering.Position = Position;
        return Slices.Take(rendering, owner, from, to, by);
    }
}

/// <summary>Python's attribute and item access as Jinja's sandbox allows it.</summary>
internal static class Access
{
    public static TemplateValue Attribute(Rendering rendering, TemplateValue owner, TemplateString name) =>
        OwnAttribute(rendering, owner, name.Text) ?? owner.GetItem(rendering, name) ?? TemplateUndefined.Missing(owner, name);

    public static TemplateValue Item(Rendering rendering, TemplateValue owner, TemplateValue key)
    {
        TemplateValue? item = owner.GetItem(rendering, key);
        if (item is null && key is TemplateString name)
            item = OwnAttribute(rendering, owner, name.Text);
        return item ?? TemplateUndefined.Missing(owner, key);
    }

    /// <summary>A method or attribute, without looking at items; null where there is none.</summary>
    public static TemplateValue? OwnAttribute(Rendering rendering, TemplateValue owner, string name)
    {
        rendering.Step();
        if (owner is TemplateUndefined undefined && !IsInternal(name))
            throw undefined.Fault();
        if (owner.Methods.TryGetValue(name, out Builtin? method))
            return new TemplateMethod(method, owner);
        if (owner.GetAttribute(rendering, name) is { } attribute)
            return attribute;
        return owner.IsForbidden(name) || IsInternal(name) ? TemplateUndefined.Unsafe(owner, name) : null;
    }

    /// <summary>The attributes that every Python object has, and that the sandbox hides.</summary>
    private static bool IsInternal(string name) => name is "__class__" or "__doc__" or "__init__" or "__dir__" or "__eq__" or "__hash__"
        or "__getattribute__" or "__setattr__" or "__delattr__" or "__reduce__" or "__reduce_ex__" or "__repr__" or "__str__"
        or "__new__" or "__init_subclass__" or "__subclasshook__" or "__format__" or "__sizeof__" or "__ne__" or "__lt__" or "__le__"
        or "__gt__" or "__ge__";
}
