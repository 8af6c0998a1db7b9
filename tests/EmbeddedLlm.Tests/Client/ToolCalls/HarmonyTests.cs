using System.Text;
using System.Text.Json;
using EmbeddedLlm.Client;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

/// <summary>Answers in channels, as gpt-oss writes them.</summary>
public sealed class HarmonyTests
{
    private const string Thought = "<|channel|>analysis<|message|>I call functions.f to=functions.f {\"x\": 1}.<|end|>";

    private static readonly AITool[] s_tools =
    [
        AIFunctionFactory.CreateDeclaration("f", "", JsonElement.Parse("""{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]}""")),
        AIFunctionFactory.CreateDeclaration("g", "", JsonElement.Parse("""{"type":"object","properties":{}}""")),
    ];

    /// <summary>An answer, and its reasoning, text and call.</summary>
    public static TheoryData<string, string, string, string> Answers => new()
    {
        { "<|channel|>final<|message|>Hello < you <|x|>!<|return|>", "", "Hello < you <|x|>!", "" },
        { "<|channel|>final<|message|>Hello", "", "Hello", "" },
        { Thought + "<|start|>assistant<|channel|>final<|message|>Hi.<|return|>", "I call functions.f to=functions.f {\"x\": 1}.", "Hi.", "" },
        { Thought + "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"x\": 1}<|call|>", "I call functions.f to=functions.f {\"x\": 1}.", "", "f{\"x\": 1}" },
        { " to=functions.g<|channel|>commentary json<|message|>{}<|call|>", "", "", "g{}" },
        { "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"x\": 1}", "", "", "f{\"x\": 1}" },
        { "<|channel|>commentary<|message|>I look it up.<|end|><|start|>assistant<|channel|>commentary to=functions.g json<|message|>{}", "", "I look it up.", "g{}" },
        { "<|channel|>commentary to=functions.f json<|message|>{\"x\": ", "", "", "" },
        { "Plain text.", "", "Plain text.", "" },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public void ChannelsAreToldApartHoweverTheAnswerIsCut(string answer, string reasoning, string text, string call)
    {
        for (int cut = 0; cut <= answer.Length; cut++)
            Assert.Equal((reasoning, text, call), Read(answer[..cut], answer[cut..]));
        Assert.Equal((reasoning, text, call), Read([.. answer.Select(c => $"{c}")]));
    }

    [Theory]
    [InlineData("<|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"x\": 1}", true)]
    [InlineData(" to=functions.f<|channel|>commentary json<|message|>{\"x\":1}", true)]
    [InlineData("<|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"x\": \"1\"}", false)]
    [InlineData("<|channel|>commentary to=functions.h <|constrain|>json<|message|>{}", false)]
    [InlineData("<|channel|>final<|message|>Hi", false)]
    [InlineData(Thought + "<|start|>assistant<|channel|>commentary to=functions.g <|constrain|>json<|message|>{}", true)]
    [InlineData(Thought + "{}", false)]
    [InlineData("{}", false)]
    public void ARequiredCallIsHeldToItsSchema(string answer, bool isValid) => Assert.Equal(isValid, Accepts(new() { Tools = s_tools, ToolMode = ChatToolMode.RequireAny }, null, answer));

    [Theory]
    [InlineData("<|channel|>final<|message|>Hi, to=functions.f {", true)]
    [InlineData(Thought + "<|start|>assistant<|channel|>final<|message|>Hi", true)]
    [InlineData(Thought + "<|start|>assistant to=functions.f<|channel|>commentary <|constrain|>json<|message|>{\"x\": 2}", true)]
    [InlineData(Thought + "<|start|>assistant to=functions.f<|channel|>commentary <|constrain|>json<|message|>{}", false)]
    public void AFreeAnswerMayBeTextButItsCallsAreHeldToTheirSchemas(string answer, bool isValid) => Assert.Equal(isValid, Accepts(new() { Tools = s_tools }, null, answer));

    [Fact]
    public void AResponseFormatHoldsTheFinalChannel()
    {
        Grammar number = Grammar.FromJsonSchema(JsonElement.Parse("""{"type":"integer"}"""));
        Assert.True(Accepts(new() { Tools = s_tools }, number, Thought + "<|start|>assistant<|channel|>final<|message|>42"));
        Assert.False(Accepts(new() { Tools = s_tools }, number, Thought + "<|start|>assistant<|channel|>final<|message|>Hi"));
    }

    private static bool Accepts(ChatOptions options, Grammar? answer, string text) =>
        ToolGrammar.Create(ToolCallFormat.Harmony, ToolSet.Of(options)!, answer, ControlTokens.None).Grammar.Accepts(Encoding.UTF8.GetBytes(text));

    private static (string Reasoning, string Text, string Call) Read(params string[] pieces)
    {
        HarmonyReader reader = new();
        (string reasoning, string text, string calls) = ("", "", "");
        for (int i = 0; i <= pieces.Length; i++)
        {
            (string thought, string more, IReadOnlyList<WrittenCall> found) = reader.Push(i < pieces.Length ? pieces[i] : "", isLast: i == pieces.Length);
            reasoning += thought;
            text += more;
            calls += string.Concat(found.Select(call => call.Name + call.Arguments));
        }

        return (reasoning, text, calls);
    }
}
