using EmbeddedLlm.Client;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

/// <summary>Calls and results of one round, however a caller's history has them.</summary>
public sealed class ToolRoundsTests
{
    private const string Frame = "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<{{ m.role }}>{% CALLS %}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";
    private const string Each = "{{ m.content }}{% for c in m.tool_calls %}<call>{{ c.function | tojson }}<end>{% endfor %}";
    private const string F = "<call>{\"name\": \"f\", \"arguments\": {}}<end>";
    private const string G = "<call>{\"name\": \"g\", \"arguments\": {}}<end>";

    private static readonly FunctionCallContent s_f = new("1", "f");
    private static readonly FunctionCallContent s_g = new("2", "g");
    private static readonly FunctionResultContent s_one = new("1", "one");
    private static readonly FunctionResultContent s_two = new("2", "two");
    private static readonly FunctionResultContent s_other = new("9", "other");

    public static TheoryData<AIContent[][], string> Histories => new()
    {
        { [[s_one, s_two]], "<tool>one</s><tool>two</s>" },
        { [[s_two, s_one]], "<tool>one</s><tool>two</s>" },
        { [[s_two], [s_one]], "<tool>one</s><tool>two</s>" },
        { [[s_other, s_two], [s_one]], "<tool>one</s><tool>two</s><tool>other</s>" },
        { [[s_two]], "<tool>two</s>" },
    };

    /// <summary>Qwen's template, like many, writes neither an id nor a name beside a result.</summary>
    [Theory]
    [MemberData(nameof(Histories))]
    public void ResultsAreInTheOrderOfTheirCalls(AIContent[][] results, string expected) =>
        Assert.Equal($"<user>u</s><assistant>{F}{G}</s>{expected}<assistant>", Show(Each, [new(ChatRole.Assistant, [s_f, s_g]), .. results.Select(contents => new ChatMessage(ChatRole.Tool, contents))]));

    /// <summary>As Llama's and gpt-oss' templates do: one refuses several calls, the other writes the first alone.</summary>
    [Theory]
    [InlineData("{% if m.tool_calls and m.tool_calls | length > 1 %}{{ raise_exception('one') }}{% endif %}" + Each)]
    [InlineData("{{ m.content }}{% if m.tool_calls %}<call>{{ m.tool_calls[0].function | tojson }}<end>{% endif %}")]
    public void WhereATemplateTakesOneCallEachIsAMessageWithItsResult(string one)
    {
        Assert.Equal(
            $"<user>u</s><assistant>Both.{F}</s><tool>one</s><assistant>{G}</s><tool>two</s><assistant>Done.</s><assistant>",
            Show(one, [new(ChatRole.Assistant, [new TextContent("Both."), s_f, s_g]), new(ChatRole.Tool, [s_two, s_one]), new(ChatRole.Assistant, "Done.")]));
        Assert.Equal($"<user>u</s><assistant>{F}</s><assistant>{G}</s><tool>two</s><assistant>", Show(one, [new(ChatRole.Assistant, [s_f, s_g]), new(ChatRole.Tool, [s_two])]));
    }

    [Fact]
    public void OfCallsWithOneIdEachHasAResult() => Assert.Equal(
        $"<user>u</s><assistant>{F}</s><tool>one</s><assistant>{G}</s><tool>two</s><assistant>",
        Show("{{ m.content }}{% if m.tool_calls %}<call>{{ m.tool_calls[0].function | tojson }}<end>{% endif %}",
            [new(ChatRole.Assistant, [new FunctionCallContent("", "f"), new FunctionCallContent("", "g")]), new(ChatRole.Tool, [new FunctionResultContent("", "one"), new FunctionResultContent("", "two")])]));

    /// <summary>As DeepSeek R1's does, and Mistral's where it refuses what it does not write.</summary>
    [Theory]
    [InlineData("{% if m.content %}{{ m.content }}{% else %}" + Each + "{% endif %}")]
    [InlineData("{% if m.content and m.tool_calls %}{{ raise_exception('text') }}{% endif %}" + Each)]
    public void WhereATemplateWritesNoCallsBesideATextTheTextGoesAhead(string calls) => Assert.Equal(
        $"<user>u</s><assistant>Look.</s><assistant>{F}{G}</s><tool>one</s><tool>two</s><assistant>",
        Show(calls, [new(ChatRole.Assistant, [new TextContent("Look."), s_f, s_g]), new(ChatRole.Tool, [s_one, s_two])]));

    [Fact]
    public void AnErrorNamesTheMessageByItsPlaceInTheHistory()
    {
        NotSupportedException e = Assert.Throws<NotSupportedException>(() => Show(
            "{{ m.content }}{% if m.tool_calls %}<call>{{ m.tool_calls[0].function | tojson }}<end>{% endif %}",
            [new(ChatRole.Assistant, [s_f, s_g]), new(ChatRole.Tool, [s_one, s_two]), new(ChatRole.User, [new UriContent("http://x/y.png", "image/png")])]));
        Assert.StartsWith("Message 3 ", e.Message, StringComparison.Ordinal);
    }

    private static string Show(string calls, ChatMessage[] messages)
    {
        PromptBuilder builder = new(ChatTemplate.Parse(Frame.Replace("{% CALLS %}", calls, StringComparison.Ordinal)), "", "");
        Assert.True(builder.Tools.WritesCalls);
        return string.Concat(builder.Build([new ChatMessage(ChatRole.User, "u"), .. messages], null, null, CancellationToken.None).Select(part => part.Text));
    }
}
