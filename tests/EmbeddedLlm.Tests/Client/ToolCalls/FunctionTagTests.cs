using System.Text;
using System.Text.Json;
using EmbeddedLlm.Client;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

/// <summary>Calls as MiniCPM 5 is told to write them: tags with the names in quotes, and character data for strings that hold markup.</summary>
public sealed class FunctionTagTests
{
    private const string Source =
        "{% if tools %}<|im_start|>system\n{{ tools | tojson }}\nCall so: <function name=\"function-name\"><param name=\"param-name\">param-value</param></function><|im_end|>\n{% endif %}"
        + "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    private static readonly ToolSupport s_support = ToolSupportLearner.Learn(ChatTemplate.Parse(Source), "<s>", "</s>");

    private static readonly AIFunctionDeclaration s_function = AIFunctionFactory.CreateDeclaration(
        "f", "", JsonElement.Parse("""{"type":"object","properties":{"text":{"type":"string"},"n":{"type":"integer"},"flag":{"type":"boolean"},"o":{"type":"object"}}}"""));

    [Fact]
    public void TheFormatIsKnownByWhatTheModelIsTold()
    {
        Assert.Equal(("tools", false, true), (s_support.Variable, s_support.WritesCalls, s_support.WritesResults));
        Assert.Equal(("<function name=\"", false), (s_support.Format.Trigger, s_support.Format.IsTriggeredAtStart));
        Assert.Equal(
            "<function name=\"f\"><param name=\"text\"><![CDATA[a\nb]]></param><param name=\"n\">1</param></function>\n<function name=\"g\"></function>",
            s_support.Format.Write(("f", """{"text":"a\nb","n":1}""", null), ("g", "{}", null)));
    }

    [Theory]
    [InlineData("{}", true)]
    [InlineData("""{"text":"Oslo","n":7,"flag":true,"o":{"k":[1,"</p>"]}}""", true)]
    [InlineData("""{"text":"1 < 2 & \"x\"\n  y"}""", true)]
    [InlineData("""{"text":"\n</param></function>\n","n":1}""", false)]
    [InlineData("""{"text":"<x>]]></x>"}""", true)]
    [InlineData("""{"text":""}""", true)]
    [InlineData("""{"n":"x"}""", false)]
    public void ACallIsReadBackBelowATextHoweverItIsCut(string arguments, bool isAccepted)
    {
        string written = s_support.Format.Write(("f", arguments, null), ("f", "{}", null));
        ToolConstraint constraint = ToolGrammar.Create(s_support.Format, ToolSet.Of(new() { Tools = [s_function], ToolMode = ChatToolMode.RequireAny })!, null, ControlTokens.None);
        Assert.Equal(isAccepted, constraint.Grammar.Accepts(Encoding.UTF8.GetBytes(written)));
        string answer = "I look <b>here</b>.\n" + written;
        for (int size = 1; size <= answer.Length; size++)
        {
            ToolCallReader reader = new(s_support.Format, constraint.Arguments);
            (string Text, IReadOnlyList<WrittenCall> Calls)[] read = [.. answer.Chunk(size).Select(piece => reader.Push(new string(piece))).Select(part => (part.Text, (IReadOnlyList<WrittenCall>)[.. part.Calls])), reader.Push("", isLast: true)];
            Assert.Equal("I look <b>here</b>.", string.Concat(read.Select(part => part.Text)));
            WrittenCall[] calls = [.. read.SelectMany(part => part.Calls)];
            Assert.Equal(["f", "f"], calls.Select(call => call.Name));
            Assert.Equal("{}", calls[1].Arguments);
            Assert.True(isAccepted ? JsonElement.DeepEquals(JsonElement.Parse(arguments), JsonElement.Parse(calls[0].Arguments)) : calls[0].Arguments.Length > 2, calls[0].Arguments);
        }
    }
}
