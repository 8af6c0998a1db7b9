using System.Diagnostics;
using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Tests.Templates;

/// <summary>Templates come out of model files: none may hang, overflow the stack or take all memory.</summary>
public sealed class HostileTemplateTests
{
    public static TheoryData<string, string> Hostile => new()
    {
        { "a long range", "{% for i in range(10 ** 9) %}x{% endfor %}" },
        { "nested loops", "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}" },
        { "a repeated string", "{{ 'a' * 10 ** 9 }}" },
        { "doubling", "{% set n = namespace(s='x') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}" },
        { "doubling a list", "{% set n = namespace(s=[1]) %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}" },
        { "a macro that calls itself", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}" },
        { "two macros that call each other", "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}" },
        { "a great power", "{{ 10 ** 10 ** 10 ** 10 ** 10 }}" },
        { "a wide format", "{{ '%999999999d' % 1 }}" },
        { "a wide centre", "{{ 'x' | center(10 ** 9) }}" },
        { "a deep indent", "{{ 'x\ny' | indent(10 ** 9) }}" },
        { "nested parentheses", "{{ " + new string('(', 60_000) + "1" + new string(')', 60_000) + " }}" },
        { "nested lists", "{{ " + new string('[', 60_000) + new string(']', 60_000) + " }}" },
        { "nested blocks", string.Concat(Enumerable.Repeat("{% if x %}", 20_000)) + string.Concat(Enumerable.Repeat("{% endif %}", 20_000)) },
        { "many minus signs", "{{ " + new string('-', 60_000) + "1 }}" },
        { "many conditions", "{{ " + string.Concat(Enumerable.Repeat("1 if x else ", 30_000)) + "1 }}" },
        { "a long source", new string('x', 2_000_000) },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public void AHostileTemplateEndsWithAnErrorOnASmallStack(string what, string template)
    {
        Exception? exception = null;
        long before = GC.GetTotalMemory(forceFullCollection: true);
        Thread thread = new(() => exception = Record.Exception(() => ChatTemplate.Parse(template).Render(new Dictionary<string, TemplateValue>())), maxStackSize: 256 * 1024);
        Stopwatch time = Stopwatch.StartNew();
        thread.Start();
        Assert.True(thread.Join(TimeSpan.FromMinutes(1)), what);
        Assert.IsType<ChatTemplateException>(exception);
        Assert.True(GC.GetTotalMemory(forceFullCollection: true) - before < 512 << 20, what);
    }

    [Fact]
    public void RenderingIsStoppedByCancellation() => Assert.Throws<OperationCanceledException>(() =>
        ChatTemplate.Parse("{% for i in range(99999) %}{% for j in range(99) %}{% endfor %}{% endfor %}").Render(new Dictionary<string, TemplateValue>(), cancellationToken: new CancellationToken(true)));

    [Fact]
    public void AnErrorShowsTheLineAndACaretBelowThePlace()
    {
        ChatTemplateException exception = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse("first\n{% for m in messages %}\n  {{ m.content + }}\n{% endfor %}", name: "mine"));
        Assert.Equal(3, exception.Line);
        string[] lines = exception.Message.Split('\n');
        int shown = Array.FindIndex(lines, line => line.Contains("{{ m.content + }}", StringComparison.Ordinal));
        Assert.Equal("^", lines[shown + 1].Trim());
        Assert.Equal(lines[shown].IndexOf("}}", StringComparison.Ordinal), lines[shown + 1].IndexOf('^', StringComparison.Ordinal));
        Assert.Contains("mine", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ATemplatesRefusalIsInItsOwnWords()
    {
        ChatTemplateException exception = Assert.Throws<ChatTemplateException>(
            () => ChatTemplate.Parse("{{ raise_exception('Roles must alternate.') }}").Render(new Dictionary<string, TemplateValue>()));
        Assert.True(exception.IsRefusal);
        Assert.Equal("Roles must alternate.", exception.Reason);
    }

    [Fact]
    public void TheClockIsTheHosts()
    {
        RenderedPrompt prompt = ChatTemplate.Parse("{{ strftime_now('%d %b %Y') }}").Render(new Dictionary<string, TemplateValue>(), new FixedClock(new(2026, 3, 5, 12, 0, 0, TimeSpan.Zero)));
        Assert.Equal("05 Mar 2026", prompt.ToString());
    }
}
