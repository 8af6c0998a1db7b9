using System.Text;
using System.Text.Json;
using EmbeddedLlm.Client;
using EmbeddedLlm.Templates;
using EmbeddedLlm.Tokens;
using Microsoft.Extensions.AI;
using TokenKind = EmbeddedLlm.Tokens.TokenKind;

namespace EmbeddedLlm.Tests.Client;

/// <summary>Calls whose strings are between markers and whose keys have nothing around them, as Gemma's models write them: <c>call:f{key:&lt;escape&gt;value&lt;escape&gt;,n:1}</c>.</summary>
public sealed class MarkedStringTests
{
    private const string Schema =
        """
        {"type":"object","required":["text"],"properties":{"text":{"type":"string","maxLength":40},"n":{"type":"integer","minimum":1},"flag":{"type":"boolean"},
        "o":{"type":"object","required":["k"],"additionalProperties":false,"properties":{"k":{"enum":["a","b c"]},"kk":{"type":["null","string"]}}},
        "any":{"type":"object"},"a":{"type":"array","items":{"type":"string"},"maxItems":3}}}
        """;

    /// <summary>The arguments, and whether they fit the schema.</summary>
    public static TheoryData<string, string, bool> Calls
    {
        get
        {
            TheoryData<string, string, bool> cases = [];
            foreach (string marker in new[] { "<escape>", "<|\"|>" })
            {
                foreach ((string arguments, bool isValid) in Judged)
                    cases.Add(marker, arguments, isValid);
            }

            return cases;
        }
    }

    private static (string Arguments, bool IsValid)[] Judged =>
    [
        ("""{"text":"Oslo"}""", true),
        ("""{"text":""}""", true),
        ("{}", false),
        ("""{"text":"it's \"x\", {y: [z]} }<end>\n\\n"}""", true),
        ("""{"text":"42","n":42}""", true),
        ("""{"text":"x","n":0}""", false),
        ("""{"text":"x","n":"1"}""", false),
        ("""{"text":"x","flag":true}""", true),
        ("""{"text":"x","o":{"k":"b c","kk":"{k:1}"}}""", true),
        ("""{"text":"x","o":{"k":"a","kk":null}}""", true),
        ("""{"text":"x","o":{"kk":"a"}}""", false),
        ("""{"text":"x","o":{"k":"c"}}""", false),
        ("""{"text":"x","any":{"a-b":[1,"s",[true,null,{"ü_1":{}}]],"n":-2.5}}""", true),
        ("""{"text":"x","any":{"a":{"b c":1}}}""", false),
        ("""{"text":"x","a":["","b,c","[}"]}""", true),
        ("""{"text":"x","a":["a","b","c","d"]}""", false),
    ];

    [Theory]
    [InlineData("<escape>")]
    [InlineData("<|\"|>")]
    public void TheNotationIsLearned(string marker)
    {
        ToolSupport support = Learn(marker);
        Assert.Equal(("tools", true, marker), (support.Variable, support.WritesCalls, support.Format.Tags?.Marker));
        Assert.Equal(
            "<call>call:f{n:1,o:{k:[#v#,{}],e:#\"#},x:#s#}<end><call>call:g{}<end>".Replace("#", marker, StringComparison.Ordinal),
            support.Format.Write(("f", """{"x": "s", "n": 1, "o": {"k": ["v", {}], "e": "\""}}""", null), ("g", "{}", null)));
        Assert.Contains(marker, support.Format.Markers());
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public void ACallIsReadBackHoweverItIsCut(string marker, string arguments, bool isValid)
    {
        _ = isValid;
        ToolCallFormat format = Learn(marker).Format;
        string text = format.Write(("f", arguments, null), ("g", "{}", null));
        for (int size = 1; size <= text.Length; size++)
        {
            ToolCallReader reader = new(format);
            WrittenCall[] calls = [.. text.Chunk(size).SelectMany(piece => reader.Push(new string(piece)).Calls)];
            Assert.Equal(["f", "g"], calls.Select(call => call.Name));
            Assert.True(JsonElement.DeepEquals(JsonElement.Parse(arguments), JsonElement.Parse(calls[0].Arguments)), calls[0].Arguments);
        }
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public void ArgumentsAreHeldToTheSchema(string marker, string arguments, bool isValid)
    {
        ToolCallFormat format = Learn(marker).Format;
        Assert.Equal(isValid, Create(format, Schema, ControlTokens.None).Accepts(Encoding.UTF8.GetBytes(format.Write(("f", arguments, null)))));
    }

    [Fact]
    public void AStringHasNotTheMarkerThatEndsIt()
    {
        ToolCallFormat format = Learn("<escape>").Format;
        Assert.False(Create(format, Schema, ControlTokens.None).Accepts("<call>call:f{text:<escape>a<escape>b<escape>}<end>"u8));
    }

    [Fact]
    public void AMarkerThatIsAControlTokenIsThatToken()
    {
        ToolCallFormat format = Learn("<escape>").Format;
        // All bytes, and the two markers.
        int[] offsets = [.. Enumerable.Range(0, 257), 256, 256];
        TokenKind[] kinds = [.. Enumerable.Repeat(TokenKind.Text, 256), TokenKind.Control, TokenKind.Control];
        GrammarVocabulary vocabulary = new(new Vocabulary([.. Enumerable.Range(0, 256).Select(next => (byte)next)], offsets, kinds));
        Grammar grammar = Create(format, """{"type":"object","required":["o"],"properties":{"o":{"type":"object","required":["k"],"properties":{"k":{"type":"string"}}}}}""", new(text => text switch { "<escape>" => 256, "<end>" => 257, _ => -1 }, _ => false));
        GrammarMatcher matcher = vocabulary.CreateMatcher(grammar);
        int[] text = [.. Encoding.UTF8.GetBytes("<call>call:f{o:{k:").Select(next => (int)next), 256, 'a', '<', 256, '}', '}', 257];
        Assert.All(text, token => Assert.True(matcher.TryAdvance(token), $"{token}"));
    }

    [Fact]
    public void ANameThatNeedsQuotesIsRefused()
    {
        JsonSchemaNotSupportedException e = Assert.Throws<JsonSchemaNotSupportedException>(
            () => Create(Learn("<escape>").Format, """{"type":"object","properties":{"o":{"type":"object","properties":{"a b":{"type":"string"}}}}}""", ControlTokens.None));
        Assert.Contains("'a b'", e.Message, StringComparison.Ordinal);
    }

    private static Grammar Create(ToolCallFormat format, string schema, ControlTokens controls) =>
        ToolGrammar.Create(format, ToolSet.Of(new() { Tools = [AIFunctionFactory.CreateDeclaration("f", "", JsonElement.Parse(schema))], ToolMode = ChatToolMode.RequireAny })!, null, controls).Grammar;

    private static ToolSupport Learn(string marker) => ToolSupportLearner.Learn(ChatTemplate.Parse(
        """
        {%- macro value(v) -%}
        {%- if v is string %}{{ '#' + v + '#' }}{% elif v is boolean %}{{ 'true' if v else 'false' }}
        {%- elif v is mapping %}{{ '{' }}{% for k, x in v | dictsort %}{{ k }}:{{ value(x) }}{{ ',' if not loop.last }}{% endfor %}{{ '}' }}
        {%- elif v is sequence %}[{% for x in v %}{{ value(x) }}{{ ',' if not loop.last }}{% endfor %}]
        {%- else %}{{ v }}{% endif %}
        {%- endmacro -%}
        {% for t in tools %}<tool>{{ t.function.name }}:#{{ t.function.description }}#</tool>{% endfor %}
        {%- for m in messages %}<turn>{{ m.role }}
        {{ m.content }}{% for c in m.tool_calls %}<call>call:{{ c.function.name }}{{ '{' }}
        {%- for k, v in c.function.arguments | dictsort %}{{ k }}:{{ value(v) }}{{ ',' if not loop.last }}{% endfor %}{{ '}' }}<end>{% endfor %}</turn>
        {% endfor %}
        {%- if add_generation_prompt %}<turn>assistant
        {% endif %}
        """.Replace("#", marker, StringComparison.Ordinal)), "<s>", "</s>");
}
