using System.Collections.Frozen;

namespace EmbeddedLlm.Templates;

/// <summary>The body of a built-in with named parameters: one slot for each, null where the caller gave nothing.</summary>
internal delegate TemplateValue BuiltinBody(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments);

/// <summary>The body of a built-in that takes whatever arguments come.</summary>
internal delegate TemplateValue VariadicBody(Rendering rendering, TemplateValue self, Arguments arguments);

/// <summary>A filter, test, method or global function: <c>self</c> is the filtered, tested or owning value.</summary>
internal sealed class Builtin
{
    private readonly string[] _parameters;
    private readonly int _required;
    private readonly BuiltinBody? _body;
    private readonly VariadicBody? _variadic;

    /// <param name="name">The name that templates use.</param>
    /// <param name="parameters">The parameters' names, in order, apart from <c>self</c>.</param>
    /// <param name="required">How many of them must be given.</param>
    /// <param name="body">What it does.</param>
    public Builtin(string name, string[] parameters, int required, BuiltinBody body)
    {
        Name = name;
        _parameters = parameters;
        _required = required;
        _body = body;
    }

    public Builtin(string name, VariadicBody body)
    {
        Name = name;
        _parameters = [];
        _variadic = body;
    }

    public string Name { get; }

    public static FrozenDictionary<string, Builtin> CreateTable(params IEnumerable<Builtin> builtins) =>
        builtins.ToFrozenDictionary(builtin => builtin.Name, StringComparer.Ordinal);

    public TemplateValue Invoke(Rendering rendering, TemplateValue self, Arguments arguments)
    {
        // Most built-ins look at all of their value and arguments: the work counts before it is done. Those that also look into the values
        // which these hold count that themselves, since most do not: a conversation's length costs the same however long its messages are.
        rendering.Charge(1 + self.Extent / 16);
        foreach (TemplateValue argument in arguments.Positional)
            rendering.Charge(argument.Extent / 16);
        foreach ((_, TemplateValue argument) in arguments.Named)
            rendering.Charge(argument.Extent / 16);
        TemplateValue result = Run(rendering, self, arguments);
        rendering.Charge(result.Extent / 16);
        return result;
    }

    private TemplateValue Run(Rendering rendering, TemplateValue self, Arguments arguments)
    {
        if (_variadic is not null)
            return _variadic(rendering, self, arguments);
        if (arguments.Named.Length == 0 && arguments.Positional.Length == _parameters.Length)
            return _body!(rendering, self, arguments.Positional);
        return _body!(rendering, self, Bind(arguments));
    }

    private TemplateValue?[] Bind(Arguments arguments)
    {
        if (arguments.Positional.Length > _parameters.Length)
            throw new TemplateFault($"{Name}() takes at most {_parameters.Length} argument(s) ({arguments.Positional.Length} given)");

        TemplateValue?[] slots = new TemplateValue?[_parameters.Length];
        arguments.Positional.CopyTo(slots, 0);
        foreach ((string name, TemplateValue value) in arguments.Named)
        {
            int index = Array.IndexOf(_parameters, name);
            if (index < 0)
                throw new TemplateFault($"{Name}() got an unexpected keyword argument '{name}'");
            if (slots[index] is not null)
                throw new TemplateFault($"{Name}() got multiple values for argument '{name}'");
            slots[index] = value;
        }

        for (int i = 0; i < _required; i++)
        {
            if (slots[i] is null)
                throw new TemplateFault($"{Name}() missing required argument: '{_parameters[i]}'");
        }

        return slots;
    }
}
