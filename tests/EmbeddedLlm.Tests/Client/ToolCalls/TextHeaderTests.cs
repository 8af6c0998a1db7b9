using System.Text;
using System.Text.Json;
using EmbeddedLlm.Client;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

/// <summary>Answers that begin with a function's name, or with a word in its place where text follows, as Functionary's do: <c>&gt;&gt;&gt;all\ntext&gt;&gt;&gt;f\n{…}</c>.</summary>
public sealed class TextHeaderTests
{
    private const string Source =
        "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<|{{ m.role }}|>{% if m.role != 'assistant' %}{{ m.content }}{% else %}{% if m.content %}{{ '>>>all\\n' + m.content }}{% endif %}"
        + "{% for c in m.tool_calls %}{{ '>>>' + c.function.name + '\\n' + c.function.arguments }}{% endfor %}{% endif %}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>>>>{% endif %}";

    private static readonly ChatOptions s_options = new() { Tools = [Function("f"), Function("g")] };
    private static readonly PromptBuilder s_prompts = new(ChatTemplate.Parse(Source), "<s>", "</s>");
    private static readonly ToolCallFormat s_format = s_prompts.Tools.Format;

    [Fact]
    public void TheFormatIsLearned()
    {
        Assert.Equal("f\n{\"x\": 1}>>>g\n{}", s_format.Write(("f", """{"x": 1}""", null), ("g", "{}", null)));
        Assert.Equal(("all\n", "tools", true, true), (s_format.TextHeader, s_prompts.Tools.Variable, s_prompts.Tools.WritesCalls, s_prompts.Tools.TakesArgumentsAsText));
    }

    [Theory]
    [InlineData("all\nHello, all\nof you.", "Hello, all\nof you.", "")]
    [InlineData("f\n{\"x\": 1}", "", "f{\"x\": 1}")]
    [InlineData("f\n{\"x\": 1}>>>g\n{\"x\": 2}", "", "f{\"x\": 1} g{\"x\": 2}")]
    [InlineData("all\nI look.\n>>>f\n{\"x\": 1}>>>g\n{}", "I look.", "f{\"x\": 1} g{}")]
    [InlineData("all\n>>>> f >>>h\n{} >>>fx\n{} >>>f", ">>>> f >>>h\n{} >>>fx\n{} >>>f", "")]
    [InlineData("al", "al", "")]
    [InlineData("all\n", "", "")]
    [InlineData("all\na >> b>>", "a >> b>>", "")]
    public void TextAndCallsAreToldApartHoweverTheAnswerIsCut(string answer, string text, string calls)
    {
        for (int size = 1; size <= answer.Length; size++)
        {
            ToolCallReader reader = new(s_format, functions: ["f", "g"]);
            (string Text, IReadOnlyList<WrittenCall> Calls)[] read = [.. answer.Chunk(size).Select(piece => reader.Push(new string(piece))), reader.Push("", isLast: true)];
            Assert.Equal(text, string.Concat(read.Select(part => part.Text)));
            Assert.Equal(calls, string.Join(' ', read.SelectMany(part => part.Calls).Select(call => call.Name + call.Arguments)));
        }
    }

    [Theory]
    [InlineData("all\nHello >>> you >>>h\n{}", true)]
    [InlineData("all\n", true)]
    [InlineData("f\n{\"x\": 1}", true)]
    [InlineData("f\n{\"x\": 1}>>>g\n{\"x\": 2}", true)]
    [InlineData("all\nI look.>>>f\n{\"x\": 1}>>>g\n{\"x\": 2}", true)]
    [InlineData("all\nI look.>>>f\n{\"x\": \"1\"}", false)]
    [InlineData("all\nI look.>>>f\n{\"x\": 1} So.", false)]
    [InlineData("f\n{\"x\": 1}>>>all\nDone.", false)]
    [InlineData("Hello", false)]
    [InlineData("h\n{}", false)]
    public void CallsAreHeldToTheirSchemaAheadOfTextAndBehindIt(string answer, bool isAllowed)
    {
        ToolConstraint constraint = ToolGrammar.Create(s_format, ToolSet.Of(s_options)!, null, ControlTokens.None);
        Assert.Null(constraint.Trigger);
        Assert.Equal(isAllowed, constraint.Grammar.Accepts(Encoding.UTF8.GetBytes(answer)));
    }

    [Theory]
    [InlineData("all\n\"a\"", true)]
    [InlineData("f\n{\"x\": 1}", true)]
    [InlineData("\"a\"", false)]
    public void AnAnswerWithAFormatOfItsOwnHasTheHeaderToo(string answer, bool isAllowed) => Assert.Equal(
        isAllowed,
        ToolGrammar.Create(s_format, ToolSet.Of(s_options)!, Grammar.FromGbnf("root ::= \"\\\"\" [a-z]+ \"\\\"\""), ControlTokens.None).Grammar.Accepts(Encoding.UTF8.GetBytes(answer)));

    [Fact]
    public void AFunctionThatIsNamedAsTheHeaderIsRefused() => Assert.Throws<NotSupportedException>(
        () => ToolGrammar.Create(s_format, ToolSet.Of(new() { Tools = [Function("all")] })!, null, ControlTokens.None));

    [Fact]
    public void WhereNothingCanBeCalledThePromptHasTheHeader()
    {
        ChatMessage[] messages = [new(ChatRole.User, "Hi")];
        Assert.Equal("<|user|>Hi<|end|><|assistant|>>>>all\n", TextOf(s_prompts.Build(messages, null, null, CancellationToken.None)));
        Assert.EndsWith("<|assistant|>>>>", TextOf(s_prompts.Build(messages, null, ToolSet.Of(s_options), CancellationToken.None)), StringComparison.Ordinal);
    }

    [Fact]
    public void ATextThatGoesOnHasTheHeaderOnce()
    {
        ChatMessage[] messages = [new(ChatRole.User, "Hi"), new(ChatRole.Assistant, "Hello")];
        foreach (ToolSet? tools in new[] { null, ToolSet.Of(s_options) })
            Assert.EndsWith("<|assistant|>>>>all\nHello", TextOf(s_prompts.Build(messages, new PromptRequest { Tools = tools, ContinuesLast = true }, CancellationToken.None)), StringComparison.Ordinal);
    }

    /// <summary>The last has no prompt that asks for an answer, so that what is ahead of one is the role's.</summary>
    [Theory]
    [InlineData("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}")]
    [InlineData("{% for m in messages %}<|{{ m.role }}|>{% if m.role == 'assistant' %}<think></think>{% endif %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}")]
    [InlineData("{% for m in messages %}{{ m.role }}:{{ ' ' if m.role == 'assistant' }}{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}")]
    [InlineData("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")]
    public void OtherTemplatesHaveNone(string source) => Assert.Equal("", AnswerHeader.Of(ChatTemplate.Parse(source), "<s>", "</s>"));

    private static string TextOf(IEnumerable<TextPart> parts) => string.Concat(parts.Select(part => part.Text));

    private static AIFunctionDeclaration Function(string name) =>
        AIFunctionFactory.CreateDeclaration(name, "", JsonElement.Parse("""{"type":"object","required":["x"],"properties":{"x":{"type":"integer"}}}"""));
}
