using System.Text;
using System.Text.Json;
using EmbeddedLlm.Client;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

/// <summary>Calls that are messages with the function's name as their metadata, as GLM-4's are: <c>&lt;|assistant|&gt;f\n{…}</c>, where a text is <c>&lt;|assistant|&gt;\ntext</c>.</summary>
public sealed class NamedMessageTests
{
    /// <summary>The layout of GLM-4-0414: a variable for the tools.</summary>
    private const string New =
        "{% if tools %}<|system|>\n# Tools{% for t in tools %}\n\n## {{ t.function.name }}\n\n{{ t.function | tojson }}{% endfor %}{% endif %}"
        + "{% for m in messages %}{% if m.role in ['system', 'user', 'observation'] %}<|{{ m.role }}|>\n{{ m.content }}\n{%- elif m.role == 'assistant' %}<|assistant|>{{ m.get('metadata', '') }}\n{{ m.content }}{% endif %}{% endfor %}"
        + "{% if add_generation_prompt %}<|assistant|>{% endif %}";

    /// <summary>The layout of GLM-4-9b-chat: the tools come with the system message.</summary>
    private const string Old =
        "{% for m in messages %}{% if m.tools is defined %}<|system|>\n# Tools{% for t in m.tools %}{% if t.type == 'function' %}\n\n## {{ t.function.name }}\n\n{{ t.function | tojson }}{% endif %}{% endfor %}{% endif %}"
        + "{% if m.content %}<|{{ m.role }}|>{{ m.metadata }}\n{{ m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

    private static readonly ChatOptions s_options = new() { Tools = [Function("f"), Function("g")] };

    [Theory]
    [InlineData(New, "tools", null)]
    [InlineData(Old, null, "tools")]
    public void TheFormatIsLearned(string source, string? variable, string? systemKey)
    {
        ToolSupport support = Prompts(source).Tools;
        Assert.Equal("f\n{\"x\": 1}<|assistant|>g\n{}", support.Format.Write(("f", """{"x": 1}""", null), ("g", "{}", null)));
        Assert.Equal(("\n", variable, systemKey, true, "observation"), (support.Format.TextHeader, support.Variable, support.SystemKey, support.DescribesTools, support.ResultRole));
    }

    [Theory]
    [InlineData(New)]
    [InlineData(Old)]
    public void ARoundIsRenderedAsTheModelKnowsIt(string source)
    {
        const string Described = "<|system|>\n# Tools\n## f\n\n{\"name\": \"f\", \"description\": \"Does it.\", \"parameters\": {\"type\": \"object\", \"properties\": {\"x\": {\"type\": \"integer\"}}, \"required\": [\"x\"]}}";
        ChatMessage[] messages =
        [
            new(ChatRole.System, "Be brief."), new(ChatRole.User, "u"),
            new(ChatRole.Assistant, [new TextContent("I look."), new FunctionCallContent("1", "f", new Dictionary<string, object?> { ["x"] = 1 }), new FunctionCallContent("2", "f", new Dictionary<string, object?> { ["x"] = 2 })]),
            new(ChatRole.Tool, [new FunctionResultContent("1", "one"), new FunctionResultContent("2", "two")]),
            new(ChatRole.Assistant, "Done."), new(ChatRole.User, "v"),
        ];
        Assert.Equal(
            Described + "<|system|>\nBe brief.<|user|>\nu<|assistant|>\nI look.<|assistant|>f\n{\"x\": 1}<|observation|>\none<|assistant|>f\n{\"x\": 2}<|observation|>\ntwo<|assistant|>\nDone.<|user|>\nv<|assistant|>",
            Show(source, messages, ToolSet.Of(new() { Tools = [Function("f")] })));
        Assert.Equal(Described + "<|user|>\nu<|assistant|>", Show(source, messages[1..2], ToolSet.Of(new() { Tools = [Function("f")] })));
    }

    [Theory]
    [InlineData("\nHello, f\n{} <|user|>", "Hello, f\n{} <|user|>", "")]
    [InlineData("f\n{\"x\": 1}", "", "f{\"x\": 1}")]
    [InlineData("f\n{\"x\": 1}<|assistant|>g\n{\"x\": 2}", "", "f{\"x\": 1} g{\"x\": 2}")]
    [InlineData("\nI look.<|assistant|>f\n{\"k\": \"<|assistant|>g\\n{}\"}", "I look.", "f{\"k\": \"<|assistant|>g\\n{}\"}")]
    public void TextAndCallsAreToldApartHoweverTheAnswerIsCut(string answer, string text, string calls)
    {
        for (int size = 1; size <= answer.Length; size++)
        {
            ToolCallReader reader = new(Prompts(New).Tools.Format, functions: ["f", "g"]);
            (string Text, IReadOnlyList<WrittenCall> Calls)[] read = [.. answer.Chunk(size).Select(piece => reader.Push(new string(piece))), reader.Push("", isLast: true)];
            Assert.Equal(text, string.Concat(read.Select(part => part.Text)));
            Assert.Equal(calls, string.Join(' ', read.SelectMany(part => part.Calls).Select(call => call.Name + call.Arguments)));
        }
    }

    [Theory]
    [InlineData("\nHello.", true)]
    [InlineData("f\n{\"x\": 1}", true)]
    [InlineData("f\n{\"x\": 1}<|assistant|>g\n{\"x\": 2}", true)]
    [InlineData("\nI look.<|assistant|>g\n{\"x\": 2}", true)]
    [InlineData("f\n{\"x\": \"1\"}", false)]
    [InlineData("Hello.", false)]
    public void CallsAreHeldToTheirSchemas(string answer, bool isAllowed) =>
        Assert.Equal(isAllowed, ToolGrammar.Create(Prompts(New).Tools.Format, ToolSet.Of(s_options)!, null, ControlTokens.None).Grammar.Accepts(Encoding.UTF8.GetBytes(answer)));

    /// <summary>So a text is no name's beginning, and a format holds it from its first character on.</summary>
    [Theory]
    [InlineData(New)]
    [InlineData(Old)]
    public void WhereNothingCanBeCalledThePromptHasTheLineBreak(string source) => Assert.Equal("<|user|>\nu<|assistant|>\n", Show(source, [new(ChatRole.User, "u")], null));

    private static AIFunctionDeclaration Function(string name) =>
        AIFunctionFactory.CreateDeclaration(name, "Does it.", JsonElement.Parse("""{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]}"""));

    private static PromptBuilder Prompts(string source) => new(ChatTemplate.Parse(source), "<s>", "</s>");

    private static string Show(string source, ChatMessage[] messages, ToolSet? tools) => string.Concat(Prompts(source).Build(messages, null, tools, CancellationToken.None).Select(part => part.Text));
}
