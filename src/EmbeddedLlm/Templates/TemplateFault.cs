namespace EmbeddedLlm.Templates;

/// <summary>
/// A failure inside the interpreter, without its place: <see cref="ChatTemplate"/> adds the place and rethrows it as
/// a <see cref="ChatTemplateException"/>. Never leaves this room.
/// </summary>
internal sealed class TemplateFault(string reason, bool refused = false) : Exception(reason)
{
    public bool IsRefusal { get; } = refused;

    public static TemplateFault LimitExceeded(string what, long limit) => new($"the template exceeds the limit of {limit} for {what}");

    public static TemplateFault UnsupportedOperands(string operation, TemplateValue left, TemplateValue right) =>
        new($"unsupported operand type(s) for {operation}: '{left.TypeName}' and '{right.TypeName}'");

    public static TemplateFault NotIterable(TemplateValue value) => new($"'{value.TypeName}' object is not iterable");

    public static TemplateFault WrongArgument(string function, string expected, TemplateValue actual) =>
        new($"{function} expects {expected}, not '{actual.TypeName}'");
}
