using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Tests.Templates;

/// <summary>Every character keeps the mark of who wrote it, whatever a template does to the string. Shown with the caller's text in brackets.</summary>
public sealed class MarkTests
{
    [Theory]
    [InlineData("a{{ x }}b", "a[Hi Yo]b")]
    [InlineData("{{ 'a' + x + 'b' }}", "a[Hi Yo]b")]
    [InlineData("{{ ('<' ~ x ~ '>') | upper }}", "<[HI YO]>")]
    [InlineData("{{ ('<' + x + '>')[1:4] }}", "[Hi ]")]
    [InlineData("{{ ('  ' + x + '  ').strip() }}", "[Hi Yo]")]
    [InlineData("{{ x.split(' ') | join('-') }}", "[Hi]-[Yo]")]
    [InlineData("{{ x.replace('Yo', '<b>') }}", "[Hi ]<b>")]
    [InlineData("{{ 'a-b'.replace('-', x) }}", "a[Hi Yo]b")]
    [InlineData("{{ '%s!' % x }}", "[Hi Yo]!")]
    [InlineData("{{ 'T{}T'.format(x) }}", "T[Hi Yo]T")]
    [InlineData("{% set s %}a{{ x }}{% endset %}{{ s }}", "a[Hi Yo]")]
    [InlineData("{% macro m(v) %}<{{ v }}>{% endmacro %}{{ m(x) }}", "<[Hi Yo]>")]
    [InlineData("{% filter upper %}a{{ x }}{% endfilter %}", "A[HI YO]")]
    [InlineData("{{ [x, 't'] | join('') }}", "[Hi Yo]t")]
    [InlineData("{{ (x ~ 't')[::-1] }}", "t[oY iH]")]
    [InlineData("{% for c in x %}{{ c }}{% if not loop.last %},{% endif %}{% endfor %}", "[H],[i],[ ],[Y],[o]")]
    [InlineData("{{ x | tojson }}", "[\"Hi Yo\"]")]
    public void AStringOperationKeepsTheMarks(string template, string expected) => Assert.Equal(expected, Show(template));

    [Fact]
    public void NeighboursAreOfDifferentKindsAndNoneIsEmpty()
    {
        RenderedPrompt prompt = Render("{{ '' }}a{{ 'b' }}{{ x }}{{ '' }}{{ x }}c");
        Assert.Equal([("ab", PromptPartKind.Template), ("Hi YoHi Yo", PromptPartKind.Caller), ("c", PromptPartKind.Template)], prompt.Parts.Select(part => (part.Text, part.Kind)));
    }

    private static string Show(string template) => string.Concat(Render(template).Parts.Select(part => part.Kind == PromptPartKind.Caller ? $"[{part.Text}]" : part.Text));

    private static RenderedPrompt Render(string template) => ChatTemplate.Parse(template).Render(
        new Dictionary<string, TemplateValue> { ["x"] = TemplateValue.FromCaller("Hi Yo") }, cancellationToken: TestContext.Current.CancellationToken);
}
