using System.Text;
using System.Text.Json;
using EmbeddedLlm.Client;
using EmbeddedLlm.Scheduling;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

/// <summary>Grammars of calls whose arguments are written one by one.</summary>
public sealed class TaggedGrammarTests
{
    private const string Schema =
        """
        {"type":"object","$defs":{"unit":{"enum":["celsius","fahrenheit"]}},"required":["city"],"properties":{
        "city":{"type":"string","minLength":2,"maxLength":6},"unit":{"$ref":"#/$defs/unit"},"days":{"type":"integer","minimum":1,"maximum":9},"code":{"type":"string","pattern":"^[A-Z]{2}$"},
        "hourly":{"type":"boolean"},"at":{"type":"array","items":{"type":"number"},"maxItems":2},"either":{"type":["integer","string"],"maximum":5}}}
        """;

    public static TheoryData<string> Templates => ["Qwen3-Coder", "GLM-4.6", "LFM2-8B-A1B"];

    public static TheoryData<string, string, bool> Calls
    {
        get
        {
            TheoryData<string, string, bool> cases = [];
            foreach (string template in Templates.Select(row => row.Data))
            {
                foreach ((string arguments, bool isValid) in Judged)
                    cases.Add(template, arguments, isValid);
            }

            return cases;
        }
    }

    private static (string Arguments, bool IsValid)[] Judged =>
    [
        ("""{"city":"Oslo"}""", true),
        ("""{}""", false),
        ("""{"city":"O"}""", false),
        ("""{"city":"Oslo 2\n"}""", false),
        ("""{"city":"Osl\n"}""", true),
        ("""{"city":"Oslo","unit":"celsius"}""", true),
        ("""{"city":"Oslo","unit":"kelvin"}""", false),
        ("""{"city":"Oslo","days":9,"code":"NO"}""", true),
        ("""{"city":"Oslo","days":10}""", false),
        ("""{"city":"Oslo","days":"9"}""", false),
        ("""{"city":"Oslo","code":"No"}""", false),
        ("""{"city":"Oslo","at":[1, -2.5]}""", true),
        ("""{"city":"Oslo","at":[1, 2, 3]}""", false),
        ("""{"city":"Oslo","either":5}""", true),
        ("""{"city":"Oslo","either":"x"}""", true),
        ("""{"city":"Oslo","other":1}""", false),
    ];

    [Theory]
    [MemberData(nameof(Calls))]
    public void ArgumentsAreHeldToTheSchema(string template, string arguments, bool isValid)
    {
        ToolCallFormat format = Learn(template);
        string text = format.Write(("f", arguments, null));
        // Where strings are written as they are, a digit in quotes is a digit.
        bool isSame = arguments.Contains("\"9\"", StringComparison.Ordinal) && format.Tags!.HasRawStrings;
        Assert.Equal(isValid || isSame, Accepts(Create(format, Schema).Grammar, text));
    }

    [Theory]
    [MemberData(nameof(Templates))]
    public void ACallWithoutParametersTakesNone(string template)
    {
        ToolCallFormat format = Learn(template);
        Grammar grammar = Create(format, """{"type":"object","properties":{}}""").Grammar;
        Assert.True(Accepts(grammar, format.Write(("f", "{}", null))));
        Assert.False(Accepts(grammar, format.Write(("f", """{"x":1}""", null))));
    }

    [Theory]
    [MemberData(nameof(Templates))]
    public void SeveralCallsAreInTheGrammar(string template)
    {
        ToolCallFormat format = Learn(template);
        Assert.True(Accepts(Create(format, Schema).Grammar, format.Write(("f", """{"city":"Oslo"}""", null), ("f", """{"city":"Rome","days":2}""", null))));
    }

    /// <summary>As Qwen3-Coder, which now and then begins with the second marker.</summary>
    [Theory]
    [InlineData("Qwen3-Coder", "<function=", "\n<function=")]
    [InlineData("GLM-4.6", null, null)]
    public void ACallIsHeldToTheGrammarWhereItsTriggerIsLeftOut(string template, string? shortcut, string? read)
    {
        ToolCallFormat format = Learn(template);
        ToolConstraint constraint = ToolGrammar.Create(format, ToolSet.Of(new() { Tools = [AIFunctionFactory.CreateDeclaration("f", "", JsonElement.Parse(Schema))] })!, null, ControlTokens.None);
        TriggerShortcut? known = constraint.Trigger!.Shortcut;
        Assert.Equal((shortcut, read), known is null ? (null, null) : (Encoding.UTF8.GetString(known.Text), Encoding.UTF8.GetString(known.Read)));
        string call = format.Write(("f", """{"city":"Oslo"}""", null));
        if (shortcut is not null)
            Assert.True(Accepts(constraint.Grammar, read + call[(call.IndexOf(shortcut, StringComparison.Ordinal) + shortcut.Length)..]));
    }

    [Theory]
    [InlineData("Qwen3-Coder", "a\n</parameter>b")]
    [InlineData("GLM-4.6", "a</arg_value>b")]
    public void AStringHasNotWhatEndsIt(string template, string text)
    {
        ToolCallFormat format = Learn(template);
        Assert.False(Accepts(Create(format, """{"type":"object","properties":{"x":{"type":"string"}}}""").Grammar, format.Write(("f", $$"""{"x":{{JsonSerializer.Serialize(text)}}}""", null))));
    }

    [Theory]
    [InlineData("""{"type":["integer","string"],"maximum":5}""", "5", "5")]
    [InlineData("""{"type":["integer","string"],"maximum":5}""", "6", "\"6\"")]
    [InlineData("""{"type":"string"}""", "true", "\"true\"")]
    [InlineData("""{"type":"boolean"}""", "True", "true")]
    [InlineData("""{"type":["object","null"]}""", "None", "null")]
    [InlineData("{}", "[1]", "[1]")]
    [InlineData("{}", "x y", "\"x y\"")]
    public void ATextIsTheValueThatFitsTheSchema(string schema, string text, string expected)
    {
        ToolConstraint constraint = Create(Learn("Qwen3-Coder"), $$$"""{"type":"object","properties":{"x":{{{schema}}}}}""");
        Assert.Equal(expected, ToolArguments.ValueOf(constraint.Arguments!.Find("f", "x"), text));
    }

    [Theory]
    [InlineData("""{"type":"object","properties":{"a":{},"b":{}},"anyOf":[{"required":["a"]},{"required":["b"]}]}""", "anyOf")]
    [InlineData("""{"type":"object","properties":{"a":{},"b":{}},"dependentRequired":{"a":["b"]}}""", "dependentRequired")]
    [InlineData("""{"type":"object","properties":{"a":{},"b":{}},"minProperties":1}""", "minProperties")]
    [InlineData("""{"type":"object","properties":{"a":{},"b":{}},"maxProperties":1}""", "maxProperties")]
    [InlineData("""{"type":"object","properties":{"a b":{}}}""", "properties")]
    public void ArgumentsThatDependOnOneAnotherAreRefusedByName(string schema, string keyword)
    {
        JsonSchemaNotSupportedException e = Assert.Throws<JsonSchemaNotSupportedException>(() => Create(Learn("Qwen3-Coder"), schema));
        Assert.Equal(keyword, e.Keyword);
        Assert.Contains("'f'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AKindOfValueMayHaveATagOfItsOwn()
    {
        ToolCallFormat format = Learn("Qwen3-Coder");
        format = format with { Tags = format.Tags! with { BeforeKey = "<p name=\"", AfterKey = "\" string=\"true\">", AfterKeyOfOthers = "\" string=\"false\">", AfterValue = "</p>" } };
        ToolConstraint constraint = Create(format, """{"type":"object","properties":{"s":{"type":"string"},"n":{"type":["integer","string"]}}}""");
        string text = format.Write(("f", """{"s":"1","n":2}""", null));
        Assert.Contains("<p name=\"s\" string=\"true\">1</p><p name=\"n\" string=\"false\">2</p>", text, StringComparison.Ordinal);
        Assert.True(Accepts(constraint.Grammar, text));
        Assert.Equal([new("f", """{"s":"1","n":2}""")], new ToolCallReader(format, constraint.Arguments).Push(text, isLast: true).Calls);
        string asText = format.Write(("f", """{"s":"1","n":"2x"}""", null));
        Assert.Equal([new("f", """{"s":"1","n":"2x"}""")], new ToolCallReader(format, constraint.Arguments).Push(asText, isLast: true).Calls);
    }

    /// <summary>As Gemma's do, by names without regard to capitals: of arguments that may be left out, none is lost where the model writes them so.</summary>
    [Theory]
    [InlineData("c.function.arguments.items()", false)]
    [InlineData("c.function.arguments | dictsort", true)]
    public void ArgumentsComeInTheOrderOfTheirNamesWhereTheTemplateHasThemSo(string items, bool sorts)
    {
        ToolCallFormat format = ToolSupportLearner.Learn(
            ChatTemplate.Parse(
                "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% for c in m.tool_calls %}<call:{{ c.function.name }}>{% for k, v in " + items
                + " %}<a k=\"{{ k }}\">{{ v if v is string else v | tojson }}</a>{% endfor %}</call>{% endfor %}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"), "<s>", "</s>").Format;
        Assert.Equal(sorts, format.Tags!.SortsKeys);
        Grammar grammar = Create(format, """{"type":"object","properties":{"n":{"type":"integer"},"a_b":{"type":"integer"},"aC":{"type":"object","properties":{"y":{"type":"null"},"x":{"type":"null"}}}}}""").Grammar;
        Assert.Equal(!sorts, Accepts(grammar, "<call:f><a k=\"n\">1</a><a k=\"a_b\">2</a><a k=\"aC\">{\"y\": null, \"x\": null}</a></call>"));
        Assert.Equal(sorts, Accepts(grammar, "<call:f><a k=\"a_b\">2</a><a k=\"aC\">{\"x\": null, \"y\": null}</a><a k=\"n\">1</a></call>"));
        Assert.Equal(sorts, format.Write(("f", """{"n":1,"a_b":2}""", null)).StartsWith("<call:f><a k=\"a_b\">", StringComparison.Ordinal));
    }

    private static ToolConstraint Create(ToolCallFormat format, string schema) =>
        ToolGrammar.Create(format, ToolSet.Of(new() { Tools = [AIFunctionFactory.CreateDeclaration("f", "", JsonElement.Parse(schema))], ToolMode = ChatToolMode.RequireAny })!, null, ControlTokens.None);

    private static bool Accepts(Grammar grammar, string text) => grammar.Accepts(Encoding.UTF8.GetBytes(text));

    private static ToolCallFormat Learn(string template) =>
        ToolSupportLearner.Learn(ChatTemplate.Parse(File.ReadAllText(SharedData.Require("data", "templates", template + ".jinja"))), "<s>", "</s>").Format;
}
