using System.Collections.Frozen;

namespace EmbeddedLlm.Templates;

/// <summary>Jinja's filters; the other files of this class hold those for text, numbers and sequences.</summary>
internal static partial class Filters
{
    public static FrozenDictionary<string, Builtin> Table { get; } = Builtin.CreateTable(
    [
        .. General,
        .. TextFilters,
        .. HtmlFilters,
        .. NumberFilters,
        .. SequenceFilters,
        .. SelectionFilters,
    ]);

    private static IEnumerable<Builtin> General =>
    [
        new("default", ["default_value", "boolean"], 0, Default),
        new("d", ["default_value", "boolean"], 0, Default),
        new("attr", ["name"], 1, GetAttribute),
        new("string", [], 0, static (rendering, self, _) => self.ToText(rendering)),
        new("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"], 0, JsonText.Filter),
        new("pprint", [], 0, static (rendering, self, _) => PrettyPrinter.Format(rendering, self)),
        new("length", [], 0, Length),
        new("count", [], 0, Length),
    ];

    private static TemplateValue Default(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments) =>
        self is TemplateUndefined || (Arg.IsTrue(arguments[1]) && !self.IsTrue) ? arguments[0] ?? TemplateValue.Empty : self;

    private static TemplateValue GetAttribute(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateString name = Arg.Text(arguments[0]!, "attr");
        return Access.OwnAttribute(rendering, self, name.Text) ?? TemplateUndefined.Missing(self, name);
    }

    private static TemplateValue Length(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments) =>
        TemplateValue.From(self.Count ?? throw new TemplateFault($"object of type '{self.TypeName}' has no len()"));
}
