namespace EmbeddedLlm.Templates;

/// <summary>A macro's parameters and body, or those of a <c>{% call %}</c> block.</summary>
internal sealed class MacroDefinition(string? name, (NameTarget Target, Expression? Default)[] parameters, Body body, int position) : Node(position)
{
    public string? Name => name;

    public (NameTarget Target, Expression? Default)[] Parameters => parameters;

    public Body Body => body;

    // What follows is set by the scope binder. The slots belong to the special variables, and are null where the body never mentions them.
    public ScopeEntry Entry { get; set; } = ScopeEntry.Empty;

    public int Slots { get; set; }

    public int? CallerSlot { get; set; }

    public int? NamedSlot { get; set; }

    public int? RestSlot { get; set; }

    public bool HasCallerParameter { get; } = parameters.Any(parameter => parameter.Target.Name == "caller");

    public override IEnumerable<Node> Children =>
        [.. parameters.Select(parameter => parameter.Target), .. parameters.Select(parameter => parameter.Default).OfType<Node>(), body];
}

internal sealed class MacroStatement(NameTarget target, MacroDefinition definition, int position) : Statement(position)
{
    public NameTarget Target => target;

    public MacroDefinition Definition => definition;

    public override IEnumerable<Node> Children => [target, definition];

    public override Flow Execute(Rendering rendering, Frame frame)
    {
        target.Assign(rendering, frame, new TemplateMacro(definition, frame));
        return Flow.Next;
    }
}

/// <summary><c>{% call(parameters) macro(arguments) %}…{% endcall %}</c>: the macro calls the body as <c>caller()</c>.</summary>
internal sealed class CallBlockStatement(CallExpression call, MacroDefinition definition, int position) : Statement(position)
{
    public CallExpression Call => call;

    public MacroDefinition Definition => definition;

    public override IEnumerable<Node> Children => [call, definition];

    public override Flow Execute(Rendering rendering, Frame frame)
    {
        TemplateValue value = call.Evaluate(rendering, frame, new TemplateMacro(definition, frame));
        rendering.Position = Position;
        value.WriteText(rendering, rendering.Output);
        return Flow.Next;
    }
}

/// <summary><c>{% generation %}…{% endgeneration %}</c>: prints its body.</summary>
internal sealed class GenerationStatement(MacroDefinition definition, int position) : Statement(position)
{
    public MacroDefinition Definition => definition;

    public override IEnumerable<Node> Children => [definition];

    public override Flow Execute(Rendering rendering, Frame frame)
    {
        TemplateValue value = new TemplateMacro(definition, frame).Call(rendering, Arguments.None);
        rendering.Position = Position;
        value.WriteText(rendering, rendering.Output);
        return Flow.Next;
    }
}

/// <summary>A macro that can be called, with the variables around its definition.</summary>
internal sealed class TemplateMacro(MacroDefinition definition, Frame definedIn) : TemplateValue
{
    private static readonly TemplateUndefined NoCaller = TemplateUndefined.Because("No caller defined");

    public override string TypeName => "Macro";

    public override bool IsCallable => true;

    public override TemplateValue? GetAttribute(Rendering rendering, string name) => name switch
    {
        "name" => definition.Name is null ? None : FromTemplate(definition.Name),
        "arguments" => new TemplateTuple([.. definition.Parameters.Select(parameter => FromTemplate(parameter.Target.Name))]),
        "catch_kwargs" => From(definition.NamedSlot is not null),
        "catch_varargs" => From(definition.RestSlot is not null),
        "caller" => From(definition.CallerSlot is not null),
        _ => null,
    };

    public override TemplateValue Call(Rendering rendering, Arguments arguments)
    {
        rendering.EnterCall();
        rendering.Charge(definition.Slots / 8);
        Frame frame = new(definition.Slots, definedIn);
        definition.Entry.Enter(rendering, frame);
        Bind(rendering, frame, arguments);
        MarkedTextBuilder outer = rendering.BeginCapture();
        definition.Body.Execute(rendering, frame);
        rendering.LeaveCall();
        return rendering.EndCapture(outer);
    }

    public override void WriteRepr(ReprWriter writer) => writer.Write(definition.Name is null ? "<Macro anonymous>" : $"<Macro '{definition.Name}'>");

    private void Bind(Rendering rendering, Frame frame, Arguments arguments)
    {
        (NameTarget Target, Expression? Default)[] parameters = definition.Parameters;
        TemplateValue[] positional = arguments.Positional;
        List<KeyValuePair<string, TemplateValue>> named = [.. arguments.Named];
        for (int i = 0; i < parameters.Length; i++)
        {
            NameTarget target = parameters[i].Target;
            TemplateValue? value = i < positional.Length ? positional[i] : Take(named, target.Name);
            target.Place.Write(frame, value);
        }

        if (definition.CallerSlot is { } callerSlot && !definition.HasCallerParameter)
            frame.Slots[callerSlot] = Take(named, "caller") is { } caller and not TemplateNone ? caller : NoCaller;

        if (definition.NamedSlot is { } namedSlot)
        {
            TemplateDictionary rest = new();
            foreach ((string name, TemplateValue value) in named)
                rest.Add(name, value);
            frame.Slots[namedSlot] = rendering.Made(rest);
        }
        else if (named.Count > 0)
        {
            throw new TemplateFault($"macro {DescribeName()} takes no keyword argument '{named[0].Key}'");
        }

        if (definition.RestSlot is { } restSlot)
            frame.Slots[restSlot] = rendering.Made(new TemplateTuple(positional.Length > parameters.Length ? positional[parameters.Length..] : []));
        else if (positional.Length > parameters.Length)
            throw new TemplateFault($"macro {DescribeName()} takes not more than {parameters.Length} argument(s)");

        AssignDefaults(rendering, frame);
    }

    private void AssignDefaults(Rendering rendering, Frame frame)
    {
        foreach ((NameTarget target, Expression? fallback) in definition.Parameters)
        {
            if (target.Place.Read(frame) is null)
            {
                TemplateValue value = fallback?.Evaluate(rendering, frame)
                    ?? TemplateUndefined.Because($"parameter '{target.Name}' was not provided");
                target.Place.Write(frame, value);
            }
        }
    }

    private string DescribeName() => definition.Name is null ? "None" : $"'{definition.Name}'";

    private static TemplateValue? Take(List<KeyValuePair<string, TemplateValue>> named, string name)
    {
        for (int i = 0; i < named.Count; i++)
        {
            if (named[i].Key == name)
            {
                TemplateValue value = named[i].Value;
                named.RemoveAt(i);
                return value;
            }
        }

        return null;
    }
}
