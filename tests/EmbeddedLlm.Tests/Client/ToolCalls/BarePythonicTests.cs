using System.Text;
using System.Text.Json;
using EmbeddedLlm.Client;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

/// <summary>Calls in Python without markers, <c>[f(x=1), g()]</c>, which only the name tells from other text in brackets.</summary>
public sealed class BarePythonicTests
{
    private static readonly ToolSet s_tools = ToolSet.Of(new()
    {
        Tools =
        [
            AIFunctionFactory.CreateDeclaration("f", "", JsonElement.Parse("""{"type":"object","required":["x"],"properties":{"x":{"type":"integer"},"s":{"type":"string"},"b":{"type":"boolean"}}}""")),
            AIFunctionFactory.CreateDeclaration("g.h-2", "", JsonElement.Parse("""{"type":"object","properties":{}}""")),
        ],
    })!;

    [Fact]
    public void TheNotationIsLearnedFromATemplateThatWritesIt()
    {
        ToolSupport support = Learn(
            "[{% for c in m.tool_calls %}{{ c.function.name }}({% for k, v in c.function.arguments.items() %}{{ k }}={{ v | tojson }}{{ ', ' if not loop.last }}{% endfor %}){{ ', ' if not loop.last }}{% endfor %}]", "");
        Assert.Equal("[f(x=1, s=\"a\"), g()]", support.Format.Write(("f", """{"x":1,"s":"a"}""", null), ("g", "{}", null)));
        Assert.Equal(("tools", true, true), (support.Variable, support.WritesCalls, support.Format.IsTriggeredByName));
    }

    [Theory]
    [InlineData("[func_name1(params_name1=params_value1, params_name2=params_value2...), func_name2(params)]")]
    [InlineData("Use exact format: [func_name1(param1=value1, param2=value2), func_name2(...)]")]
    public void TheNotationIsThatWhichThePromptTells(string told)
    {
        // The template puts quotes around all values, so what it writes cannot be read again.
        ToolSupport support = Learn(
            "[{% for c in m.tool_calls %}{{ c.function.name }}({% for k, v in c.function.arguments.items() %}{{ k }}=\"{{ v }}\"{{ ', ' if not loop.last }}{% endfor %}){{ ', ' if not loop.last }}{% endfor %}]", told);
        Assert.Equal("[f(x=1, b=True)]", support.Format.Write(("f", """{"x":1,"b":true}""", null)));
        Assert.Equal(("tools", false), (support.Variable, support.WritesCalls));
    }

    [Theory]
    [InlineData("[f(x=1)]", true)]
    [InlineData("[f(x=-2, s=\"it's [x]\\n\", b=True), g.h-2()]", true)]
    [InlineData("\n [f(x=1)]", false)]
    [InlineData("[f(s=\"a\")]", false)]
    [InlineData("[f(x=one)]", false)]
    [InlineData("[f(x=1)] and then", false)]
    [InlineData("[f] is a function, and [f(x=1)] calls it.", true)]
    [InlineData("[1] A footnote.\n[h(x=1)]", true)]
    [InlineData("[\"f\", \"g\"]", true)]
    [InlineData("Plain text.", true)]
    [InlineData("", true)]
    public void ATextThatBeginsAsACallIsACall(string text, bool isAllowed)
    {
        ToolConstraint constraint = ToolGrammar.Create(ToolCallFormat.BarePythonic, s_tools, null, ControlTokens.None);
        Assert.Null(constraint.Trigger);
        Assert.Equal(isAllowed, constraint.Grammar.Accepts(Encoding.UTF8.GetBytes(text)));
    }

    [Theory]
    [InlineData("[f(x=-2, s=\"it's [x]\\n\", b=True), g.h-2()]", "", "f g.h-2")]
    [InlineData("[f] is a function, and [f(x=1)] calls it.", "[f] is a function, and [f(x=1)] calls it.", "")]
    [InlineData("[1] A footnote.", "[1] A footnote.", "")]
    [InlineData("[g.h", "[g.h", "")]
    public void ACallIsToldFromTextByItsName(string answer, string text, string calls)
    {
        for (int size = 1; size <= answer.Length; size++)
        {
            ToolCallReader reader = new(ToolCallFormat.BarePythonic, functions: [.. s_tools.Callable.Select(function => function.Name)]);
            (string Text, IReadOnlyList<WrittenCall> Calls)[] read = [.. answer.Chunk(size).Select(piece => reader.Push(new string(piece))), reader.Push("", isLast: true)];
            Assert.Equal(text, string.Concat(read.Select(part => part.Text)));
            Assert.Equal(calls, string.Join(' ', read.SelectMany(part => part.Calls).Select(call => call.Name)));
        }
    }

    private static ToolSupport Learn(string calls, string told) => ToolSupportLearner.Learn(
        ChatTemplate.Parse(
            "{% if tools %}" + told + "\n{{ tools | tojson }}{% endif %}{% for m in messages %}<|{{ m.role }}|>{% if m.tool_calls %}" + calls + "{% else %}{{ m.content }}{% endif %}<|end|>{% endfor %}"
            + "{% if add_generation_prompt %}<|assistant|>{% endif %}"), "<s>", "</s>");
}
