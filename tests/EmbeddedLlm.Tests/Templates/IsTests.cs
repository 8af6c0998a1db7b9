using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Tests.Templates;

/// <summary>The tests, as in <c>value is defined</c>. Every expected text is what Jinja 3.1.6 renders in the environment that Hugging Face sets up.</summary>
public sealed class IsTests
{
    [Theory]
    [InlineData("{{ name is defined }} {{ missing is defined }} {{ missing is undefined }} {{ people.0.nope is defined }} {{ none is none }} {{ missing is none }}", "True False True False True False")]
    [InlineData("{{ 1 is odd }} {{ 2 is even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ 1.0 is odd }}", "True True True False True")]
    [InlineData("{{ 'a' is string }} {{ 1 is string }} {{ 1 is number }} {{ true is number }} {{ 1.5 is float }} {{ 1 is float }} {{ 1 is integer }} {{ true is integer }} {{ true is boolean }} {{ 1 is boolean }}", "True False True True True False True False True False")]
    [InlineData("{{ map is mapping }} {{ list is mapping }} {{ list is sequence }} {{ map is sequence }} {{ 'a' is sequence }} {{ 1 is sequence }} {{ map.items() is sequence }} {{ missing is sequence }} {{ range(1) is sequence }}", "True False True True True False False True True")]
    [InlineData("{{ list is iterable }} {{ map is iterable }} {{ 'a' is iterable }} {{ 1 is iterable }} {{ none is iterable }} {{ missing is iterable }} {{ map.keys() is iterable }}", "True True True False False True True")]
    [InlineData("{{ true is true }} {{ 1 is true }} {{ false is false }} {{ 0 is false }} {{ none is sameas none }} {{ 1 is sameas true }}", "True False True False True False")]
    [InlineData("{{ 'ABC' is upper }} {{ 'abc' is lower }} {{ 1 is lower }} {{ dict is callable }} {{ name is callable }} {{ '<'|e is escaped }} {{ '<' is escaped }}", "True True False True False True False")]
    [InlineData("{{ 'upper' is filter }} {{ 'nope' is filter }} {{ 'odd' is test }} {{ 'nope' is test }}", "True False True False")]
    [InlineData("{{ 1 is in [1, 2] }} {{ 'a' is in 'abc' }} {{ 3 is in(list) }} {{ 5 is not in list }}", "True True True True")]
    [InlineData("{{ 1 is eq 1 }} {{ 1 is equalto 2 }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 1 is le 1 }} {{ 2 is gt 1 }} {{ 2 is ge 3 }} {{ 2 is greaterthan 1 }} {{ 1 is lessthan 2 }} {{ 1 is not eq 1 }}", "True False True True True True False True True False")]
    [InlineData("{{ not 1 is odd }} {{ 1 is odd and 2 is odd }} {{ 1 is odd or false }} {{ 'y' if 1 is odd else 'n' }} {{ (1 is odd) is true }} {{ people[0].name is string }}", "False False True y True True")]
    [InlineData("{% if yes is defined and yes is true %}a{% endif %}{% if nothing is not none %}b{% endif %}", "a")]
    public void RendersAsJinjaDoes(string template, string expected) => Assert.Equal(expected, TemplateRun.Render(template));

    [Theory]
    [InlineData("{{ 1 is nosuchtest }}")]
    [InlineData("{{ 'a' is odd }}")]
    [InlineData("{{ 1 is in 5 }}")]
    [InlineData("{{ 1 is lt 'a' }}")]
    [InlineData("{{ 1 is odd is even }}")]
    [InlineData("{{ 1 is divisibleby }}")]
    [InlineData("{{ 1 is divisibleby 0 }}")]
    public void IsAnErrorAsInJinja(string template) => Assert.Throws<ChatTemplateException>(() => TemplateRun.Render(template));
}
