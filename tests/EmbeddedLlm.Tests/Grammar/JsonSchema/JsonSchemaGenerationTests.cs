using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Grammars;

public sealed class JsonSchemaGenerationTests
{
    private const string Three = "{'type':'object','properties':{'c':{'type':'integer'},'a':{'type':'string'},'b':{}},'required':['a']}";

    [Theory]
    [InlineData("{'c': 1, 'a': 'x', 'b': null}", true)]
    [InlineData("{'a': 'x'}", true)]
    [InlineData("{'a': 'x', 'z': 1, 'y': []}", true)]
    [InlineData("{'a': 'x', 'c': 1}", false)]
    [InlineData("{'z': 1, 'a': 'x'}", false)]
    [InlineData("{'c': 1, 'b': 2}", false)]
    [InlineData("{ 'a': 'x'}", false)]
    [InlineData("{'a':'x'}", false)]
    [InlineData("{'a':  'x'}", false)]
    [InlineData("{'c': 1,'a': 'x'}", false)]
    public void PropertiesComeOnOneLineAndInTheSchemasOrder(string text, bool isAccepted) =>
        Assert.Equal(isAccepted, SchemaRun.Compile(Three).Accepts(text));

    [Theory]
    [InlineData("{'c':1,'a':'x','b':[1,2]}", true)]
    [InlineData("{'a': 'x'}", false)]
    public void ThereIsNoSpaceWhereCompactTextIsAskedFor(string text, bool isAccepted) =>
        Assert.Equal(isAccepted, SchemaRun.Compile(Three, new JsonSchemaGrammarOptions { IsCompact = true }).Accepts(text));

    [Fact]
    public void PropertiesComeInAnyOrderWhereThatIsAskedFor()
    {
        Grammar grammar = SchemaRun.Compile(Three, new JsonSchemaGrammarOptions { AnyPropertyOrder = true });
        Assert.True(grammar.Accepts("{'z': 1, 'a': 'x', 'c': 1}"));
        Assert.False(grammar.Accepts("{'z': 1, 'c': 1}"));
    }

    [Fact]
    public void ARequiredPropertyCannotBeSkipped()
    {
        Grammar grammar = SchemaRun.Compile(Three);
        Assert.True(grammar.Machine.Root.AllowsAfter("{'c': 1, '"));
        Assert.False(grammar.Machine.Root.AllowsAfter("{'c': 1, 'b"));
    }

    [Theory]
    [InlineData("{'type':'object','properties':{'a':{'type':'string','required':true},'b':{'type':'string','required':false}}}")]
    [InlineData("{'type':'object','required':['a'],'properties':{'a':{'type':'string','required':true},'b':{'type':'string'}}}")]
    public void APropertyMaySayOfItselfThatItIsRequired(string schema)
    {
        Grammar grammar = SchemaRun.Compile(schema);
        Assert.True(grammar.Accepts("{'a': 'x'}"));
        Assert.False(grammar.Accepts("{}"));
        Assert.False(grammar.Accepts("{'b': 'x'}"));
    }

    [Fact]
    public void AnObjectMaySayOfItselfThatItIsRequired()
    {
        Grammar grammar = SchemaRun.Compile("{'type':'object','properties':{'o':{'type':'object','required':true,'properties':{'a':{'type':'integer'}}}}}");
        Assert.True(grammar.Accepts("{'o': {}}"));
        Assert.True(grammar.Accepts("{'o': {'a': 1}}"));
        Assert.False(grammar.Accepts("{}"));
    }

    [Fact]
    public void APropertyWithoutAnyValueIsNeverBegun()
    {
        Grammar grammar = SchemaRun.Compile(
            "{'type':'object','properties':{'n':{'$ref':'#/$defs/b'},'m':{'type':'null'}},'$defs':{'b':{'type':'array','items':{'$ref':'#/$defs/b'},'minItems':1}}}");
        Assert.False(grammar.Machine.Root.AllowsAfter("{'n'"));
        Assert.True(grammar.Machine.Root.AllowsAfter("{'m'"));
        Assert.True(grammar.Machine.Root.AllowsAfter("{'nn'"));
    }

    [Fact]
    public void AWhiteSpaceRunEndsWhereTextIsGenerated()
    {
        Grammar grammar = SchemaRun.Compile("{}", new JsonSchemaGrammarOptions { AllowWhiteSpace = true });
        Assert.True(grammar.Accepts($"[{new string(' ', 64)}1 ]"));
        Assert.False(grammar.Machine.Root.AllowsAfter($"[{new string(' ', 65)}"));
    }

    [Theory]
    [InlineData("date-time", typeof(DateTimeOffset))]
    [InlineData("date-time", typeof(DateTime))]
    [InlineData("date", typeof(DateOnly))]
    public void DatesAreWrittenAsDotNetReadsThem(string format, Type type)
    {
        Grammar grammar = SchemaRun.Compile($"{{'type':'string','format':'{format}'}}");
        Random random = new(11);
        for (int i = 0; i < 40; i++)
        {
            byte[] text = SchemaRun.Write(grammar, random)!;
            Assert.NotNull(JsonSerializer.Deserialize(text, type));
        }
    }

    [Theory]
    [InlineData("'0000-01-01T00:00:00Z'")]
    [InlineData("'2020-01-01t00:00:00Z'")]
    [InlineData("'2020-01-01T00:00:00z'")]
    [InlineData("'1998-12-31T23:59:60Z'")]
    [InlineData("'2020-01-01T00:00:00+14:01'")]
    [InlineData("'0001-01-01T00:00:00+01:00'")]
    [InlineData("'9999-12-31T23:59:59-01:00'")]
    [InlineData("'2020-01-01T00:00:00.12345678901234567Z'")]
    public void ADateTimeThatDotNetCannotReadIsOnlyReadWhereSomebodyElseHasWrittenIt(string text)
    {
        Assert.ThrowsAny<JsonException>(() => JsonSerializer.Deserialize<DateTimeOffset>(SchemaRun.Json(text)));
        const string Schema = "{'type':'string','format':'date-time'}";
        Assert.False(SchemaRun.Compile(Schema).Accepts(text));
        Assert.True(SchemaRun.Compile(Schema, JsonSchemaGrammarOptions.Reading).Accepts(text));
        // It is one nevertheless.
        Assert.False(SchemaRun.Compile("{'type':'string','not':{'format':'date-time'}}").Accepts(text));
        Assert.False(SchemaRun.Compile("{'type':'string','oneOf':[{'format':'date-time'},{'minLength':3}]}").Accepts(text));
    }

    [Theory]
    [InlineData("{'format':'date-time','enum':['1998-12-31T23:59:60Z','1998-12-31T23:59:59Z']}", "'1998-12-31T23:59:60Z'")]
    [InlineData("{'type':'string','format':'date-time','pattern':':60Z$'}", "'1998-12-31T23:59:60Z'")]
    public void ADateTimeThatDotNetCannotReadIsWrittenWhereItIsAskedFor(string schema, string text) => Assert.True(SchemaRun.Compile(schema).Accepts(text));

    private const string TimeSpanSchema = @"{'type':'string','pattern':'^-?(\\d+\\.)?\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,7})?$'}";

    [Fact]
    public void TimeSpansAreWrittenAsDotNetReadsThem()
    {
        Assert.Equal(JsonElement.Parse(SchemaRun.Json(TimeSpanSchema)).GetProperty("pattern").GetString(), AIJsonUtilities.CreateJsonSchema(typeof(TimeSpan)).GetProperty("pattern").GetString());
        Grammar grammar = SchemaRun.Compile(TimeSpanSchema);
        Random random = new(12);
        for (int i = 0; i < 40; i++)
            JsonSerializer.Deserialize<TimeSpan>(SchemaRun.Write(grammar, random)!);
        Assert.All(["'00:00:00'", "'-1.23:59:59.5'", "'9999999.23:59:59.9999999'"], text => Assert.True(grammar.Accepts(text)));
    }

    [Theory]
    [InlineData("'24:00:00'")]
    [InlineData("'00:60:00'")]
    [InlineData("'00:00:98.5'")]
    [InlineData("'99999999.00:00:00'")]
    public void ATimeSpanThatDotNetCannotReadIsOnlyReadWhereSomebodyElseHasWrittenIt(string text)
    {
        Assert.ThrowsAny<JsonException>(() => JsonSerializer.Deserialize<TimeSpan>(SchemaRun.Json(text)));
        Assert.False(SchemaRun.Compile(TimeSpanSchema).Accepts(text));
        Assert.True(SchemaRun.Compile(TimeSpanSchema, JsonSchemaGrammarOptions.Reading).Accepts(text));
    }

    [Theory]
    [InlineData("{'type':'string','format':'date'}", "'0000-12-30'", typeof(DateOnly))]
    [InlineData("{'type':'string','format':'uri'}", "'E:#'", typeof(Uri))]
    [InlineData("{'type':'string','format':'uri-reference'}", "'E:a'", typeof(Uri))]
    [InlineData(@"{'type':'string','pattern':'^\\d+(\\.\\d+){1,3}$'}", "'2147483648.1'", typeof(Version))]
    [InlineData("{'type':'string','contentEncoding':'base64'}", "'ab!='", typeof(byte[]))]
    [InlineData("{'type':['string','null'],'contentEncoding':'BASE64'}", "'YQ'", typeof(byte[]))]
    public void WhatDotNetCannotReadIsOnlyReadWhereSomebodyElseHasWrittenIt(string schema, string text, Type type)
    {
        Assert.ThrowsAny<JsonException>(() => JsonSerializer.Deserialize(SchemaRun.Json(text), type));
        Grammar grammar = SchemaRun.Compile(schema);
        Assert.False(grammar.Accepts(text));
        Assert.True(SchemaRun.Compile(schema, JsonSchemaGrammarOptions.Reading).Accepts(text));
        Random random = new(13);
        for (int i = 0; i < 40; i++)
            JsonSerializer.Deserialize(SchemaRun.Write(grammar, random)!, type);
    }

    [Theory]
    [InlineData("{'type':'string','contentEncoding':'base64','minLength':1,'maxLength':3}", "'abc'")]
    [InlineData("{'contentEncoding':'base64','enum':['a','YQ==']}", "'a'")]
    [InlineData("{'type':'string','contentEncoding':'quoted-printable'}", "'a=3D'")]
    [InlineData("{'contentEncoding':'base64'}", "[1]")]
    [InlineData("{'type':'string','not':{'contentEncoding':'base64','minLength':3}}", "'a'")]
    [InlineData("{'anyOf':[{'type':'string','contentEncoding':'base64'},{'type':'string'}]}", "'a'")]
    public void AnEncodingStandsInTheWayOfNothingElse(string schema, string text) => Assert.True(SchemaRun.Compile(schema).Accepts(text));

    [Theory]
    [InlineData("''")]
    [InlineData("'YQ=='")]
    [InlineData("'YWI='")]
    [InlineData("'AP8/+/8='")]
    public void BytesAreWrittenInBase64(string text) => Assert.True(SchemaRun.Compile("{'type':'string','contentEncoding':'base64'}").Accepts(text));

    [Fact]
    public void ConstantsHaveOneSpelling()
    {
        Grammar grammar = SchemaRun.Compile("{'enum':['a/b',1]}");
        Assert.True(grammar.Accepts("'a/b'"));
        Assert.False(grammar.Accepts(@"'a\/b'"));
        Assert.False(grammar.Accepts("1.0"));
    }

    [Fact]
    public void ASchemaWithoutInstancesAcceptsNothing()
    {
        Grammar grammar = SchemaRun.Compile("{'type':'object','required':['a'],'properties':{'a':false}}");
        Assert.False(grammar.Accepts("{}"));
        Assert.Empty(grammar.Machine.Root.Items);
    }

    [Theory]
    [InlineData("{'type':'array','minItems':2,'maxItems':3,'items':{'$ref':'#/$defs/v'},'contains':{'const':7},'$defs':{'v':{'enum':[1,7,[2]]}}}")]
    [InlineData("{'type':'object','properties':{'a':{},'b':{},'c':{},'d':{}},'dependentRequired':{'a':['c'],'d':['b']},'minProperties':2,'maxProperties':3,'additionalProperties':false}")]
    [InlineData("{'type':'object','maxProperties':2,'not':{'patternProperties':{'^x':{'type':'integer'}}},'required':['a']}")]
    [InlineData("{'type':'array','allOf':[{'contains':{'multipleOf':2}},{'contains':{'multipleOf':3}}],'maxItems':2,'items':{'enum':[1,2,3,4,6]}}")]
    [InlineData("{'type':'string','pattern':'^(ab|cd){2,3}$','minLength':5,'maxLength':6}")]
    [InlineData("{'type':'integer','minimum':1234,'maximum':56789,'not':{'multipleOf':7}}")]
    [InlineData("{'type':'array','items':{'enum':[1,2,3]},'uniqueItems':true,'minItems':3}")]
    [InlineData("{'anyOf':[{'type':'object','required':['a'],'properties':{'a':{'$ref':'#'}}},{'type':'array','items':{'$ref':'#'},'maxItems':2},{'const':'end'}]}")]
    [InlineData("{'oneOf':[{'type':'object','properties':{'a':{'type':'integer'}}},{'type':'object','properties':{'b':{'type':'integer'}}}]}")]
    public void WhatIsWrittenAtRandomNeverComesToADeadEndAndFits(string schema)
    {
        Grammar reader = SchemaRun.Compile(schema, JsonSchemaGrammarOptions.Reading);
        foreach (JsonSchemaGrammarOptions options in (ReadOnlySpan<JsonSchemaGrammarOptions>)[
            JsonSchemaGrammarOptions.Default, JsonSchemaGrammarOptions.Reading, new() { AnyPropertyOrder = true }])
        {
            Grammar grammar = SchemaRun.Compile(schema, options);
            Random random = new(17);
            int written = 0;
            for (int i = 0; i < 100; i++)
            {
                if (SchemaRun.Write(grammar, random) is not { } text)
                    continue;
                written++;
                Assert.True(reader.Accepts(text), Encoding.UTF8.GetString(text));
                using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 1_000 });
                using JsonDocument schemaDocument = JsonDocument.Parse(SchemaRun.Json(schema));
                Assert.True(new SchemaOracle(schemaDocument.RootElement).IsValid(document.RootElement), Encoding.UTF8.GetString(text));
            }

            Assert.True(written > 20, $"{written} texts");
        }
    }
}
