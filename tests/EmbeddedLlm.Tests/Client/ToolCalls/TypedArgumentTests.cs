using System.Text;
using System.Text.Json;
using EmbeddedLlm.Client;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

/// <summary>Calls whose arguments name their types, in answers whose parts all begin and end with the same markers, as Kimi K3 writes them.</summary>
public sealed class TypedArgumentTests
{
    /// <summary>The layout of Kimi K3's template.</summary>
    private const string Source =
        "{% if tools %}<|open|>message role=\"system\"<|sep|>{{ tools | tojson }}<|close|>message<|sep|><|end_of_msg|>{% endif %}"
        + "{% for m in messages %}<|open|>message role=\"{{ m.role }}\"<|sep|>{% if m.role != 'assistant' %}{{ m.content }}{% else %}<|open|>think<|sep|>{{ m.reasoning_content }}<|close|>think<|sep|>"
        + "<|open|>response<|sep|>{{ m.content }}<|close|>response<|sep|>{% if m.tool_calls %}<|open|>tools<|sep|>{% for c in m.tool_calls %}<|open|>call tool=\"{{ c.function.name }}\" index=\"{{ loop.index }}\"<|sep|>"
        + "{% for k, v in c.function.arguments.items() %}<|open|>argument key=\"{{ k }}\" type=\"{% if v is boolean %}boolean{% elif v is none %}null{% elif v is number %}number{% elif v is string %}string{% elif v is mapping %}object{% else %}array{% endif %}\"<|sep|>"
        + "{{ v if v is string else v | tojson }}<|close|>argument<|sep|>{% endfor %}<|close|>call<|sep|>{% endfor %}<|close|>tools<|sep|>{% endif %}{% endif %}<|close|>message<|sep|><|end_of_msg|>{% endfor %}"
        + "{% if add_generation_prompt %}<|open|>message role=\"assistant\"<|sep|><|open|>think<|sep|>{% endif %}";

    private const string Arguments = """{"text":"a <b>\n\"c\"","n":-7,"flag":false,"list":["x"],"o":{"k":null}}""";

    private const string Written =
        "<|open|>argument key=\"text\" type=\"string\"<|sep|>a <b>\n\"c\"<|close|>argument<|sep|><|open|>argument key=\"n\" type=\"number\"<|sep|>-7<|close|>argument<|sep|>"
        + "<|open|>argument key=\"flag\" type=\"boolean\"<|sep|>false<|close|>argument<|sep|><|open|>argument key=\"list\" type=\"array\"<|sep|>[\"x\"]<|close|>argument<|sep|>"
        + "<|open|>argument key=\"o\" type=\"object\"<|sep|>{\"k\":null}<|close|>argument<|sep|>";

    private static readonly JsonSerializerOptions s_plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly PromptBuilder s_prompts = new(ChatTemplate.Parse(Source), "<s>", "</s>");

    private static readonly AIFunctionDeclaration s_function = AIFunctionFactory.CreateDeclaration("f", "Does it.", JsonElement.Parse(
        """
        {"type":"object","properties":{"text":{"type":"string"},"n":{"type":"integer"},"flag":{"type":"boolean"},"list":{"type":"array","items":{"type":"string"}},"o":{"type":"object"},"maybe":{"type":["string","null"]}}}
        """));

    [Fact]
    public void TypesAreWrittenAsTheTemplateDoes()
    {
        ToolCallFormat format = s_prompts.Tools.Format;

        Assert.Equal(
            $"<|open|>tools<|sep|><|open|>call tool=\"f\" index=\"1\"<|sep|>{Written}<|close|>call<|sep|><|open|>call tool=\"g\" index=\"2\"<|sep|><|close|>call<|sep|><|close|>tools",
            format.Write(("f", Arguments, "any"), ("g", "{}", "any")));
        Assert.True(s_prompts.Tools.WritesCalls);
        Assert.Equal("<|open|>tools<|sep|>", format.Trigger);
    }

    [Theory]
    [InlineData("Hm.<|close|>think<|sep|><|open|>response<|sep|>Use the response tag, <b>then</b> message.<|close|>response<|sep|><|close|>message<|sep|>", "Hm.", "Use the response tag, <b>then</b> message.", "")]
    [InlineData("Hm.<|close|>think<|sep|><|open|>response<|sep|>I look.<|close|>response<|sep|><|open|>tools<|sep|><|open|>call tool=\"f\" index=\"1\"<|sep|>" + Written + "<|close|>call<|sep|><|close|>tools<|sep|><|close|>message<|sep|>", "Hm.", "I look.", Arguments)]
    [InlineData("<|close|>think<|sep|><|open|>response<|sep|><|close|>response<|sep|><|open|>tools<|sep|><|open|>call tool=\"f\" index=\"1\"<|sep|><|close|>call<|sep|><|close|>tools<|sep|>", "", "", "{}")]
    [InlineData("<|close|>think<|sep|><|open|>response<|sep|><|close|>response<|sep|><|open|>tools<|sep|><|open|>call tool=\"f\" index=\"1\"<|sep|><|open|>argument key=\"maybe\" type=\"string\"<|sep|>null<|close|>argument<|sep|><|close|>call<|sep|><|close|>tools", "", "", """{"maybe":"null"}""")]
    [InlineData("<|close|>think<|sep|><|open|>response<|sep|><|close|>response<|sep|><|open|>tools<|sep|><|open|>call tool=\"f\" index=\"1\"<|sep|><|open|>argument key=\"maybe\" type=\"null\"<|sep|>null<|close|>argument<|sep|><|close|>call<|sep|><|close|>tools", "", "", """{"maybe":null}""")]
    [InlineData("Hm.<|close|>think<|sep|><|open|>response<|sep|>Cut off<|close|>resp", "Hm.", "Cut off<|close|>resp", "")]
    public void AnAnswerIsReadHoweverItIsCut(string answer, string reasoning, string text, string called)
    {
        (string open, string close, string end) = s_prompts.TextTags!.Value;
        ToolConstraint constraint = ToolGrammar.Create(s_prompts.Tools.Format, ToolSet.Of(new() { Tools = [s_function] })!, null, ControlTokens.None);
        for (int size = 1; size <= answer.Length; size++)
        {
            AnswerReader reader = new(
                new ReasoningSplitter(s_prompts.Reasoning.Format!, isOpen: true), new ToolCallReader(s_prompts.Tools.Format, constraint.Arguments), tagged: new TaggedText(open, close, isOpen: open.Length == 0, end));
            (string Reasoning, string Text, IReadOnlyList<AIContent> Calls)[] read = [.. answer.Chunk(size).Select(piece => reader.Push(new string(piece), isLast: false)), reader.Push("", isLast: true)];

            Assert.Equal(reasoning, string.Concat(read.Select(part => part.Reasoning)));
            Assert.Equal(text, string.Concat(read.Select(part => part.Text)));
            Assert.Equal(called, string.Concat(read.SelectMany(part => part.Calls).Cast<FunctionCallContent>().Select(call => JsonSerializer.Serialize(call.Arguments, s_plain))));
        }
    }

    [Theory]
    [InlineData("<|open|>argument key=\"n\" type=\"number\"<|sep|>7<|close|>argument<|sep|>", true)]
    [InlineData("<|open|>argument key=\"n\" type=\"string\"<|sep|>7<|close|>argument<|sep|>", false)]
    [InlineData("<|open|>argument key=\"n\" type=\"boolean\"<|sep|>7<|close|>argument<|sep|>", false)]
    [InlineData("<|open|>argument key=\"flag\" type=\"boolean\"<|sep|>true<|close|>argument<|sep|>", true)]
    [InlineData("<|open|>argument key=\"flag\" type=\"number\"<|sep|>true<|close|>argument<|sep|>", false)]
    [InlineData("<|open|>argument key=\"maybe\" type=\"null\"<|sep|>null<|close|>argument<|sep|>", true)]
    [InlineData("<|open|>argument key=\"maybe\" type=\"string\"<|sep|>null<|close|>argument<|sep|>", true)]
    [InlineData("<|open|>argument key=\"maybe\" type=\"object\"<|sep|>null<|close|>argument<|sep|>", false)]
    [InlineData(Written, true)]
    [InlineData("", true)]
    public void AnArgumentIsHeldToItsTypeAndItsName(string arguments, bool isAllowed)
    {
        ToolConstraint constraint = ToolGrammar.Create(s_prompts.Tools.Format, ToolSet.Of(new() { Tools = [s_function] })!, null, ControlTokens.None);

        Assert.Equal(isAllowed, constraint.Grammar.Accepts(Encoding.UTF8.GetBytes($"<|open|>call tool=\"f\" index=\"1\"<|sep|>{arguments}<|close|>call<|sep|><|close|>tools")));
    }
}
