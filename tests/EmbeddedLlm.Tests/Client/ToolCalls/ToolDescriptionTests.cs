using System.Text.Json;
using EmbeddedLlm.Client;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

/// <summary>Templates that take the tools elsewhere than in the variable <c>tools</c>.</summary>
public sealed class ToolDescriptionTests
{
    /// <summary>The layout of Phi-4-mini's own template: the tools are text of the system message, and calls are not written.</summary>
    private const string Phi =
        "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content }}{% if m.role == 'system' and 'tools' in m and m.tools is not none %}{{ '<|tool|>' + m.tools + '<|/tool|>' }}{% endif %}<|end|>{% endfor %}"
        + "{% if add_generation_prompt %}<|assistant|>{% endif %}";

    /// <summary>The layout of FireFunction 2: a variable of another name, written as it is.</summary>
    private const string FireFunction =
        "Available functions as JSON spec: {{ functions if functions else '[]' }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% if m.tool_calls %}functools[{% for c in m.tool_calls %}"
        + "{{ '{\"name\": \"' + c.function.name + '\", \"arguments\": ' + c.function.arguments + '}' }}{{ ', ' if not loop.last }}{% endfor %}]{% endif %}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

    private const string Declaration = """[{"name": "f", "description": "Does <|end|> it.", "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}}}]""";

    private static readonly ToolSet s_tools = ToolSet.Of(new()
    {
        Tools = [AIFunctionFactory.CreateDeclaration("f", "Does <|end|> it.", JsonElement.Parse("""{ "type": "object", "properties": { "x": { "type": "integer" } } }"""))],
    })!;

    private static readonly ChatMessage[] s_messages =
    [
        new(ChatRole.User, "u"), new(ChatRole.Assistant, [new FunctionCallContent("1", "f", new Dictionary<string, object?> { ["x"] = 1 }), new FunctionCallContent("2", "f")]),
        new(ChatRole.Tool, [new FunctionResultContent("1", "one"), new FunctionResultContent("2", "two")]),
    ];

    [Theory]
    [InlineData("", null, "<|system|>")]
    [InlineData("Be brief.", null, "<|system|>Be brief.")]
    [InlineData("Be brief.", "In verse.", "<|system|>In verse.\n\nBe brief.")]
    [InlineData("", "In verse.", "<|system|>In verse.")]
    public void ASystemMessageHasTheTools(string system, string? instructions, string expected)
    {
        PromptBuilder builder = new(ChatTemplate.Parse(Phi), "<s>", "</s>");
        Assert.Equal(("tools", null, true, true), (builder.Tools.SystemKey, builder.Tools.Variable, builder.Tools.TakesToolsAsText, builder.Tools.DescribesTools));
        ChatMessage[] messages = [.. system.Length > 0 ? [new ChatMessage(ChatRole.System, system)] : Array.Empty<ChatMessage>(), .. s_messages];
        IReadOnlyList<TextPart> parts = builder.Build(messages, instructions, s_tools, CancellationToken.None);
        Assert.Equal(
            expected + "<|tool|>" + Declaration + "<|/tool|><|end|><|user|>u<|end|><|assistant|><|tool_call|>[{\"name\": \"f\", \"arguments\": {\"x\": 1}}, {\"name\": \"f\", \"arguments\": {}}]<|/tool_call|><|end|>"
            + "<|tool_response|>one<|end|><|tool_response|>two<|end|><|assistant|>", string.Concat(parts.Select(part => part.Text)));
        Assert.Contains(parts, part => !part.IsTemplate && part.Text.Contains(Declaration, StringComparison.Ordinal));
    }

    [Fact]
    public void WhereThereAreNoToolsTheSystemMessageHasNone() => Assert.Equal(
        "<|system|>s<|end|><|user|>u<|end|><|assistant|>",
        string.Concat(new PromptBuilder(ChatTemplate.Parse(Phi), "<s>", "</s>").Build([new ChatMessage(ChatRole.System, "s"), s_messages[0]], null, null, CancellationToken.None).Select(part => part.Text)));

    [Fact]
    public void AVariableThatIsWrittenAsItIsHasJson()
    {
        PromptBuilder builder = new(ChatTemplate.Parse(FireFunction), "<s>", "</s>");
        Assert.Equal(("functions", true, true), (builder.Tools.Variable, builder.Tools.TakesToolsAsText, builder.Tools.WritesCalls));
        Assert.Equal(
            "Available functions as JSON spec: " + Declaration + "<|user|>u<|end|><|assistant|>functools[{\"name\": \"f\", \"arguments\": {\"x\": 1}}, {\"name\": \"f\", \"arguments\": {}}]<|end|><|tool|>one<|end|><|tool|>two<|end|><|assistant|>",
            string.Concat(builder.Build(s_messages, null, s_tools, CancellationToken.None).Select(part => part.Text)));
    }
}
