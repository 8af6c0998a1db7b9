namespace EmbeddedLlm.Templates;

/// <summary>The arguments of a call as the template writes them.</summary>
internal sealed class ArgumentList(
    Expression[] positional, (string Name, Expression Value)[] named, Expression? rest, Expression? namedRest, int position) : Node(position)
{
    public static ArgumentList Empty { get; } = new([], [], null, null, 0);

    public bool IsEmpty { get; } = positional.Length == 0 && named.Length == 0 && rest is null && namedRest is null;

    public override IEnumerable<Node> Children =>
        [.. positional, .. named.Select(pair => pair.Value), .. new Node?[] { rest, namedRest }.OfType<Node>()];

    public Arguments Evaluate(Rendering rendering, Frame frame, TemplateValue? caller = null)
    {
        if (IsEmpty && caller is null)
            return Arguments.None;

        TemplateValue[] values = new TemplateValue[positional.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = positional[i].Evaluate(rendering, frame);
        if (named.Length == 0 && rest is null && namedRest is null && caller is null)
            return new Arguments(values, []);

        List<KeyValuePair<string, TemplateValue>> pairs = new(named.Length + 1);
        foreach ((string name, Expression value) in named)
            AddNamed(pairs, name, value.Evaluate(rendering, frame));
        if (caller is not null)
            AddNamed(pairs, "caller", caller);
        if (rest is not null)
            values = [.. values, .. rendering.ToArray(rest.Evaluate(rendering, frame))];
        if (namedRest is not null)
            AddMapping(rendering, pairs, namedRest.Evaluate(rendering, frame));
        return new Arguments(values, [.. pairs]);
    }

    private void AddMapping(Rendering rendering, List<KeyValuePair<string, TemplateValue>> pairs, TemplateValue value)
    {
        rendering.Position = Position;
        if (value is not TemplateDictionary mapping)
            throw new TemplateFault($"argument after ** must be a mapping, not {value.TypeName}");

        foreach ((TemplateValue key, TemplateValue item) in mapping)
            AddNamed(pairs, key is TemplateString name ? name.Text : throw new TemplateFault("keywords must be strings"), item);
    }

    private static void AddNamed(List<KeyValuePair<string, TemplateValue>> pairs, string name, TemplateValue value)
    {
        foreach ((string existing, _) in pairs)
        {
            if (existing == name)
                throw new TemplateFault($"got multiple values for keyword argument '{name}'");
        }

        pairs.Add(new(name, value));
    }
}

internal sealed class CallExpression(Expression callee, ArgumentList arguments, int position) : Expression(position)
{
    public override IEnumerable<Node> Children => [callee, arguments];

    public override TemplateValue Evaluate(Rendering rendering, Frame frame) => Evaluate(rendering, frame, caller: null);

    /// <param name="rendering">The rendering under way.</param>
    /// <param name="frame">The variables.</param>
    /// <param name="caller">The body of a <c>{% call %}</c> block, passed on as an argument of that name.</param>
    public TemplateValue Evaluate(Rendering rendering, Frame frame, TemplateValue? caller)
    {
        TemplateValue function;
        if (callee is AttributeExpression attribute)
        {
            // The common case, a method of a value, needs no value for the method itself.
            TemplateValue owner = attribute.Target.Evaluate(rendering, frame);
            if (owner.Methods.TryGetValue(attribute.Name, out Builtin? method))
            {
                Arguments methodArguments = arguments.Evaluate(rendering, frame, caller);
                rendering.Position = Position;
                return method.Invoke(rendering, owner, methodArguments);
            }

            function = attribute.Read(rendering, owner);
        }
        else
        {
            function = callee.Evaluate(rendering, frame);
        }

        Arguments values = arguments.Evaluate(rendering, frame, caller);
        rendering.Position = Position;
        rendering.Step();
        return function.Call(rendering, values);
    }
}

/// <summary><c>value | filter(arguments)</c> or <c>value is test(arguments)</c>.</summary>
internal sealed class BuiltinExpression(Expression value, BuiltinExpression.Table table, string name, ArgumentList arguments, int position)
    : Expression(position)
{
    private readonly Builtin? _builtin = (table == Table.Filters ? Filters.Table : Tests.Table).GetValueOrDefault(name);

    internal enum Table
    {
        Filters,
        Tests,
    }

    public bool Exists => _builtin is not null;

    /// <summary>What Jinja says of it where it is sure to be reached; in a branch it says that nothing was found, and only once that is run.</summary>
    public string MissingReason => $"{Missing}.";

    private string Missing => $"No {(table == Table.Filters ? "filter" : "test")} named '{name}'";

    public override IEnumerable<Node> Children => [value, arguments];

    public override TemplateValue Evaluate(Rendering rendering, Frame frame)
    {
        TemplateValue self = value.Evaluate(rendering, frame);
        Arguments values = arguments.Evaluate(rendering, frame);
        rendering.Position = Position;
        return _builtin is null ? throw new TemplateFault($"{Missing} found.") : _builtin.Invoke(rendering, self, values);
    }
}

/// <summary>The captured text at the start of a block's filter chain.</summary>
internal sealed class CapturedExpression(int position) : Expression(position)
{
    public override IEnumerable<Node> Children => [];

    public override TemplateValue Evaluate(Rendering rendering, Frame frame) => rendering.Captured;
}
