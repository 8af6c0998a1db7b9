using System.Text;
using System.Text.Json;
using EmbeddedLlm.Client;
using EmbeddedLlm.Scheduling;
using EmbeddedLlm.Templates;
using EmbeddedLlm.Tokens;
using Microsoft.Extensions.AI;
using TokenKind = EmbeddedLlm.Tokens.TokenKind;

namespace EmbeddedLlm.Tests.Client;

public sealed class ToolGrammarTests
{
    private static readonly AIFunctionDeclaration s_weather = Declare("get_weather", """{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}""");
    private static readonly AIFunctionDeclaration s_add = Declare("add", """{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["a","b"]}""");

    public static TheoryData<string> Templates => [.. ToolCallReaderTests.Templates.Select(row => row.Data), "meta-llama-Llama-3.1-8B-Instruct"];

    [Theory]
    [MemberData(nameof(Templates))]
    public void ACallAsTheTemplateWritesItIsInTheGrammar(string template)
    {
        ToolCallFormat format = ToolSupportLearner.Learn(ChatTemplate.Parse(File.ReadAllText(SharedData.Require("data", "templates", template + ".jinja"))), "<s>", "</s>").Format;
        Grammar grammar = Create(format, new() { ToolMode = ChatToolMode.RequireAny }).Grammar;
        Assert.True(Accepts(grammar, format.Write(("get_weather", """{"city": "Oslo"}""", "abcdefgh1"))));
        Assert.True(Accepts(grammar, format.Write(("add", """{"a": 1, "b": -2}""", "abcdefgh1"))));
        Assert.False(Accepts(grammar, format.Write(("add", """{"city": "Oslo"}""", "abcdefgh1"))));
        Assert.False(Accepts(grammar, format.Write(("subtract", "{}", "abcdefgh1"))));
        Assert.False(Accepts(grammar, "Hello"));
        Assert.Equal(format.Separator is not null, Accepts(grammar, format.Write(("get_weather", """{"city": "Oslo"}""", "abcdefgh1"), ("add", """{"a": 1, "b": 2}""", "abcdefgh2"))));
    }

    [Fact]
    public void WhereOneCallIsAllowedTwoAreNot()
    {
        Grammar grammar = Create(ToolCallFormat.Hermes, new() { ToolMode = ChatToolMode.RequireAny, AllowMultipleToolCalls = false }).Grammar;
        Assert.True(Accepts(grammar, Hermes(("add", """{"a": 1, "b": 2}"""))));
        Assert.False(Accepts(grammar, Hermes(("add", """{"a": 1, "b": 2}"""), ("add", """{"a": 1, "b": 2}"""))));
    }

    [Fact]
    public void ARequiredFunctionIsTheOnlyOne()
    {
        Grammar grammar = Create(ToolCallFormat.Hermes, new() { ToolMode = ChatToolMode.RequireSpecific("add") }).Grammar;
        Assert.True(Accepts(grammar, Hermes(("add", """{"a": 1, "b": 2}"""))));
        Assert.False(Accepts(grammar, Hermes(("get_weather", """{"city": "Oslo"}"""))));
    }

    [Fact]
    public void FreeTextIsHeldToTheGrammarFromTheMarkerOn()
    {
        (Grammar grammar, GrammarTrigger? trigger, _) = Create(ToolCallFormat.Hermes, new());
        Assert.Equal("<tool_call>", Encoding.UTF8.GetString(trigger!.Text));
        Assert.True(Accepts(grammar, Hermes(("add", """{"a": 1, "b": 2}"""))["<tool_call>".Length..]));
    }

    [Fact]
    public void WithAResponseFormatAnAnswerIsACallOrFitsTheFormat()
    {
        (Grammar grammar, GrammarTrigger? trigger, _) = ToolGrammar.Create(
            ToolCallFormat.Hermes, ToolSet.Of(Options(new()))!, Grammar.FromJsonSchema(JsonElement.Parse("""{"type":"integer"}""")), ControlTokens.None);
        Assert.Null(trigger);
        Assert.True(Accepts(grammar, "42"));
        Assert.True(Accepts(grammar, Hermes(("add", """{"a": 1, "b": 2}"""))));
        Assert.False(Accepts(grammar, "Hello"));
    }

    [Fact]
    public void AFunctionWithoutParametersTakesNone()
    {
        ChatOptions options = new() { Tools = [AIFunctionFactory.Create(() => 1, "now")], ToolMode = ChatToolMode.RequireAny };
        Grammar grammar = ToolGrammar.Create(ToolCallFormat.Hermes, ToolSet.Of(options)!, null, ControlTokens.None).Grammar;
        Assert.True(Accepts(grammar, Hermes(("now", "{}"))));
        Assert.False(Accepts(grammar, Hermes(("now", """{"x": 1}"""))));
    }

    [Fact]
    public void ObjectsWithinTheArgumentsHaveTheirPropertiesAndNoOthers()
    {
        ChatOptions options = new() { Tools = [AIFunctionFactory.Create((Point from, List<Point>? to = null) => 1, "draw")], ToolMode = ChatToolMode.RequireAny };
        Grammar grammar = ToolGrammar.Create(ToolCallFormat.Hermes, ToolSet.Of(options)!, null, ControlTokens.None).Grammar;
        Assert.True(Accepts(grammar, Hermes(("draw", """{"from": {"x": 1, "y": 2}, "to": [{"x": 3, "y": 4}]}"""))));
        Assert.False(Accepts(grammar, Hermes(("draw", """{"from": {"x": 1, "y": 2, "z": 3}}"""))));
        Assert.False(Accepts(grammar, Hermes(("draw", """{"from": {"x": 1, "y": 2}, "to": [{"x": 3, "y": 4, "": 0}]}"""))));
    }

    [Fact]
    public void APropertyThatIsRequiredAndNotListedCanBeWritten()
    {
        AIFunctionDeclaration odd = Declare("odd", """{"type":"object","properties":{"a":{"type":"integer"}},"required":["a","b"]}""");
        Grammar grammar = ToolGrammar.Create(ToolCallFormat.Hermes, ToolSet.Of(new() { Tools = [odd], ToolMode = ChatToolMode.RequireAny })!, null, ControlTokens.None).Grammar;
        Assert.True(Accepts(grammar, Hermes(("odd", """{"a": 1, "b": 2}"""))));
    }

    [Theory]
    [InlineData("""{"properties":{"a":{"type":"integer"}}}""", """{"properties":{"a":{"type":"integer"}},"type":"object","additionalProperties":false}""")]
    [InlineData("""{"type":"object"}""", """{"type":"object"}""")]
    [InlineData("""{"type":"object","properties":{},"additionalProperties":true}""", """{"type":"object","properties":{},"additionalProperties":true}""")]
    [InlineData("true", """{"type":"object"}""")]
    public void ArgumentsAreAnObjectOfTheListedProperties(string schema, string expected) =>
        Assert.Equal(expected, ToolSet.ArgumentsSchema(Declare("f", schema)).GetRawText());

    public static TheoryData<string, ChatOptions> Mistakes => new()
    {
        { "'add'", new() { Tools = [s_add, s_add] } },
        { "'subtract'", new() { Tools = [s_add], ToolMode = ChatToolMode.RequireSpecific("subtract") } },
        { "'a\"b'", new() { Tools = [Declare("a\"b", "{}")] } },
        { "'a\nb'", new() { Tools = [Declare("a\nb", "{}")] } },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void AMistakeInTheToolsIsNamed(string name, ChatOptions options) =>
        Assert.Contains(name, Assert.Throws<ArgumentException>(() => ToolSet.Of(options)).Message, StringComparison.Ordinal);

    [Fact]
    public void AToolThatIsNoFunctionIsRefusedByItsName()
    {
        NotSupportedException e = Assert.Throws<NotSupportedException>(() => ToolSet.Of(new() { Tools = [s_add, new HostedWebSearchTool()] }));
        Assert.Contains(new HostedWebSearchTool().Name, e.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(HostedWebSearchTool), e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnAnswersDistinctItemsAreToldApartOnlyWhereCallsAreJson()
    {
        Grammar answer = Grammar.FromJsonSchema(JsonElement.Parse("""{"type":"array","items":{"type":"string"},"uniqueItems":true}"""));
        ToolSet tools = ToolSet.Of(new() { Tools = [s_add] })!;
        Grammar either = ToolGrammar.Create(ToolCallFormat.Hermes, tools, answer, ControlTokens.None).Grammar;
        GrammarMatcher matcher = GrammarVocabulary.Create([ReadOnlyMemory<byte>.Empty, "a"u8.ToArray()], [0]).CreateMatcher(either);
        Assert.True(matcher.TryAdvance("""["a", """u8));
        Assert.False(matcher.TryAdvance("\"a\""u8));
        Assert.True(matcher.TryAdvance("\"b\"]"u8));
        foreach (ToolCallFormat format in new[] { ToolCallFormat.Harmony, ToolCallFormat.Pythonic })
            Assert.Equal("uniqueItems", Assert.Throws<JsonSchemaNotSupportedException>(() => ToolGrammar.Create(format, tools, answer, ControlTokens.None)).Keyword);
    }

    [Theory]
    [InlineData("""{"type":"object","properties":{"x":{"type":"array","uniqueItems":true,"items":{"type":"string"}}}}""")]
    [InlineData("""{"type":"object","properties":{"x":{"type":"nothing"}}}""")]
    [InlineData("""{"type":"object","properties":{"x":{"$ref":"#/$defs/missing"}}}""")]
    public void WhatIsWrongWithAToolsSchemaNamesTheTool(string schema)
    {
        GrammarException e = Assert.ThrowsAny<GrammarException>(() => ToolGrammar.Create(ToolCallFormat.Hermes, ToolSet.Of(new() { Tools = [s_add, Declare("odd_one", schema)] })!, null, ControlTokens.None));
        Assert.Contains("'odd_one'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ASchemaMayReferToItsDefinitions()
    {
        AIFunctionDeclaration tree = Declare("tree", """{"type":"object","$defs":{"node":{"type":"object","properties":{"name":{"type":"string"},"next":{"$ref":"#/$defs/node"}},"required":["name"],"additionalProperties":false}},"properties":{"root":{"$ref":"#/$defs/node"}},"required":["root"]}""");
        Grammar grammar = ToolGrammar.Create(ToolCallFormat.Hermes, ToolSet.Of(new() { Tools = [tree], ToolMode = ChatToolMode.RequireAny })!, null, ControlTokens.None).Grammar;
        Assert.True(Accepts(grammar, Hermes(("tree", """{"root": {"name": "a", "next": {"name": "b"}}}"""))));
        Assert.False(Accepts(grammar, Hermes(("tree", """{"root": {"name": "a", "next": {}}}"""))));
    }

    [Theory]
    [InlineData("f>g", "Qwen3-Coder")]
    [InlineData("f g", "GLM-4.6")]
    [InlineData("f(", "LFM2-8B-A1B")]
    public void ANameThatTheFormatCannotWriteIsRefused(string name, string template)
    {
        ToolCallFormat format = ToolSupportLearner.Learn(ChatTemplate.Parse(File.ReadAllText(SharedData.Require("data", "templates", template + ".jinja"))), "<s>", "</s>").Format;
        NotSupportedException e = Assert.Throws<NotSupportedException>(() => ToolGrammar.Create(format, ToolSet.Of(new() { Tools = [Declare(name, "{}")] })!, null, ControlTokens.None));
        Assert.Contains($"'{name}'", e.Message, StringComparison.Ordinal);
    }

    /// <summary>What ends an answer comes of itself: a grammar that asked for such a token as a control token would never be complete.</summary>
    [Fact]
    public void WhatEndsTheAnswerIsNoPartOfTheGrammar()
    {
        ToolCallFormat format = ToolCallFormat.Hermes with { End = "</calls><|eom_id|>\n" };
        ControlTokens controls = new(_ => -1, text => text == "<|eom_id|>");
        Grammar grammar = ToolGrammar.Create(format, ToolSet.Of(Options(new() { ToolMode = ChatToolMode.RequireAny }))!, null, controls).Grammar;
        Assert.True(Accepts(grammar, Hermes(("add", """{"a": 1, "b": 2}""")) + "</calls>"));
    }

    /// <summary>As GigaChat 3's, whose tokens are not just the markers but have the line breaks after them.</summary>
    [Fact]
    public void AControlTokenMayHaveTheWhiteSpaceAfterAMarker()
    {
        ToolCallFormat format = new()
        {
            Call = [new(ToolCallPartKind.Literal, "<|sep|>\n\ncall<|role|>\n{\"name\": \""), new(ToolCallPartKind.Name), new(ToolCallPartKind.Literal, "\", \"arguments\": "), new(ToolCallPartKind.Arguments), new(ToolCallPartKind.Literal, "}")],
        };
        Assert.Equal(["<|sep|>", "<|sep|>\n", "<|sep|>\n\n", "<|role|>", "<|role|>\n"], format.Markers());
        int[] offsets = [.. Enumerable.Range(0, 257), 256, 256];
        TokenKind[] kinds = [.. Enumerable.Repeat(TokenKind.Text, 256), TokenKind.Control, TokenKind.Control];
        GrammarVocabulary vocabulary = new(new Vocabulary([.. Enumerable.Range(0, 256).Select(next => (byte)next)], offsets, kinds));
        ControlTokens controls = new(text => text switch { "<|sep|>\n\n" => 256, "<|role|>\n" => 257, _ => -1 }, _ => false);
        GrammarMatcher matcher = vocabulary.CreateMatcher(ToolGrammar.Create(format, ToolSet.Of(Options(new() { ToolMode = ChatToolMode.RequireAny }))!, null, controls).Grammar);
        int[] answer = [256, .. Bytes("call"), 257, .. Bytes("{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2}}")];
        Assert.All(answer, token => Assert.True(matcher.TryAdvance(token), $"{token}"));

        static IEnumerable<int> Bytes(string text) => Encoding.UTF8.GetBytes(text).Select(next => (int)next);
    }

    private static ToolConstraint Create(ToolCallFormat format, ChatOptions options) =>
        ToolGrammar.Create(format, ToolSet.Of(Options(options))!, answer: null, ControlTokens.None);

    private static ChatOptions Options(ChatOptions options)
    {
        options.Tools = [s_weather, s_add];
        return options;
    }

    private static string Hermes(params (string Name, string Arguments)[] calls) => ToolCallFormat.Hermes.Write([.. calls.Select(call => (call.Name, call.Arguments, (string?)null))]);

    private static bool Accepts(Grammar grammar, string text) => grammar.Accepts(Encoding.UTF8.GetBytes(text));

    private static AIFunctionDeclaration Declare(string name, string schema) => AIFunctionFactory.CreateDeclaration(name, "described", JsonElement.Parse(schema));

    private sealed record Point(int X, int Y);
}
