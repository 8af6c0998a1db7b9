using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Tests.Templates;

/// <summary>Whatever a template does to a text, each character keeps the mark of who wrote it. The caller's text stands between angle quotes.</summary>
public sealed class MarkTests
{
    [Theory]
    [InlineData("{{ name }}", "«Ada»")]
    [InlineData("a {{ name }} b", "a «Ada» b")]
    [InlineData("{{ 'x' }}{{ 1 }}{{ none }}{{ n }}", "x1None7")]
    [InlineData("{{ name }}{{ name }}", "«AdaAda»")]
    [InlineData("{{ 'a' + name + 'b' }}", "a«Ada»b")]
    [InlineData("{{ 'a' ~ name ~ 1 }}", "a«Ada»1")]
    [InlineData("{{ name * 2 }}{{ ('a' + name) * 2 }}", "«AdaAda»a«Ada»a«Ada»")]
    [InlineData("{{ ('ab' + name)[1:4] }}", "b«Ad»")]
    [InlineData("{{ ('ab' + name + 'cd')[::-1] }}", "dc«adA»ba")]
    [InlineData("{{ ('ab' + name)[0] }}{{ ('ab' + name)[-1] }}", "a«a»")]
    [InlineData("{{ ('  ' + text + '  ')|trim }}|{{ text.strip() }}", "«Hello World»|«Hello World»")]
    [InlineData("{{ ('<' + name + '>').strip('<A') }}", "«da»>")]
    [InlineData("{{ ('x' + name).upper() }}{{ ('x' + name)|lower }}", "X«ADA»x«ada»")]
    [InlineData("{{ ('x' + name).title() }}{{ ('xy z' + name)|title }}{{ ('x' + name)|capitalize }}{{ ('xß' + name).upper() }}", "X«ada»Xy Z«ada»X«ada»XSS«ADA»")]
    [InlineData("{{ 'a-b'.replace('-', name) }}{{ ('-' + name).replace('d', 'D') }}", "a«Ada»b-«A»D«a»")]
    [InlineData("{{ ('k=' + name + ';v').split(';') | join('|') }}", "k=«Ada»|v")]
    [InlineData("{{ (name + ' x ' + name).split()[0] }}{{ (name + ' x').rsplit(' ', 1)[1] }}", "«Ada»x")]
    [InlineData("{{ ('a\n' + name).splitlines()|join('+') }}", "a+«Ada»")]
    [InlineData("{{ ('a:' + name).partition(':')|join }}", "a:«Ada»")]
    [InlineData("{{ words|join(', ') }}", "«b», «A», «c», «a»")]
    [InlineData("{{ ', '.join(words) }}{{ name.join(['x', 'y']) }}", "«b», «A», «c», «a»x«Ada»y")]
    [InlineData("{{ '<%s|%5s|%-5s>' % (name, name, name) }}", "<«Ada»|  «Ada»|«Ada»  >")]
    [InlineData("{{ '<%(a)s>' % {'a': name} }}{{ '<%s>'|format(name) }}", "<«Ada»><«Ada»>")]
    [InlineData("{{ '<{}|{x:>5}|{y!r}>'.format(name, x=name, y=name) }}", "<«Ada»|  «Ada»|«'Ada'»>")]
    [InlineData("{{ name.format() }}{{ (name + '{}').format('x') }}", "«AdaAda»x")]
    [InlineData("{{ name.center(7, '*') }}{{ name.ljust(5) }}{{ name.zfill(5) }}", "**«Ada»**«Ada»  00«Ada»")]
    [InlineData("{{ name|center(7) }}{{ lines|indent }}", "  «Ada»  «one»\n    «two»\n\n    «four»")]
    [InlineData("{{ html|e }}", "«&lt;b&gt;&amp;&#39;&#34;&lt;/b&gt;»")]
    [InlineData("{{ name|reverse }}{{ name|list|join('.') }}{{ name|first }}{{ name|last }}", "«adAA».«d».«aAa»")]
    [InlineData("{{ map|tojson }}{{ name|tojson }}", "«{\"b\": 1, \"A\": 2, \"c\": null, \"items\": 5}\"Ada\"»")]
    [InlineData("{{ {'a': 1}|tojson }}{{ {'a': name}|tojson }}{{ [1, 'x']|tojson }}", "{\"a\": 1}«{\"a\": \"Ada\"}»[1, \"x\"]")]
    [InlineData("{{ words }}{{ ['x'] }}{{ ['x', name] }}{{ [words] }}", "«['b', 'A', 'c', 'a']»['x']«['x', 'Ada'][['b', 'A', 'c', 'a']]»")]
    [InlineData("{{ {}|tojson }}{{ empty }}{{ '' }}{{ list }}{{ words|length }}", "{}«[3, 1, 2]»4")]
    [InlineData("{% for k, v in map|items %}{{ k }}={{ v }};{% endfor %}", "«b»=1;«A»=2;«c»=None;«items»=5;")]
    [InlineData("{% set x = name %}{% set y %}<{{ x }}>{% endset %}{{ y }}", "<«Ada»>")]
    [InlineData("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(name) }}{{ m('t') }}", "<«Ada»><t>")]
    [InlineData("{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}{{ name }}!{% endcall %}", "<«Ada»!>")]
    [InlineData("{% filter upper %}a{{ name }}b{% endfilter %}", "A«ADA»B")]
    [InlineData("{% set ns = namespace(t='') %}{% for w in words %}{% set ns.t = ns.t ~ w ~ ',' %}{% endfor %}{{ ns.t }}", "«b»,«A»,«c»,«a»,")]
    [InlineData("{{ 'a' if name == 'Ada' else 'b' }}{{ name|default('x') }}{{ missing|default(name) }}", "a«AdaAda»")]
    [InlineData("{{ (name ~ 'x')|truncate(3, true, '', 0) }}{{ 'abcdefghij'|truncate(5, true, name) }}", "«Ada»abcdefghij")]
    [InlineData("{{ 'abcdefghijklm'|truncate(5, true, name) }}", "ab«Ada»")]
    [InlineData("{{ (name ~ ' x')|urlencode }}{{ {'k': name}|urlencode }}{{ {'k': name}|xmlattr }}", "«Ada»%20xk=«Ada» k=\"«Ada»\"")]
    [InlineData("{{ (name ~ ' b')|wordwrap(3) }}{{ html|striptags }}{{ [name]|pprint }}", "«Ada»\nb«&'\"['Ada']»")]
    [InlineData("{{ words|sort|join }}{{ words|map('upper')|join }}{{ people|groupby('name')|map(attribute='grouper')|join }}", "«AabcBACAxY»")]
    public void EveryOperationKeepsTheMarks(string template, string expected) => Assert.Equal(expected, TemplateRun.RenderMarked(template));

    [Fact]
    public void TextThatTheHostVouchesForIsTemplateText()
    {
        Dictionary<string, TemplateValue> variables = new()
        {
            ["bos_token"] = TemplateValue.FromTemplate("<s>"),
            ["message"] = new TemplateDictionary { { "role", TemplateValue.FromTemplate("user") }, { "content", TemplateValue.FromCaller("hi") } },
        };

        Assert.Equal("<s><|user|>«hi»", TemplateRun.RenderMarked("{{ bos_token }}{{ '<|' + message['role'] + '|>' }}{{ message.content }}", variables));
    }

    [Fact]
    public void ALongTextThatIsBuiltInPiecesKeepsItsMarks()
    {
        string rendered = TemplateRun.RenderMarked(
            "{% set ns = namespace(t='') %}{% for i in range(300) %}{% set ns.t = ns.t + '<' + name + '>' %}{% endfor %}{{ ns.t }}{{ ns.t[-10:] }}");

        Assert.Equal(string.Concat(Enumerable.Repeat("<«Ada»>", 302)), rendered);
    }

    [Fact]
    public void TwoContinuationsOfOneTextDoNotDisturbEachOther()
    {
        string template = "{% set a = name * 100 %}{% set b = a + 'x' %}{% set c = b + 'y' %}{% set d = b + 'z' %}{{ c[-3:] }} {{ d[-3:] }} {{ b[-2:] }}";

        Assert.Equal("«a»xy «a»xz «a»x", TemplateRun.RenderMarked(template));
    }

    [Fact]
    public void NeighbouringPartsAreOfDifferentKindsAndNeverEmpty()
    {
        RenderedPrompt prompt = ChatTemplate.Parse("{{ name }}{{ '' }}{{ name }}a{{ empty }}b{{ 1 }}").Render(TemplateRun.Variables);

        Assert.Equal([new PromptPart("AdaAda", PromptPartKind.Caller), new PromptPart("ab1", PromptPartKind.Template)], prompt.Parts);
    }
}
