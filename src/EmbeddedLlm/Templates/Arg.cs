namespace EmbeddedLlm.Templates;

/// <summary>Reads the arguments of built-ins as the types they need.</summary>
internal static class Arg
{
    public static TemplateString Text(TemplateValue value, string function)
    {
        Operators.EnsureDefined(value, value);
        return value as TemplateString ?? throw TemplateFault.WrongArgument(function + "()", "a string", value);
    }

    public static TemplateString? OptionalText(TemplateValue? value, string function) =>
        value is null or TemplateNone ? null : Text(value, function);

    public static long Index(TemplateValue? value, long otherwise, string function)
    {
        if (value is null)
            return otherwise;
        if (Numbers.TryGetIndex(value, out long index))
            return index;
        Operators.EnsureDefined(value, value);
        throw TemplateFault.WrongArgument(function + "()", "an integer", value);
    }

    public static bool IsTrue(TemplateValue? value) => value is not null && value.IsTrue;

    public static bool IsGiven(TemplateValue? value) => value is not null and not TemplateNone;
}
