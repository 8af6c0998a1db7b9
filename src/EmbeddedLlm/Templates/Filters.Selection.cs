using System.Collections.Frozen;

namespace EmbeddedLlm.Templates;

internal static partial class Filters
{
    private static IEnumerable<Builtin> SelectionFilters =>
    [
        new("map", Map),
        new("select", static (rendering, self, arguments) => Select(rendering, self, arguments, keeps: true, byAttribute: false)),
        new("reject", static (rendering, self, arguments) => Select(rendering, self, arguments, keeps: false, byAttribute: false)),
        new("selectattr", static (rendering, self, arguments) => Select(rendering, self, arguments, keeps: true, byAttribute: true)),
        new("rejectattr", static (rendering, self, arguments) => Select(rendering, self, arguments, keeps: false, byAttribute: true)),
    ];

    private static TemplateIterator Map(Rendering rendering, TemplateValue self, Arguments arguments)
    {
        return Generate(self, Read());

        IEnumerator<TemplateValue> Read()
        {
            if (!self.IsTrue)
                yield break;

            Func<TemplateValue, TemplateValue> map = PrepareMap(rendering, arguments);
            using IEnumerator<TemplateValue> items = rendering.Enumerate(self);
            while (items.MoveNext())
            {
                rendering.Charge(1);
                yield return map(items.Current);
            }
        }
    }

    private static Func<TemplateValue, TemplateValue> PrepareMap(Rendering rendering, Arguments arguments)
    {
        if (arguments.Positional.Length == 0 && arguments.Find("attribute") is { } attribute)
        {
            foreach ((string name, _) in arguments.Named)
            {
                if (name is not ("attribute" or "default"))
                    throw new TemplateFault($"Unexpected keyword argument '{name}'");
            }

            AttributePath path = AttributePath.Parse(attribute, arguments.Find("default"));
            return item => path.Read(rendering, item);
        }

        if (arguments.Positional.Length == 0)
            throw new TemplateFault("map requires a filter argument");

        Builtin filter = FindByName(Table, "filter", arguments.Positional[0]);
        Arguments rest = arguments.Skip(1);
        return item => filter.Invoke(rendering, item, rest);
    }

    private static TemplateIterator Select(Rendering rendering, TemplateValue self, Arguments arguments, bool keeps, bool byAttribute)
    {
        return Generate(self, Read());

        IEnumerator<TemplateValue> Read()
        {
            if (!self.IsTrue)
                yield break;

            Func<TemplateValue, bool> holds = PrepareTest(rendering, arguments, byAttribute);
            using IEnumerator<TemplateValue> items = rendering.Enumerate(self);
            while (items.MoveNext())
            {
                rendering.Charge(1);
                if (holds(items.Current) == keeps)
                    yield return items.Current;
            }
        }
    }

    private static Func<TemplateValue, bool> PrepareTest(Rendering rendering, Arguments arguments, bool byAttribute)
    {
        AttributePath? path = null;
        if (byAttribute)
        {
            if (arguments.Positional.Length == 0)
                throw new TemplateFault("Missing parameter for attribute name");
            path = AttributePath.Parse(arguments.Positional[0]);
            arguments = arguments.Skip(1);
        }

        if (arguments.Positional.Length == 0)
            return item => (path is null ? item : path.Read(rendering, item)).IsTrue;

        Builtin test = FindByName(Tests.Table, "test", arguments.Positional[0]);
        Arguments rest = arguments.Skip(1);
        return item => test.Invoke(rendering, path is null ? item : path.Read(rendering, item), rest).IsTrue;
    }

    private static Builtin FindByName(FrozenDictionary<string, Builtin> table, string kind, TemplateValue name) =>
        name is TemplateString text && table.TryGetValue(text.Text, out Builtin? builtin)
            ? builtin
            : throw new TemplateFault($"No {kind} named {name}.");
}
