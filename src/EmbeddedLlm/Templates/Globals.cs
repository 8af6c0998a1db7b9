using System.Collections.Frozen;

namespace EmbeddedLlm.Templates;

/// <summary>The functions that every template can call.</summary>
internal static class Globals
{
    /// <summary>From Jinja's sandbox.</summary>
    private const int LongestRange = 100_000;

    private static readonly FrozenDictionary<string, TemplateValue> Table = new Builtin[]
    {
        new("range", Range),
        new("dict", static (rendering, _, arguments) => CreateDictionary(rendering, "dict", arguments)),
        new("namespace", CreateNamespace),
        new("cycler", CreateCycler),
        new("joiner", ["sep"], 0, static (_, _, arguments) => new TemplateJoiner(arguments[0] ?? TemplateString.FromTemplate(", "))),
        new("raise_exception", ["message"], 1, Refuse),
        new("strftime_now", ["format"], 1, FormatNow),
    }.ToFrozenDictionary(function => function.Name, TemplateValue (function) => new TemplateMethod(function, TemplateValue.None));

    public static TemplateValue? Find(string name) => Table.GetValueOrDefault(name);

    private static TemplateRange Range(Rendering rendering, TemplateValue self, Arguments arguments)
    {
        arguments.EnsureNoNames("range");
        TemplateValue[] values = arguments.Positional;
        if (values.Length is 0 or > 3)
            throw new TemplateFault($"range expected 1 to 3 arguments, got {values.Length}");

        Span<long> numbers = stackalloc long[3];
        for (int i = 0; i < values.Length; i++)
        {
            if (!Numbers.TryGetIndex(values[i], out numbers[i]))
            {
                Operators.EnsureDefined(values[i], values[i]);
                throw new TemplateFault($"'{values[i].TypeName}' object cannot be interpreted as an integer");
            }
        }

        (long start, long stop, long step) = values.Length == 1 ? (0, numbers[0], 1L) : (numbers[0], numbers[1], values.Length == 3 ? numbers[2] : 1);
        if (step == 0)
            throw new TemplateFault("range() arg 3 must not be zero");
        if (TemplateRange.CountItems(start, stop, step) > LongestRange)
            throw new TemplateFault($"Range too big. The sandbox blocks ranges larger than MAX_RANGE ({LongestRange}).");
        return new TemplateRange(start, stop, step);
    }

    private static TemplateDictionary CreateDictionary(Rendering rendering, string function, Arguments arguments)
    {
        TemplateDictionary dictionary = new();
        if (arguments.Positional.Length > 1)
            throw new TemplateFault($"{function} expected at most 1 argument, got {arguments.Positional.Length}");
        if (arguments.Positional is [TemplateUndefined undefined])
            throw undefined.Fault();
        if (arguments.Positional is [TemplateDictionary source])
        {
            foreach ((TemplateValue key, TemplateValue value) in source)
                dictionary.Set(rendering, key, value);
        }
        else if (arguments.Positional is [TemplateValue pairs])
        {
            foreach (TemplateValue pair in rendering.ToArray(pairs))
            {
                TemplateValue[] halves = rendering.ToArray(pair);
                if (halves.Length != 2)
                    throw new TemplateFault("dictionary update sequence elements must have length 2");
                dictionary.Set(rendering, halves[0], halves[1]);
            }
        }

        foreach ((string name, TemplateValue value) in arguments.Named)
            dictionary.Add(name, value);
        return rendering.Made(dictionary);
    }

    private static TemplateNamespace CreateNamespace(Rendering rendering, TemplateValue self, Arguments arguments)
    {
        TemplateNamespace created = new();
        foreach ((TemplateValue key, TemplateValue value) in CreateDictionary(rendering, "namespace", arguments))
            created.Set(key, value);
        return created;
    }

    private static TemplateCycler CreateCycler(Rendering rendering, TemplateValue self, Arguments arguments)
    {
        arguments.EnsureNoNames("cycler");
        return arguments.Positional.Length > 0
            ? new TemplateCycler(arguments.Positional)
            : throw new TemplateFault("at least one item has to be provided");
    }

    private static TemplateValue Refuse(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments) =>
        throw new TemplateFault(arguments[0]!.ToText(rendering).Text, refused: true);

    private static TemplateString FormatNow(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateString format = arguments[0] as TemplateString ?? throw TemplateFault.WrongArgument("strftime_now", "a string", arguments[0]!);
        return TimeText.Format(rendering, format, rendering.Clock.GetLocalNow().DateTime);
    }
}
