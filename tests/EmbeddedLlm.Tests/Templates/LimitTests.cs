using System.Text.Json;
using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Tests.Templates;

/// <summary>
/// Templates come out of downloaded files. Whatever one does, it ends soon, in a <see cref="ChatTemplateException"/>,
/// on a thread with a stack of 256 KiB.
/// </summary>
public sealed class LimitTests
{
    private const int SmallStack = 256 * 1024;
    private static readonly TimeSpan LongEnough = TimeSpan.FromMinutes(2);

    public static TheoryData<string, string> HostileTemplates => new()
    {
        { "repeated text", "{{ 'a' * 1000000000 }}" },
        { "repeated list", "{{ [1] * 1000000000 }}" },
        { "repeated empty lists", "{{ ([[]] * 100000) * 100000 }}" },
        { "huge range", "{% for i in range(10 ** 9) %}{% endfor %}" },
        { "nested loops", "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}" },
        { "doubled text", "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}" },
        { "doubled list", "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}" },
        { "doubled tree", "{% set ns = namespace(x=[1]) %}{% for i in range(90) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x == ns.x }}{{ ns.x }}" },
        { "deep list", "{% set ns = namespace(x=[]) %}{% for i in range(90000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}" },
        { "deep namespaces", "{% set ns = namespace(x=1) %}{% for i in range(9000) %}{% set ns.x = namespace(y=ns.x) %}{% endfor %}{{ ns.x }}" },
        { "deep generators", "{% set ns = namespace(x=['a']) %}{% for i in range(90000) %}{% set ns.x = ns.x|map('upper') %}{% endfor %}{{ ns.x|list }}" },
        {
            "generators behind namespaces",
            "{% set ns = namespace(x=[1]) %}{% for i in range(90000) %}{% set ns.x = [namespace(g=ns.x)]|map(attribute='g')|map('list') %}{% endfor %}{{ ns.x|list }}"
        },
        { "growing output", "{% for i in range(99999) %}{{ 'x' * 99999 }}{% endfor %}" },
        { "growing values", "{% set ns = namespace() %}{% for i in range(99999) %}{% set ns.x = 'x' * 999999 %}{% endfor %}" },
        { "kept values", "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = ns.l + ['x' * 99999] %}{% endfor %}" },
        { "endless macro", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}" },
        { "endless pair of macros", "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}" },
        { "endless caller", "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{% call m() %}{% endcall %}" },
        { "endless loop call", "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}" },
        { "branching macro", "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}" },
        { "large power", "{{ 10 ** (10 ** 10) }}" },
        { "repeated squaring", "{% set ns = namespace(x=3) %}{% for i in range(99) %}{% set ns.x = ns.x * ns.x %}{% endfor %}" },
        { "wide number", "{{ '%1000000000d' % 1 }}" },
        { "wide field", "{{ '{:1000000000}'.format(1) }}" },
        { "precise number", "{{ '%.1000000000f' % 1 }}{{ '{:.99999999e}'.format(1.5) }}" },
        { "wide padding", "{{ 'a'.center(1000000000) }}" },
        { "wide filling", "{{ '1'.zfill(1000000000) }}" },
        { "wide tabs", "{{ '\\t'.expandtabs(1000000000) }}" },
        { "wide indentation", "{{ 'a\\nb'|indent(1000000000) }}" },
        { "wide JSON", "{{ [[[1]]]|tojson(indent=9999999) }}" },
        { "large batch", "{{ [1]|batch(1000000000, 'x')|list }}" },
        { "many slices", "{{ [1]|slice(1000000000)|list }}" },
        { "exploding replacement", "{{ ('a' * 99999).replace('', 'b' * 99999) }}" },
        { "exploding join", "{{ ('a' * 9999)|join('b' * 99999) }}" },
        { "exploding format", "{{ '{0}{0}{0}{0}{0}{0}{0}{0}'.format('{0}' * 9999999) }}{% for i in range(99999) %}{{ '{0}' * 9999 }}{% endfor %}" },
        { "repeated sorting", "{% for i in range(99999) %}{% set x = range(99999)|sort %}{% endfor %}" },
        { "repeated searching", "{% set t = 'a' * 9999999 %}{% for i in range(99999) %}{% set x = t.find('aaab') %}{% endfor %}" },
        { "repeated splitting", "{% set t = 'a ' * 999999 %}{% for i in range(99999) %}{% set x = t.split() %}{% endfor %}" },
        { "repeated comparison", "{% set t = 'a' * 9999999 %}{% set u = t + '' %}{% set v = 'a' * 9999999 %}{% for i in range(99999) %}{% set x = t == v %}{% endfor %}" },
        { "repeated printing", "{% set t = range(99999)|list %}{% for i in range(99999) %}{% set x = t|string %}{% endfor %}" },
        { "repeated unpacking", "{% macro m() %}{{ varargs }}{% endmacro %}{% for i in range(99999) %}{% set x = m(*range(99999)) %}{% endfor %}" },
        { "repeated precise numbers", Repeated("{% set x = '%.1000f' % 0.1 %}{% set y = '{:.1000e}'.format(0.1) %}") },
        { "repeated wide numbers", Repeated("{% set x = '%999999d' % 1 %}{% set y = '{:>999999}'.format('a') %}") },
        { "repeated large integers", Repeated("{% set x = (3 ** 8000) * (3 ** 8000 - 1) // 7 ** 900 %}") },
        { "repeated large texts of integers", Repeated("{% set x = (3 ** 8000)|string|int %}") },
        { "repeated JSON", "{% set t = range(9999)|list %}" + Repeated("{% set x = t|tojson(indent=2) %}") },
        { "repeated pretty printing", "{% set t = range(9999)|list %}" + Repeated("{% set x = [t, {'a': t}]|pprint %}") },
        { "repeated wrapping", "{% set t = 'word ' * 9999 %}" + Repeated("{% set x = t|wordwrap(9) %}") },
        { "repeated titles", "{% set t = 'wörd ' * 9999 %}" + Repeated("{% set x = t|title %}{% set x = t.title() %}{% set x = t.upper() %}") },
        { "repeated grouping", "{% set t = range(9999)|list %}" + Repeated("{% set x = t|groupby('real') %}{% set x = t|unique|list %}") },
        { "repeated merging", "{% set d = dict.fromkeys(range(9999)) %}" + Repeated("{% set x = dict(d, a=1) %}{% set x = d.copy() %}{% set x = d == x %}") },
        { "repeated reversal", "{% set t = 'a😀' * 9999 %}" + Repeated("{% set x = t[::-1] %}{% set x = t[5000:] %}{% set x = t[3] %}") },
        { "repeated stripping", "{% set t = 'b' * 3999999 %}{% set s = 'a' * 3999999 + 'b' %}" + Repeated("{% set x = t.strip(s) %}{% set x = t|trim(s) %}") },
        { "search of periods", "{% set t = 'ab' * 3999999 %}{% set s = 'ab' * 999999 + 'ba' + 'ab' * 999999 %}" + Repeated("{% set x = t.find(s) %}{% set x = s in t %}") },
        { "search of periods from the end", "{% set t = 'ab' * 3999999 %}{% set s = 'ab' * 999999 + 'ba' + 'ab' * 999999 %}{{ t.rfind(s) }}{{ t.rsplit(s) }}" },
        { "repeated long keys", "{% set t = 'a' * 7999999 %}{% set d = {'b': 1} %}" + Repeated("{% set x = d[t] %}{% set x = d.get(t) %}{% set x = d[(t,)] %}{% set x = {t: 1} %}") },
        { "repeated long paths", "{% set t = 'a.' * 999999 %}" + Repeated("{% set x = []|join(attribute=t) %}{% set x = []|sort(attribute=t) %}") },
        { "repeated distinction", "{% set t = ['A' * 7999999] %}" + Repeated("{% set x = t|unique|list %}{% set x = t|unique(true)|list %}{% set x = t|max %}") },
        { "repeated affixes", "{% set t = ('a',) * 7999999 %}" + Repeated("{% set x = 'b'.startswith(t) %}") },
        { "repeated positions", "{% set t = '😀' * 1999999 %}" + Repeated("{% set x = t[999999] %}{% set x = t[-3:] %}") },
        { "repeated looks at a growing text", "{% set ns = namespace(x='a' * 7999999 ~ 'b') %}" + Repeated("{% set ns.x = ns.x ~ 'c' %}{% set x = ns.x[0] %}{% set x = ns.x < 'a' %}") },
        { "repeated escaping", "{% set t = '<' * 9999 %}" + Repeated("{% set x = t|e %}{% set x = t|urlencode %}{% set x = t|striptags %}{% set x = [t]|string %}") },
        { "repeated names", "{% macro m() %}" + string.Concat(Enumerable.Range(0, 9999).Select(i => $"{{% set a{i} = 1 %}}")) + "{% endmacro %}" + Repeated("{{ m() }}") },
        { "nested parentheses", Nested("(", "1", ")") },
        { "nested lists", Nested("[", "1", "]") },
        { "nested mappings", Nested("{1:", "1", "}") },
        { "nested items", Nested("a[", "1", "]") },
        { "nested calls", Nested("f(", "1", ")") },
        { "nested filter arguments", Nested("1|default(", "1", ")") },
        { "nested test arguments", Nested("1 is eq(", "1", ")") },
        { "nested signs", "{{ " + string.Concat(Enumerable.Repeat("- ", 50000)) + "1 }}" },
        { "nested conditions", "{{ " + string.Concat(Enumerable.Repeat("1 if 1 else ", 50000)) + "1 }}" },
        { "chained conditions", "{{ 1" + string.Concat(Enumerable.Repeat(" if 1", 50000)) + " }}" },
        { "chained attributes", "{{ a" + string.Concat(Enumerable.Repeat(".b", 50000)) + " }}" },
        { "chained filters", "{{ 1" + string.Concat(Enumerable.Repeat("|string", 50000)) + " }}" },
        { "chained calls", "{{ a" + string.Concat(Enumerable.Repeat("()", 50000)) + " }}" },
        { "nested targets", "{% set " + new string('(', 50000) + "a" + new string(')', 50000) + " = 1 %}" },
        { "nested ifs", string.Concat(Enumerable.Repeat("{% if 1 %}", 20000)) + string.Concat(Enumerable.Repeat("{% endif %}", 20000)) },
        { "nested loops in the source", string.Concat(Enumerable.Repeat("{% for a in [1] %}", 20000)) + string.Concat(Enumerable.Repeat("{% endfor %}", 20000)) },
        { "nested macros", string.Concat(Enumerable.Repeat("{% macro m() %}", 20000)) + string.Concat(Enumerable.Repeat("{% endmacro %}", 20000)) },
        { "long source", new string('x', 2_000_000) },
    };

    public static TheoryData<string, string> DemandingTemplates => new()
    {
        { "long sum", "{{ 1" + string.Concat(Enumerable.Repeat(" + 1", 50000)) + " }}" },
        { "long concatenation", "{{ 1" + string.Concat(Enumerable.Repeat(" ~ 1", 50000)) + " }}" },
        { "long condition", "{{ 0" + string.Concat(Enumerable.Repeat(" or 0", 50000)) + " }}" },
        { "long comparison", "{{ 1" + string.Concat(Enumerable.Repeat(" == 1", 50000)) + " }}" },
        { "many negations", "{{ " + string.Concat(Enumerable.Repeat("not ", 50000)) + "1 }}" },
        { "many elifs", "{% if 0 %}" + string.Concat(Enumerable.Repeat("{% elif 0 %}", 20000)) + "{% endif %}" },
        { "many names in branches", string.Concat(Enumerable.Range(0, 9000).Select(i => $"{{% if 1 %}}{{% set a{i} = 1 %}}{{% endif %}}")) },
        { "many statements", string.Concat(Enumerable.Repeat("{{ 1 }}a", 50000)) },
        { "macros 100 deep", "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(100) }}" },
        { "nesting 40 deep", "{{ " + new string('(', 40) + "1" + new string(')', 40) + " }}" },
        { "blocks 40 deep", string.Concat(Enumerable.Repeat("{% if 1 %}", 40)) + "1" + string.Concat(Enumerable.Repeat("{% endif %}", 40)) },
    };

    [Theory]
    [MemberData(nameof(HostileTemplates))]
    public void AHostileTemplateIsRefused(string what, string template)
    {
        // A fifth of the default steps, to keep the suite short; time is in proportion.
        TemplateLimits limits = new() { Steps = TemplateLimits.Default.Steps / 5 };
        Exception? exception = RunOnSmallStack(what, () => ChatTemplate.Parse(template, limits).Render(TemplateRun.Variables));

        Assert.IsType<ChatTemplateException>(exception);
    }

    [Theory]
    [MemberData(nameof(DemandingTemplates))]
    public void ALongTemplateIsNoDeepOne(string what, string template) => Assert.Null(RunOnSmallStack(what, () => TemplateRun.Render(template)));

    [Fact]
    public void BuildingATextPieceByPieceTakesLinearTime()
    {
        // At one step for each 16 characters, copying the text so far each time would need a hundred times these limits.
        TemplateLimits limits = new() { Steps = 1_000_000 };
        string template = "{% set ns = namespace(x='') %}{% for i in range(20000) %}{% set ns.x = ns.x ~ name ~ ', ' %}{% endfor %}{{ ns.x|length }}";

        Assert.Equal("100000", ChatTemplate.Parse(template, limits).Render(TemplateRun.Variables).ToString());
    }

    [Fact]
    public void WhatIsAskedOfAConversationCostsTheSameHoweverLongItsMessagesAre()
    {
        // A thousand turns of an agent over half a million tokens: Qwen's templates ask for the number of messages at each.
        const string Template = """
            {%- for message in messages[::-1] %}
                {%- set index = (messages|length - 1) - loop.index0 %}
                {%- if messages is sequence and tools is defined and tools is not none and messages|first is mapping %}
                    {%- set last = (messages|last).role %}
                {%- endif %}
            {%- endfor %}
            {{- messages|length }}
            """;
        TemplateValue[] messages = [.. Enumerable.Range(0, 1000).Select(i => (TemplateValue)new TemplateDictionary
        {
            { "role", TemplateValue.FromTemplate("user") },
            { "content", TemplateValue.FromCaller(new string('a', 2000)) },
        })];
        Dictionary<string, TemplateValue> variables = new() { ["messages"] = new TemplateList(messages), ["tools"] = new TemplateList(messages) };

        Assert.Equal("1000", ChatTemplate.Parse(Template).Render(variables).ToString());
    }

    /// <summary>Command R7B's template numbers each result by looking for its call in all messages, and for each call it looks for its own.</summary>
    [Fact]
    public void ATemplateMayLookForEachMessageAtAllOthers()
    {
        TemplateValue[] turn = [.. ReadTurn()];
        Dictionary<string, TemplateValue> variables = new() { ["messages"] = new TemplateList([.. Enumerable.Repeat(turn, 1500).SelectMany(messages => messages)]), ["add_generation_prompt"] = TemplateValue.True };
        ChatTemplate template = ChatTemplate.Parse(File.ReadAllText(SharedData.Require("data", "templates", "CohereForAI-c4ai-command-r7b-12-2024-tool_use.jinja")));

        Assert.Equal(1500, template.Render(variables).ToString().Split("<|START_TOOL_RESULT|>").Length - 1);

        static IEnumerable<TemplateValue> ReadTurn()
        {
            yield return TemplateValue.FromJson(JsonElement.Parse("""{"role": "assistant", "content": "", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": {}}}]}"""));
            yield return TemplateValue.FromJson(JsonElement.Parse("""{"role": "tool", "content": "r", "tool_call_id": "a"}"""));
        }
    }

    [Theory]
    [InlineData("{% for a in messages %}{% for b in messages %}{% endfor %}{% endfor %}", 100, false)]
    [InlineData("{% for a in messages %}{% for b in messages %}{% for c in messages %}{% endfor %}{% endfor %}{% endfor %}", 100, true)]
    [InlineData("{% for a in range(2000) %}{% endfor %}", 9, true)]
    [InlineData("{% for a in messages %}{% for b in messages %}{% endfor %}{% endfor %}", 9, false)]
    [InlineData("{% set ns = namespace(l=[]) %}{% for a in messages %}{% for b in messages %}{% set ns.l = ns.l + [b] %}{% endfor %}{% endfor %}", 100, true)]
    [InlineData("{% for a in messages %}{% for b in messages %}{{ b }}{% endfor %}{% endfor %}", 100, true)]
    public void PairsOfMessagesAddToWhatIsEvaluatedButNotToWhatIsProduced(string template, int messages, bool isRefused)
    {
        ChatTemplate parsed = ChatTemplate.Parse(template, new() { Steps = 1000, StepsPerPairOfMessages = 2 });
        Dictionary<string, TemplateValue> variables = new() { ["messages"] = new TemplateList([.. Enumerable.Repeat(TemplateValue.FromCaller("m"), messages)]) };

        Exception? exception = Record.Exception(() => parsed.Render(variables));

        Assert.Equal(isRefused, exception is ChatTemplateException { Reason: var reason } && reason.EndsWith("for steps", StringComparison.Ordinal));
        Assert.Equal(isRefused, exception is not null);
    }

    [Fact]
    public void ARenderingStopsWhenItIsCancelled()
    {
        using CancellationTokenSource source = new();
        ChatTemplate template = ChatTemplate.Parse("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", new() { Steps = long.MaxValue });
        Cancelling variables = new(source);

        Assert.Throws<OperationCanceledException>(() => template.Render(variables, cancellationToken: source.Token));
    }

    [Fact]
    public void TheLimitsAreTheHosts()
    {
        Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse("{{ name }}", new() { SourceLength = 5 }));
        Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse("{{ ((((1)))) }}", new() { NestingDepth = 3 }));
        AssertStops(new() { OutputLength = 2 }, "{{ name }}");
        AssertStops(new() { ValueSize = 5 }, "{{ name + name }}");
        AssertStops(new() { Steps = 10 }, "{% for x in range(20) %}{% endfor %}");
        AssertStops(new() { CallDepth = 2 }, "{% macro m(n) %}{{ m(n - 1) if n }}{% endmacro %}{{ m(2) }}");
        AssertStops(new() { ValueDepth = 2 }, "{{ [[[1]]] }}");
    }

    private static void AssertStops(TemplateLimits limits, string template)
    {
        ChatTemplate parsed = ChatTemplate.Parse(template, limits);
        Assert.Throws<ChatTemplateException>(() => parsed.Render(TemplateRun.Variables));
    }

    private static string Repeated(string statements) =>
        "{% for i in range(99999) %}{% for j in range(99999) %}" + statements + "{% endfor %}{% endfor %}";

    private static string Nested(string open, string inner, string close) =>
        "{{ " + string.Concat(Enumerable.Repeat(open, 50000)) + inner + string.Concat(Enumerable.Repeat(close, 50000)) + " }}";

    private static Exception? RunOnSmallStack(string what, Action action)
    {
        Exception? exception = null;
        Thread thread = new(() => exception = Record.Exception(action), SmallStack) { IsBackground = true };
        thread.Start();
        Assert.True(thread.Join(LongEnough), $"{what}: does not end");
        return exception;
    }

    /// <summary>Variables whose reading cancels the rendering that reads them.</summary>
    private sealed class Cancelling(CancellationTokenSource source) : Dictionary<string, TemplateValue>, IReadOnlyDictionary<string, TemplateValue>
    {
        bool IReadOnlyDictionary<string, TemplateValue>.TryGetValue(string key, out TemplateValue value)
        {
            source.Cancel();
            value = null!;
            return false;
        }
    }
}
