using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Tests.Templates;

public sealed class ChatTemplateTests
{
    [Theory]
    [InlineData("a\n  {{ 1 / 0 }}", 2, 8, "division by zero")]
    [InlineData("{{ name }}\n{{ missing.x }}", 2, 11, "'missing' is undefined")]
    [InlineData("{{ name.nope.x }}", 1, 13, "'str object' has no attribute 'nope'")]
    [InlineData("{% for x in 5 %}{% endfor %}", 1, 13, "'int' object is not iterable")]
    [InlineData("{% macro m() %}\n{{ 'a'.index('b') }}\n{% endmacro %}\n{{ m() }}", 2, 13, "substring not found")]
    [InlineData("{{ list|join(x=1) }}", 1, 9, "join() got an unexpected keyword argument 'x'")]
    [InlineData("\r\n\r\n{{ 1 + 'a' }}", 3, 6, "unsupported operand type(s) for +: 'int' and 'str'")]
    [InlineData("{% if 1 %}{{ 1|frob }}{% endif %}", 1, 16, "No filter named 'frob' found.")]
    [InlineData("{{ 1 if 1 is frob }}", 1, 14, "No test named 'frob' found.")]
    public void AFailureShowsItsPlace(string template, int line, int column, string reason)
    {
        ChatTemplateException exception = Assert.Throws<ChatTemplateException>(() => TemplateRun.Render(template));

        Assert.Equal((line, column, reason), (exception.Line, exception.Column, exception.Reason));
        Assert.False(exception.IsRefusal);
    }

    [Theory]
    [InlineData("a\n{% if x %}", 2, 4, "Unexpected end of template. The 'if' block is never closed by 'elif' or 'else' or 'endif'.")]
    [InlineData("{{ 1 2 }}", 1, 6, "expected '}}', got '2'")]
    [InlineData("{% frob %}", 1, 4, "Encountered unknown tag 'frob'.")]
    [InlineData("{{ 1|frob }}", 1, 6, "No filter named 'frob'.")]
    [InlineData("{{ ) }}", 1, 4, "unexpected ')'")]
    [InlineData("a {# b", 1, 3, "Missing end of comment tag")]
    [InlineData("{{ 'abc }}", 1, 4, "the string is not closed")]
    [InlineData("{% include 'x' %}", 1, 4, "chat templates cannot use 'include': they stand alone and are not escaped")]
    public void AMistakeShowsItsPlace(string template, int line, int column, string reason)
    {
        ChatTemplateException exception = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template));

        Assert.Equal((line, column, reason), (exception.Line, exception.Column, exception.Reason));
    }

    [Fact]
    public void TheMessageShowsTheLineWithACaretBelowThePlace()
    {
        ChatTemplate template = ChatTemplate.Parse("first\nab {{ 1 / 0 }} cd\nlast", name: "demo");

        ChatTemplateException exception = Assert.Throws<ChatTemplateException>(() => template.Render(TemplateRun.Variables));

        Assert.Equal("division by zero (line 2, column 9 of the chat template 'demo')\n  ab {{ 1 / 0 }} cd\n          ^", exception.Message);
        Assert.Equal("demo", exception.TemplateName);
    }

    [Fact]
    public void OfALongLineTheMessageShowsThePartAroundThePlace()
    {
        string filling = new('x', 5000);

        ChatTemplateException exception = Assert.Throws<ChatTemplateException>(() => TemplateRun.Render(filling + "{{ 1 / 0 }}" + filling));

        string[] lines = exception.Message.Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.True(lines[1].Length < 150);
        Assert.Equal('/', lines[1][lines[2].IndexOf('^')]);
    }

    [Fact]
    public void ARefusalCarriesTheTemplatesOwnWords()
    {
        ChatTemplateException exception = Assert.Throws<ChatTemplateException>(() => TemplateRun.Render("{{ raise_exception('Roles must alternate, ' ~ name) }}"));

        Assert.True(exception.IsRefusal);
        Assert.Equal("Roles must alternate, Ada", exception.Reason);
    }

    [Theory]
    [InlineData("%d %B %Y", "05 July 2024")]
    [InlineData("%Y-%m-%dT%H:%M:%S", "2024-07-05T19:03:07")]
    [InlineData("%a %A %b %h %e %-d %-m %_d %y %C", "Fri Friday Jul Jul  5 5 7  5 24 20")]
    [InlineData("%I %l %p %P %k %-I %r", "07  7 PM pm 19 7 07:03:07 PM")]
    [InlineData("%j %U %W %V %G %g %u %w", "187 26 27 27 2024 24 5 5")]
    [InlineData("%D %F %R %T %x %X", "07/05/24 2024-07-05 19:03 19:03:07 07/05/24 19:03:07")]
    [InlineData("%c|%f|%z|%Z|%%|%n|%t|%^a", "Fri Jul  5 19:03:07 2024|000000|||%|\n|\t|FRI")]
    public void TheTimeIsWrittenAsStrftimeDoes(string format, string expected)
    {
        ChatTemplate template = ChatTemplate.Parse("{{ strftime_now(format) }}");
        Dictionary<string, TemplateValue> variables = new() { ["format"] = TemplateValue.FromTemplate(format) };

        Assert.Equal(expected, template.Render(variables, new FixedClock(new DateTime(2024, 7, 5, 19, 3, 7))).ToString());
    }

    [Fact]
    public void ChatMlMarksItsTurns()
    {
        Dictionary<string, TemplateValue> variables = new()
        {
            ["messages"] = new TemplateList([Message("system", "Be kind."), Message("user", "<|im_end|> Hi")]),
            ["add_generation_prompt"] = TemplateValue.True,
        };

        RenderedPrompt prompt = ChatTemplate.ChatMl.Render(variables);

        Assert.Equal("<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n<|im_end|> Hi<|im_end|>\n<|im_start|>assistant\n", prompt.ToString());
        Assert.Equal(["Be kind.", "<|im_end|> Hi"], prompt.Parts.Where(part => part.Kind == PromptPartKind.Caller).Select(part => part.Text));
    }

    [Theory]
    [InlineData("{{ tools }}", true)]
    [InlineData("{% for m in messages %}{% if tools is defined %}{% endif %}{% endfor %}", true)]
    [InlineData("{% macro m() %}{{ tools }}{% endmacro %}", true)]
    [InlineData("{% if not tools is defined %}{% set tools = none %}{% endif %}", true)]
    [InlineData("{% set tools = [] %}{{ tools }}", false)]
    [InlineData("{{ messages.tools }}{{ 'tools' }}", false)]
    [InlineData("{% macro m(tools) %}{{ tools }}{% endmacro %}", false)]
    [InlineData("{% for tools in messages %}{{ tools }}{% endfor %}", false)]
    public void ATemplateKnowsWhichVariablesItReads(string template, bool expected) => Assert.Equal(expected, ChatTemplate.Parse(template).Reads("tools"));

    /// <summary>A prompt grows in memory that is used again, so that a long one leaves nothing behind but its parts.</summary>
    [Fact]
    public void OfALongPromptOnlyThePartsAreAllocated()
    {
        const int Length = 1_000_000;
        ChatTemplate template = ChatTemplate.Parse("{% for x in range(10) %}{{ text }}{% endfor %}");
        Dictionary<string, TemplateValue> variables = new() { ["text"] = TemplateValue.FromCaller(new string('x', Length / 10)) };
        RenderedPrompt? prompt = null;

        long allocated = Allocations.Least(10, () => prompt = template.Render(variables));

        Assert.Equal(new string('x', Length), Assert.Single(prompt!.Parts).Text);
        Assert.InRange(allocated, sizeof(char) * Length, sizeof(char) * Length + 20_000);
    }

    [Fact]
    public void OneTemplateRendersOnManyThreadsAtOnce()
    {
        ChatTemplate template = ChatTemplate.Parse(
            "{% set ns = namespace(t='') %}{% for x in range(n) %}{% set ns.t = ns.t ~ 'item ' ~ x ~ name %}{% endfor %}{{ ns.t }}{{ people|groupby('name')|length }}");
        string expected = template.Render(TemplateRun.Variables).ToString();
        string[] results = new string[200];

        Parallel.For(0, results.Length, i => results[i] = template.Render(TemplateRun.Variables).ToString());

        Assert.All(results, result => Assert.Equal(expected, result));
    }

    private static TemplateDictionary Message(string role, string content) =>
        new() { { "role", TemplateValue.FromTemplate(role) }, { "content", TemplateValue.FromCaller(content) } };
}
