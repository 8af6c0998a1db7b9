using System.Text.Json;
using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Tests.Templates;

/// <summary>Small templates and what Jinja2 3.1, set up as Hugging Face does, renders them to.</summary>
public sealed class SemanticsTests
{
    private const string Context = """
        {"user": {"name": "Ana", "age": 31, "tags": ["a", "b"]}, "items": [3, 1, 2], "text": "  Hello World  ", "emoji": "a😀b", "none": null,
         "rows": [{"k": "x", "v": 1}, {"k": "y", "v": 2}, {"k": "x", "v": 3}], "pi": 3.14159, "yes": true}
        """;

    public static TheoryData<string, string> Printing => new()
    {
        { "{{ none }}|{{ yes }}|{{ missing }}|{{ 1.0 }}|{{ 1e100 }}|{{ 10 // 3 }}|{{ -7 // 2 }}|{{ -7 % 3 }}|{{ 2 ** 10 }}|{{ 7 / 2 }}", "None|True||1.0|1e+100|3|-4|2|1024|3.5" },
        { "{{ user }}", "{'name': 'Ana', 'age': 31, 'tags': ['a', 'b']}" },
        { "{{ items }} {{ (1, 'a') }} {{ {'a': none} }}", "[3, 1, 2] (1, 'a') {'a': None}" },
        { "{{ 'it\\'s' }} {{ ['it\\'s', \"q\\\"\"] }}", "it's [\"it's\", 'q\"']" },
        { "{{ 1 if missing else 2 }}|{{ 1 if missing }}|", "2||" },
        { "{{ 'a' ~ 1 ~ none }}", "a1None" },
        { "{{ 0.1 + 0.2 }} {{ 1e16 }} {{ 1e15 }} {{ 1.5e-7 }}", "0.30000000000000004 1e+16 1000000000000000.0 1.5e-07" },
        { "{{ 10 ** 20 }} {{ -(2 ** 70) }}", "100000000000000000000 -1180591620717411303424" },
    };

    public static TheoryData<string, string> Strings => new()
    {
        { "{{ text.strip() }}|{{ text | trim }}|{{ text.upper() }}|{{ text | title }}|{{ text | length }}", "Hello World|Hello World|  HELLO WORLD  |  Hello World  |15" },
        { "{{ emoji | length }} {{ emoji[1] }} {{ emoji[::-1] }} {{ emoji[-1:] }}", "3 😀 b😀a b" },
        { "{{ 'a,b,,c'.split(',') }} {{ 'a b  c'.split() }} {{ 'a,b,c'.rsplit(',', 1) }}", "['a', 'b', '', 'c'] ['a', 'b', 'c'] ['a,b', 'c']" },
        { "{{ 'abcabc'.replace('b', 'X', 1) }} {{ 'abc'.find('c') }} {{ 'abc'.startswith(('x', 'a')) }} {{ 'abc'.endswith('bc') }}", "aXcabc 2 True True" },
        { "{{ 'x={}, y={n:>4}'.format(1, n=2) }} {{ '%s-%03d-%.2f' % ('a', 7, 1.5) }} {{ '%s' | format('z') }}", "x=1, y=   2 a-007-1.50 z" },
        { "{{ 'line one\\nline two' | indent(2) }}", "line one\n  line two" },
        { "{{ 'hello'.capitalize() }} {{ 'Hello' | lower }} {{ 'a-b'.partition('-') }}", "Hello hello ('a', '-', 'b')" },
        { "{{ 'abc' * 2 }} {{ 'b' in 'abc' }} {{ 'prefix-x'.removeprefix('prefix-') }}", "abcabc True x" },
        { "{{ 'x' | center(5) }}|{{ 'the end' | truncate(6, True, '.') }}|{{ 'a b c' | wordcount }}", "  x  |the end|3" },
        { "{{ '<&>\"' | e }} {{ '<&>' }} {{ 'a b/c' | urlencode }}", "&lt;&amp;&gt;&#34; <&> a%20b/c" },
    };

    public static TheoryData<string, string> Collections => new()
    {
        { "{{ items | sort }} {{ items | max }} {{ items | sum }} {{ items | first }} {{ items | last }} {{ items | reverse | list }}", "[1, 2, 3] 3 6 3 2 [2, 1, 3]" },
        { "{{ rows | map(attribute='k') | join(',') }} {{ rows | selectattr('k', 'equalto', 'x') | map(attribute='v') | list }} {{ rows | rejectattr('v', 'gt', 1) | list | length }}", "x,y,x [1, 3] 1" },
        { "{% for g, l in rows | groupby('k') %}{{ g }}:{{ l | length }};{% endfor %}", "x:2;y:1;" },
        { "{{ user | dictsort }} {{ user.items() | list | length }} {{ user | items | list | first }}", "[('age', 31), ('name', 'Ana'), ('tags', ['a', 'b'])] 3 ('name', 'Ana')" },
        { "{{ [1, 2, 3, 4, 5] | batch(2) | list }} {{ [1, 2, 3] | slice(2) | list }} {{ [1, 1, 2] | unique | list }}", "[[1, 2], [3, 4], [5]] [[1, 2], [3]] [1, 2]" },
        { "{{ items[1:] }} {{ items[::-1] }} {{ items[-1] }} {{ items[5:] }}", "[1, 2] [2, 1, 3] 2 []" },
        { "{{ user['name'] }} {{ user.get('x', 'd') }} {{ 'name' in user }} {{ user.missing is defined }} {{ user.keys() | list }}", "Ana d True False ['name', 'age', 'tags']" },
        { "{{ range(5) | list }} {{ range(5, 0, -2) | list }} {{ range(3) | select('odd') | list }}", "[0, 1, 2, 3, 4] [5, 3, 1] [1]" },
        { "{{ [[1, 2], [3]] | sum(start=[]) }} {{ items | join('-') }} {{ {'a': 1} == {'a': 1} }}", "[1, 2, 3] 3-1-2 True" },
        { "{{ dict(a=1, b=2) }} {{ [1, 2] + [3] }} {{ (1, 2) < (1, 3) }}", "{'a': 1, 'b': 2} [1, 2, 3] True" },
    };

    public static TheoryData<string, string> Json => new()
    {
        { "{{ user | tojson }}", "{\"name\": \"Ana\", \"age\": 31, \"tags\": [\"a\", \"b\"]}" },
        { "{{ user | tojson(indent=2) }}", "{\n  \"name\": \"Ana\",\n  \"age\": 31,\n  \"tags\": [\n    \"a\",\n    \"b\"\n  ]\n}" },
        { "{{ {'b': 1, 'a': '<é😀>'} | tojson(sort_keys=True) }} {{ [1.0, none, yes] | tojson(separators=(',', ':')) }}", "{\"a\": \"<é😀>\", \"b\": 1} [1.0,null,true]" },
        { "{{ 'tab\\t\"quote\" \\u0001' | tojson }}", "\"tab\\t\\\"quote\\\" \\u0001\"" },
    };

    public static TheoryData<string, string> Control => new()
    {
        { "{% for x in items %}{{ loop.index }}/{{ loop.length }}:{{ x }}{% if not loop.last %},{% endif %}{% endfor %}", "1/3:3,2/3:1,3/3:2" },
        { "{% for x in [] %}x{% else %}none{% endfor %}", "none" },
        { "{% for x in items if x > 1 %}{{ x }}{{ loop.first }}{{ loop.previtem }}{% endfor %}", "3True2False3" },
        { "{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %}", "0134" },
        { "{% set n = namespace(c=0) %}{% for x in items %}{% set n.c = n.c + x %}{% endfor %}{{ n.c }}", "6" },
        { "{% set a = 1 %}{% for x in items %}{% set a = x %}{% endfor %}{{ a }}", "1" },
        { "{% macro m(a, b='B') %}[{{ a }}{{ b }}{{ varargs }}{{ kwargs }}]{% endmacro %}{{ m(1) }}{{ m(1, 2, 3, z=4) }}", "[1B(){}][12(3,){'z': 4}]" },
        { "{% macro f() %}<{{ caller('x') }}>{% endmacro %}{% call(v) f() %}in {{ v }}{% endcall %}", "<in x>" },
        { "{% set s %}block {{ user.name }}{% endset %}{{ s | upper }}", "BLOCK ANA" },
        { "{% filter upper %}loud {{ user.name }}{% endfilter %}", "LOUD ANA" },
        { "{% with a = 5 %}{{ a }}{% endwith %}{{ a is defined }}", "5False" },
        { "{% if items and not missing %}yes{% elif yes %}elif{% else %}no{% endif %}", "yes" },
        { "{% for k, v in user.items() %}{{ k }}={{ v }};{% endfor %}", "name=Ana;age=31;tags=['a', 'b'];" },
        { "{% generation %}kept{% endgeneration %}", "kept" },
        { "{% for x in items recursive %}{{ x }}{% endfor %}{{ loop is defined }}", "312False" },
        { "{{ 1 < 2 < 3 }} {{ not (1 == 1.0) }} {{ none is none }} {{ 1 is number }} {{ user is mapping }} {{ items is iterable }} {{ 'a' is string }} {{ 5 is divisibleby 5 }}", "True False True True True True True True" },
        { "{% for x in items %}{{ loop.cycle('odd', 'even') }}{{ loop.revindex0 }} {% endfor %}", "odd2 even1 odd0 " },
    };

    public static TheoryData<string, string> WhiteSpace => new()
    {
        { "a\n{% if yes %}\nb\n{% endif %}\nc\n", "a\nb\nc" },
        { "  {% if yes %}  \n  x\n  {% endif %}\n", "  \n  x\n" },
        { "a {%- if yes -%} b {%- endif -%} c", "abc" },
        { "{{- 'a' -}}  \n  {{ 'b' }}", "ab" },
        { "{# comment #}\nx{#- y -#}  z", "xz" },
        { "  {%+ if yes %}kept{% endif %}", "  kept" },
        { "{% raw %}{{ not }} {% done %}{% endraw %}", "{{ not }} {% done %}" },
        { "line\n\n{% set x = 1 %}\n\nend", "line\n\n\nend" },
        { "a\r\nb\n", "a\nb" },
    };

    public static TheoryData<string> Errors =>
    [
        "{{ missing.x }}",
        "{{ none.x.y }}",
        "{{ 'a' + 1 }}",
        "{{ items.append(4) }}",
        "{{ raise_exception('No system role') }}",
        "{{ 1 / 0 }}",
        "{{ [1][5].x }}",
        "{% for x in 5 %}{% endfor %}",
        "{{ x | nofilter }}",
        "{% if %}",
        "{{ 'unclosed }}",
        "{% for x in y %}",
        "{% include 'x' %}",
        "{{ user() }}",
        "{{ ''.__class__ }}{{ ''.__class__.x }}",
        "{{ 'a' < 1 }}",
    ];

    [Theory]
    [MemberData(nameof(Printing))]
    [MemberData(nameof(Strings))]
    [MemberData(nameof(Collections))]
    [MemberData(nameof(Json))]
    [MemberData(nameof(Control))]
    [MemberData(nameof(WhiteSpace))]
    public void ATemplateRendersAsJinjaRendersIt(string template, string expected) => Assert.Equal(expected, Render(template));

    [Theory]
    [MemberData(nameof(Errors))]
    public void WhatIsAnErrorToJinjaIsAnError(string template) => Assert.Throws<ChatTemplateException>(() => Render(template));

    private static string Render(string template)
    {
        using JsonDocument context = JsonDocument.Parse(Context);
        Dictionary<string, TemplateValue> variables = context.RootElement.EnumerateObject().ToDictionary(property => property.Name, property => TemplateValue.FromJson(property.Value));
        return ChatTemplate.Parse(template).Render(variables, cancellationToken: TestContext.Current.CancellationToken).ToString();
    }
}
