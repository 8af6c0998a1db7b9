namespace EmbeddedLlm.Templates;

/// <summary>A built-in function, or a method together with the value that it belongs to.</summary>
internal sealed class TemplateMethod(Builtin builtin, TemplateValue self) : TemplateValue
{
    public override string TypeName => "builtin_function_or_method";

    public override bool IsCallable => true;

    public override int Depth => self.Depth + 1;

    public override TemplateValue Call(Rendering rendering, Arguments arguments) => builtin.Invoke(rendering, self, arguments);

    public override void WriteRepr(ReprWriter writer) =>
        writer.Write(self is TemplateNone ? $"<built-in function {builtin.Name}>" : $"<built-in method {builtin.Name} of {self.TypeName} object>");
}

/// <summary>Jinja's <c>namespace</c>: the one value whose attributes a template can set.</summary>
internal sealed class TemplateNamespace : TemplateValue
{
    private readonly TemplateDictionary _attributes = new();

    public override string TypeName => "Namespace";

    public void Set(TemplateValue name, TemplateValue value) => _attributes[name] = value;

    public override TemplateValue? GetItem(Rendering rendering, TemplateValue key) => key is TemplateString ? _attributes.GetItem(rendering, key) : null;

    public override void WriteRepr(ReprWriter writer)
    {
        writer.Write("<Namespace ");
        _attributes.WriteRepr(writer);
        writer.Write('>');
    }
}

/// <summary>Jinja's <c>cycler</c>.</summary>
internal sealed class TemplateCycler(TemplateValue[] items) : TemplateValue
{
    private static readonly Builtin NextMethod = new("next", [], 0, static (_, self, _) => ((TemplateCycler)self).Next());
    private static readonly Builtin ResetMethod = new("reset", [], 0, static (_, self, _) => ((TemplateCycler)self).Reset());
    private int _position;

    public override string TypeName => "Cycler";

    public override TemplateValue? GetAttribute(Rendering rendering, string name) => name switch
    {
        "current" => items[_position],
        "next" => new TemplateMethod(NextMethod, this),
        "reset" => new TemplateMethod(ResetMethod, this),
        _ => null,
    };

    public override void WriteRepr(ReprWriter writer) => writer.Write("<Cycler>");

    private TemplateValue Next()
    {
        TemplateValue current = items[_position];
        _position = (_position + 1) % items.Length;
        return current;
    }

    private TemplateNone Reset()
    {
        _position = 0;
        return TemplateNone.Instance;
    }
}

/// <summary>Jinja's <c>joiner</c>: nothing on the first call, the separator on every later one.</summary>
internal sealed class TemplateJoiner(TemplateValue separator) : TemplateValue
{
    private bool _used;

    public override string TypeName => "Joiner";

    public override bool IsCallable => true;

    public override TemplateValue Call(Rendering rendering, Arguments arguments)
    {
        TemplateValue result = _used ? separator : Empty;
        _used = true;
        return result;
    }

    public override void WriteRepr(ReprWriter writer) => writer.Write("<Joiner>");
}

/// <summary>
/// Python's generators and iterators, which many filters return: they compute as they are read, can be read once, are
/// always true and have no length.
/// </summary>
internal sealed class TemplateIterator(string typeName, TemplateValue source, IEnumerator<TemplateValue> items) : TemplateValue
{
    public override string TypeName => typeName;

    public override int Depth { get; } = source.Depth + 1;

    public override IEnumerator<TemplateValue> Enumerate(Rendering rendering) => new Reader(rendering, items);

    public override void WriteRepr(ReprWriter writer) => writer.Write($"<{typeName} object>");

    /// <summary>One of possibly several readers of the same items. Iterators can be nested without bound, so each step looks at the stack.</summary>
    private sealed class Reader(Rendering rendering, IEnumerator<TemplateValue> items) : IEnumerator<TemplateValue>
    {
        public TemplateValue Current => items.Current;

        object System.Collections.IEnumerator.Current => Current;

        public bool MoveNext()
        {
            rendering.EnsureStack();
            return items.MoveNext();
        }

        public void Reset() => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
