using System.Text;
using System.Text.Json;

namespace EmbeddedLlm.Tests.Grammars;

/// <summary>Where a schema names all keys its automata alone repeat none, and nothing has to follow the text beside them.</summary>
public sealed class NamedKeysTests
{
    private static readonly JsonDocumentOptions s_unique = new() { AllowDuplicateProperties = false };

    public static TheoryData<string> Named =>
    [
        "{'type':'integer'}",
        "{'type':'array','items':{'type':'object','properties':{'a':{'type':'integer'},'b':{'enum':[1,2]}},'additionalProperties':false}}",
        "{'anyOf':[{'type':'object','properties':{'a':{'type':'integer'},'b':{'const':1}},'additionalProperties':false},{'type':'object','properties':{'b':{'const':1},'a':{'type':'null'}},'additionalProperties':false}]}",
        "{'type':'object','properties':{'a':{'$ref':'#'},'b':{'const':1}},'additionalProperties':false}",
        "{'type':'object','propertyNames':{'enum':['a','b','c']},'patternProperties':{'^a':{'const':1}},'additionalProperties':{'const':2}}",
        "{'type':'object','properties':{'a':{'const':1},'b':{'const':2},'c':{'const':3}},'minProperties':2,'additionalProperties':false}",
        "{'type':'object','properties':{'a':{'const':1}},'allOf':[{'properties':{'b':{'const':2}}}],'unevaluatedProperties':false}",
        "{'type':'object','properties':{'a':{'const':1}},'additionalProperties':{'not':{}}}",
    ];

    [Theory]
    [MemberData(nameof(Named))]
    public void NamedKeysComeOnceWithoutATrail(string schema)
    {
        foreach (JsonSchemaGrammarOptions options in (ReadOnlySpan<JsonSchemaGrammarOptions>)[JsonSchemaGrammarOptions.Default, new() { AnyPropertyOrder = true, AllowWhiteSpace = true }])
        {
            Grammar grammar = SchemaRun.Compile(schema, options);
            Assert.Null(grammar.Trail);
            Random random = new(3);
            for (int i = 0; i < 100; i++)
            {
                if (SchemaRun.Write(grammar, random) is { } text)
                    JsonDocument.Parse(text, s_unique).Dispose();
            }
        }
    }

    [Theory]
    [InlineData("true")]
    [InlineData("{'type':'object'}")]
    [InlineData("{'type':'array'}")]
    [InlineData("{'type':'array','items':{'type':['object','null']}}")]
    [InlineData("{'type':'object','properties':{'a':{'type':'integer'}}}")]
    [InlineData("{'type':'object','properties':{'a':{}},'additionalProperties':false}")]
    [InlineData("{'type':'object','additionalProperties':{'type':'integer'}}")]
    [InlineData("{'type':'object','patternProperties':{'^a':{'type':'integer'}},'additionalProperties':false}")]
    [InlineData("{'type':'object','propertyNames':{'pattern':'^a'}}")]
    [InlineData("{'type':'array','items':{'type':'string'},'uniqueItems':true}")]
    public void OtherKeysAndDistinctItemsAreFollowed(string schema) => Assert.NotNull(SchemaRun.Compile(schema).Trail);

    [Fact]
    public void ATextWhoseKeysAreAllNamedAllocatesNothingPerToken()
    {
        string[] tokens = [.. Enumerable.Range(' ', 95).Select(c => ((char)c).ToString()), "{\"", "name", "\": ", "\": \"", ", \"", "\", \"", "age", "}", "}, {\"", "Ana"];
        GrammarVocabulary vocabulary = GrammarVocabulary.Create([.. tokens.Select(token => new ReadOnlyMemory<byte>(Encoding.UTF8.GetBytes(token))), default], [tokens.Length]);
        Grammar grammar = SchemaRun.Compile("{'type':'array','items':{'type':'object','properties':{'name':{'type':'string'},'age':{'type':'integer'}},'required':['name','age'],'additionalProperties':false}}");
        int[] item = [.. new[] { "name", "\": \"", "Ana", "\", \"", "age", "\": ", "3", "1" }.Select(token => Array.IndexOf(tokens, token))];
        GrammarMatcher matcher = vocabulary.CreateMatcher(grammar);
        ulong[] mask = new ulong[matcher.MaskLength];
        Assert.True(matcher.TryAdvance(Array.IndexOf(tokens, "[")) && matcher.TryAdvance(Array.IndexOf(tokens, "{\"")));
        int next = Array.IndexOf(tokens, "}, {\"");

        Assert.Equal(0, Allocations.Least(10, WriteItems));

        void WriteItems()
        {
            for (int i = 0; i < 20; i++)
            {
                foreach (int token in item)
                    Advance(token);
                Advance(next);
            }
        }

        void Advance(int token)
        {
            matcher.WriteMask(mask);
            if (!matcher.TryAdvance(token))
                throw new InvalidOperationException(tokens[token]);
        }
    }
}
