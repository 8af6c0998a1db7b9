using System.Collections.Frozen;

namespace EmbeddedLlm.Templates;

/// <summary>Jinja's tests, as in <c>value is defined</c>.</summary>
internal static class Tests
{
    public static FrozenDictionary<string, Builtin> Table { get; } = Builtin.CreateTable(
        Is("defined", static value => value is not TemplateUndefined),
        Is("undefined", static value => value is TemplateUndefined),
        Is("none", static value => value is TemplateNone),
        Is("boolean", static value => value is TemplateBoolean),
        Is("true", static value => value is TemplateBoolean { Value: true }),
        Is("false", static value => value is TemplateBoolean { Value: false }),
        Is("integer", static value => value is TemplateInteger),
        Is("float", static value => value is TemplateFloat),
        Is("number", Numbers.IsNumber),
        Is("string", static value => value is TemplateString),
        Is("mapping", static value => value is TemplateDictionary),
        Is("sequence", static value => value is TemplateString or TemplateSequence or TemplateRange or TemplateDictionary or TemplateUndefined),
        Is("callable", static value => value.IsCallable || value is TemplateUndefined),
        Is("escaped", static value => value is TemplateString { IsMarkup: true }),
        Is("filter", static value => Names(value, Filters.Table)),
        Is("test", static value => Names(value, Table!)),
        new("iterable", [], 0, static (rendering, self, _) => TemplateValue.From(self.Enumerate(rendering) is not null)),
        new("lower", [], 0, static (rendering, self, _) => AskMethod(rendering, self, "islower")),
        new("upper", [], 0, static (rendering, self, _) => AskMethod(rendering, self, "isupper")),
        new("odd", [], 0, static (rendering, self, _) => HasRest(rendering, self, TemplateValue.From(2), 1)),
        new("even", [], 0, static (rendering, self, _) => HasRest(rendering, self, TemplateValue.From(2), 0)),
        new("divisibleby", ["num"], 1, static (rendering, self, arguments) => HasRest(rendering, self, arguments[0]!, 0)),
        new("sameas", ["other"], 1, static (_, self, arguments) => TemplateValue.From(IsSame(self, arguments[0]!))),
        Compare("in", static (rendering, item, container) => Comparison.Contains(rendering, container, item)),
        Compare("==", Comparison.AreEqual),
        Compare("eq", Comparison.AreEqual),
        Compare("equalto", Comparison.AreEqual),
        Compare("!=", AreDifferent),
        Compare("ne", AreDifferent),
        Compare(">", Comparison.IsGreater),
        Compare("gt", Comparison.IsGreater),
        Compare("greaterthan", Comparison.IsGreater),
        Compare(">=", Comparison.IsGreaterOrEqual),
        Compare("ge", Comparison.IsGreaterOrEqual),
        Compare("<", Comparison.IsLess),
        Compare("lt", Comparison.IsLess),
        Compare("lessthan", Comparison.IsLess),
        Compare("<=", Comparison.IsLessOrEqual),
        Compare("le", Comparison.IsLessOrEqual));

    private static Builtin Is(string name, Func<TemplateValue, bool> holds) => new(name, [], 0, (_, self, _) => TemplateValue.From(holds(self)));

    private static Builtin Compare(string name, ComparisonOperator holds) =>
        new(name, ["other"], 1, (rendering, self, arguments) => TemplateValue.From(holds(rendering, self, arguments[0]!)));

    private static bool Names(TemplateValue value, FrozenDictionary<string, Builtin> table)
    {
        ValueComparer.Instance.GetHashCode(value);
        return value is TemplateString name && table.ContainsKey(name.Text);
    }

    private static bool AreDifferent(Rendering rendering, TemplateValue left, TemplateValue right) => !Comparison.AreEqual(rendering, left, right);

    private static TemplateValue HasRest(Rendering rendering, TemplateValue value, TemplateValue divisor, int rest) =>
        TemplateValue.From(Comparison.AreEqual(rendering, Operators.Modulo(rendering, value, divisor), TemplateValue.From(rest)));

    private static TemplateValue AskMethod(Rendering rendering, TemplateValue value, string method) =>
        StringMethods.Table[method].Invoke(rendering, value.ToText(rendering), Arguments.None);

    /// <summary>Python's <c>is</c>: also two equal small integers are one object.</summary>
    private static bool IsSame(TemplateValue left, TemplateValue right) => ReferenceEquals(left, right)
        || (left is TemplateInteger a && right is TemplateInteger b && a.Value == b.Value && a.Value >= -5 && a.Value <= 256);
}
