using System.Text;
using System.Text.Json;

namespace EmbeddedLlm.Tests.Grammars;

/// <summary>Arrays whose items are distinct and more than can be listed.</summary>
public sealed class DistinctItemsTests
{
    private const string Texts = "{'type':'array','items':{'type':'string'},'uniqueItems':true}";

    public static TheoryData<string> Schemas =>
    [
        Texts,
        "{'type':'object','properties':{'tags':" + Texts + ",'ids':{'type':'array','items':{'type':'integer'},'uniqueItems':true,'minItems':2}},'required':['tags','ids']}",
        "{'type':'array','items':{'type':'array','items':{'type':['string','integer','null']},'uniqueItems':true,'minItems':3}}",
        // Few texts begin alike, so they are used up.
        "{'type':'array','items':{'type':'string','pattern':'^[ab]{1,2}c{0,300}$','maxLength':2},'uniqueItems':true,'minItems':5}",
        "{'type':'array','items':{'type':'string','pattern':'^([ab]|c.{3})$'},'uniqueItems':true,'minItems':6}",
        "{'type':'array','items':{'type':'integer','minimum':-3,'maximum':1200},'uniqueItems':true,'minItems':5}",
        "{'type':'array','items':{'anyOf':[{'enum':[1,2]},{'type':'string','pattern':'^a*$'}]},'uniqueItems':true,'minItems':4}",
        // What must be repeated is, where the text is read so.
        "{'anyOf':[{'type':'array','items':{'type':'string','pattern':'^x'},'uniqueItems':true},{'type':'array','items':{'enum':['y','x']},'minItems':5}]}",
        "{'type':'array','items':{'type':'string','format':'date'},'uniqueItems':true,'minItems':2,'maxItems':4}",
    ];

    [Theory]
    [InlineData(Texts, "[]|['a']|['a','b']|['a','A','']", "['a','a']|['a','b','a']|['','']|['a','b','c','b']|['\\n','\\n']")]
    [InlineData("{'items':{'type':['string','integer','boolean']},'uniqueItems':true,'type':'array'}", "['1',1,true,'true']|[1,10,100]", "[1,2,1]|[true,'true',true]|['1',1,'1']")]
    [InlineData("{'type':'array','items':{'type':'array','items':{'type':'integer'},'uniqueItems':true}}", "[[1,2],[1,2],[1]]|[[],[]]", "[[1,2],[1,1]]")]
    [InlineData("{'type':'array','items':{'type':'string','minLength':100},'uniqueItems':true,'maxItems':1}", "[]", "['a']")]
    [InlineData("{'anyOf':[{'type':'array','items':{'type':['string','integer']},'uniqueItems':true},{'type':'array','items':{'enum':['a',1]},'minItems':2}]}",
        "['a']|['a','a']|['a',1,1]|[1,1,'a']|['a','b']", "['b','b']|['a','a','b']|[1,1,2]|['b','a','a']|[2,1,1]")]
    [InlineData("{'anyOf':[{'properties':{'a':{'items':{'type':'string'},'uniqueItems':true,'type':'array'},'t':{'const':1}},'required':['t']},{'properties':{'a':{'type':'array'},'t':{'const':2}},'required':['t']}],"
        + "'type':'object','additionalProperties':false,'properties':{'a':{},'t':{}}}",
        "{'a':['x','y'],'t':1}|{'a':['x','x'],'t':2}|{'a':['x',['x']],'t':2}", "{'a':['x','x'],'t':1}|{'a':['x','y','x'],'t':1}|{'a':[['x']],'t':1}")]
    [InlineData("{'properties':{'a':{'type':'array','items':{'type':'string'},'uniqueItems':true},'b':{'type':'array'}},'type':'object','additionalProperties':false}",
        "{'a':['x','y'],'b':['x','x']}|{'a':['[',']']}", "{'a':['x','x'],'b':[]}|{'a':['[','[']}")]
    public void ItemsComeOnceEach(string schema, string valid, string invalid)
    {
        foreach (JsonSchemaGrammarOptions options in new[] { JsonSchemaGrammarOptions.Reading, new() { IsCompact = true }, new() { AllowWhiteSpace = true } })
        {
            Grammar grammar = SchemaRun.Compile(schema, options);
            Assert.All(valid.Split('|'), text => Assert.True(grammar.Accepts(text), text));
            Assert.All(invalid.Split('|'), text => Assert.False(grammar.Accepts(text), text));
        }
    }

    [Theory]
    [InlineData("['a', '\\u0061']")]
    [InlineData("[1, 1.0]")]
    [InlineData("[10, 1e1]")]
    [InlineData("[0, -0.0]")]
    [InlineData("[1.5 ,15e-1 ]")]
    [InlineData("[\n'a'\n,\n'a'\n]")]
    public void ItemsAreComparedByWhatTheyMeanWhereSomebodyElseHasWrittenThem(string text)
    {
        Grammar grammar = SchemaRun.Compile("{'type':'array','items':{'type':['string','number']},'uniqueItems':true}", JsonSchemaGrammarOptions.Reading);
        Assert.False(grammar.Accepts(text));
        Assert.True(grammar.Accepts("['a', 'A', '\\u0062', 1, 1.5, 1e99]"));
    }

    [Theory]
    [MemberData(nameof(Schemas))]
    public void WhatIsWrittenHasDistinctItemsAndComesToAnEnd(string schema)
    {
        Random random = new(7);
        GrammarVocabulary vocabulary = Vocabulary(random);
        Grammar grammar = SchemaRun.Compile(schema);
        SchemaOracle oracle = new(JsonElement.Parse(SchemaRun.Json(schema)));
        int written = 0;
        for (int walk = 0; walk < 40; walk++)
        {
            GrammarMatcher matcher = vocabulary.CreateMatcher(grammar);
            StringBuilder text = new();
            for (int step = 0; step < 120 && !matcher.IsFinished; step++)
            {
                int[] allowed = Allowed(matcher, vocabulary);
                Assert.True(allowed.Length > 0, $"A dead end after {text}");
                if (walk < 8)
                    Assert.Equal(TakenOneByOne(matcher, vocabulary), allowed);
                int token = allowed[random.Next(allowed.Length)];
                Assert.True(matcher.TryAdvance(token));
                text.Append(Encoding.UTF8.GetString(vocabulary.Vocabulary.TextBytesOf(token)));
            }

            if (!matcher.IsComplete)
                continue;
            written++;
            Assert.True(oracle.IsValid(JsonElement.Parse(text.ToString())), text.ToString());
            Assert.True(grammar.Accepts(Encoding.UTF8.GetBytes(text.ToString())), text.ToString());
        }

        Assert.True(written > 10, $"{written} texts");
    }

    [Fact]
    public void ATextThatSomebodyElseHasWrittenIsMaskedAlike()
    {
        Random random = new(9);
        GrammarVocabulary vocabulary = Vocabulary(random);
        Grammar grammar = SchemaRun.Compile("{'type':'array','items':{'type':['string','number']},'uniqueItems':true}", JsonSchemaGrammarOptions.Reading);
        for (int walk = 0; walk < 10; walk++)
        {
            GrammarMatcher matcher = vocabulary.CreateMatcher(grammar);
            for (int step = 0; step < 30 && !matcher.IsFinished; step++)
            {
                int[] allowed = Allowed(matcher, vocabulary);
                Assert.Equal(TakenOneByOne(matcher, vocabulary), allowed);
                if (allowed.Length == 0)
                    break;
                Assert.True(matcher.TryAdvance(allowed[random.Next(allowed.Length)]));
            }
        }
    }

    [Fact]
    public void AValueOfWhichOnlyUsedOnesRemainIsNotBegun()
    {
        Grammar grammar = SchemaRun.Compile("{'type':'array','items':{'type':'string','pattern':'^(aa|ab|b.*)$'},'uniqueItems':true}", new JsonSchemaGrammarOptions { IsCompact = true });
        GrammarMatcher matcher = Vocabulary(new Random(1)).CreateMatcher(grammar);
        Assert.True(matcher.TryAdvance("[\"aa\",\"ab\",\""u8));
        Assert.False(matcher.TryAdvance("a"u8));
        Assert.True(matcher.TryAdvance("b\",\"ba\""u8));
        Assert.False(matcher.TryAdvance(",\"b\""u8));
        Assert.False(matcher.TryAdvance(",\"a"u8));
        Assert.True(matcher.TryAdvance(",\"bb\"]"u8));
    }

    [Theory]
    [InlineData("{'type':'array','items':{'type':'string','pattern':'^[ab]{2}$'},'uniqueItems':true,'minItems':5}")]
    [InlineData("{'type':'array','items':{'type':'string','pattern':'^[ab]*$','maxLength':2},'uniqueItems':true,'minItems':8}")]
    public void MoreDistinctItemsThanThereAreCannotBe(string schema) => Assert.Empty(SchemaRun.Compile(schema).Machine.Root.Items);

    [Theory]
    [InlineData("{'type':'array','items':{'type':'number'},'uniqueItems':true}")]
    [InlineData("{'type':'array','items':{'type':'object'},'uniqueItems':true}")]
    [InlineData("{'type':'array','uniqueItems':true}")]
    [InlineData("{'type':'array','items':{'type':'string'},'prefixItems':[{'const':'a'}],'uniqueItems':true}")]
    [InlineData("{'type':'array','items':{'type':'string','pattern':'^a*$','maxLength':100},'uniqueItems':true,'minItems':101}")]
    public void WhatCannotBeToldApartIsRefused(string schema) =>
        Assert.Equal("uniqueItems", Assert.Throws<JsonSchemaNotSupportedException>(() => SchemaRun.Compile(schema)).Keyword);

    [Fact]
    public void ThousandsOfItemsAreJudgedQuickly()
    {
        Grammar grammar = SchemaRun.Compile("{'type':'array','items':{'type':'integer'},'uniqueItems':true}", JsonSchemaGrammarOptions.Reading);
        string items = string.Join(',', Enumerable.Range(0, 50_000));
        Assert.True(grammar.Accepts($"[{items}]"));
        Assert.False(grammar.Accepts($"[{items},7]"));
    }

    private static GrammarVocabulary Vocabulary(Random random)
    {
        string[] texts = ["<end>", "<control>", "{", "}", "\"", ", ", ": ", ",", " ", "]", "[", "\\", "n", "c", "null", "true", "12", "0", "-", ".5", "e1", "\"tags", "ids", "\", \"", "\"]", ", \"a\"", "1, 1", "[\"a\", \"a\"", "[1, 2", "], [", "1, 2]",
            "\"a\"", "a\", \"b", "[[", "u0061", "20", "-01", "-1", "é", "\r", "abc", "\": [\"",
            .. Enumerable.Range(0x20, 0x5F).Select(character => ((char)character).ToString()),
            .. Enumerable.Range(0, 200).Select(_ => new string([.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => "ab\",1] "[random.Next(7)])]))];
        return GrammarVocabulary.Create([ReadOnlyMemory<byte>.Empty, ReadOnlyMemory<byte>.Empty, .. texts[2..].Select(text => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(text))], [0]);
    }

    private static int[] Allowed(GrammarMatcher matcher, GrammarVocabulary vocabulary)
    {
        ulong[] mask = new ulong[matcher.MaskLength];
        matcher.WriteMask(mask);
        return [.. Enumerable.Range(0, vocabulary.TokenCount).Where(token => EmbeddedLlm.Tokens.TokenMask.Contains(mask, token))];
    }

    private static int[] TakenOneByOne(GrammarMatcher matcher, GrammarVocabulary vocabulary) =>
        [.. Enumerable.Range(0, vocabulary.TokenCount).Where(token => matcher.Fork().TryAdvance(token))];
}
