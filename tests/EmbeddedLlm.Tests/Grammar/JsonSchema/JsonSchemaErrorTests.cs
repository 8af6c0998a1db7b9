using System.Text.Json;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars;

public sealed class JsonSchemaErrorTests
{
    [Theory]
    [InlineData("{'properties':{'a/b':{'type':'array','uniqueItems':true}}}", "/properties/a~1b", "uniqueItems")]
    [InlineData("{'items':{'$ref':'http://example.com/other.json'}}", "/items", "$ref")]
    [InlineData("{'type':'string','pattern':'(a)\\\\1'}", "", "pattern")]
    [InlineData("{'allOf':[{'minProperties':2}]}", "/allOf/0", "minProperties")]
    [InlineData("{'type':'array','not':{'uniqueItems':true}}", "", "not")]
    [InlineData("{'type':['array','null'],'uniqueItems':true,'contains':{'$ref':'#'}}", "", "uniqueItems")]
    [InlineData("{'properties':{'a':{'type':'integer','multipleOf':8721,'not':{'multipleOf':2}}}}", "/properties/a", "not")]
    [InlineData("{'type':'object','allOf':[{'properties':{'a':{'type':'string'}}},{'minProperties':3}]}", "/allOf/1", "minProperties")]
    [InlineData("{'properties':{'a':{'type':'object','not':{'maxProperties':2}}}}", "/properties/a", "not")]
    [InlineData("{'allOf':[{'contains':{'const':'a'}},{'uniqueItems':true}]}", "/allOf/1", "uniqueItems")]
    public void WhatCannotBeEnforcedIsRefusedWithItsPlaceAndKeyword(string schema, string place, string keyword)
    {
        JsonSchemaNotSupportedException e = Assert.Throws<JsonSchemaNotSupportedException>(() => SchemaRun.Compile(schema));
        Assert.Equal(place, e.JsonPointer);
        Assert.Equal(keyword, e.Keyword);
    }

    [Theory]
    [InlineData("{'type':'array','uniqueItems':true,'maxItems':2}", "[1, 1]", "[1, 1, 1]")]
    [InlineData("{'items':{'type':'string','pattern':'(a)\\\\1','maxLength':3}}", "['b']", "['bbbb']")]
    [InlineData("{'type':'object','minProperties':2,'required':['a']}", "{'a': 1}", "{'b': 1}")]
    [InlineData("{'type':'array','maxItems':2,'contains':{'type':'array','uniqueItems':true}}", "[[1, 1], 2]", "[1]")]
    [InlineData("{'type':'object','allOf':[{'properties':{'a':{'type':'string'}}},{'minProperties':3}]}", "{'a': 'x'}", "{'a': 1}")]
    [InlineData("{'type':'object','not':{'maxProperties':2}}", "{'a': 1}", "[]")]
    [InlineData("{'type':'array','allOf':[{'contains':{'const':'a'}},{'uniqueItems':true}]}", "['a', 'a']", "['b']")]
    public void LeniencyLeavesOutTheKeywordAndNothingElse(string schema, string accepted, string refused)
    {
        Grammar grammar = SchemaRun.Compile(schema, new JsonSchemaGrammarOptions { Lenient = true });
        Assert.True(grammar.Accepts(accepted));
        Assert.False(grammar.Accepts(refused));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{'type':'strin'}")]
    [InlineData("{'type':5}")]
    [InlineData("{'properties':[]}")]
    [InlineData("{'properties':{'a':5}}")]
    [InlineData("{'required':'a'}")]
    [InlineData("{'minLength':-1,'type':'string'}")]
    [InlineData("{'minLength':1.5,'type':'string'}")]
    [InlineData("{'multipleOf':0}")]
    [InlineData("{'pattern':'('}")]
    [InlineData("{'enum':5}")]
    [InlineData("{'allOf':[]}")]
    [InlineData("{'$ref':'#/nowhere'}")]
    [InlineData("{'$ref':5}")]
    [InlineData("{'const':'\\ud800'}")]
    [InlineData("{'properties':{'\\ud800':{}}}")]
    [InlineData("{'minimum':1e999999999}")]
    [InlineData("{'$ref':'#'}")]
    [InlineData("{'not':{'$ref':'#'}}")]
    [InlineData("{'allOf':[{'$ref':'#/$defs/a'}],'$defs':{'a':{'allOf':[{'$ref':'#/$defs/b'}]},'b':{'anyOf':[{'type':'null'},{'$ref':'#/$defs/a'}]}}}")]
    public void AMalformedSchemaIsRefused(string schema)
    {
        GrammarException e = Assert.Throws<GrammarException>(() => SchemaRun.Compile(schema));
        Assert.Contains("#", e.Message);
    }

    [Fact]
    public void AnUndefinedElementIsAMisuse() => Assert.Throws<ArgumentException>(() => Grammar.FromJsonSchema(default));

    [Fact]
    public void TheSameSchemaAndOptionsGiveTheSameGrammar()
    {
        JsonSchemaCache cache = new(limit: 2);
        Grammar first = Get("{'type':'string','maxLength':7}", JsonSchemaGrammarOptions.Default);
        Assert.Same(first, Get("{ 'type' : 'string',\n'maxLength' : 7 }", JsonSchemaGrammarOptions.Default));
        Assert.NotSame(first, Get("{'type':'string','maxLength':7}", JsonSchemaGrammarOptions.Reading));
        Get("{'type':'string','maxLength':8}", JsonSchemaGrammarOptions.Default);
        Assert.Equal(2, cache.Count);
        Assert.NotSame(first, Get("{'type':'string','maxLength':7}", JsonSchemaGrammarOptions.Default));

        Grammar Get(string schema, JsonSchemaGrammarOptions options)
        {
            using JsonDocument document = JsonDocument.Parse(SchemaRun.Json(schema));
            return cache.Get(document.RootElement, options);
        }
    }

    [Fact]
    public void AnyJsonIsAnyValueAndTheOtherOneAnObjectOrAnArray()
    {
        Assert.True(Grammar.AnyJson.Accepts("1"));
        Assert.True(Grammar.AnyJson.Accepts("{'a': [null, true, 1.5]}"));
        Assert.False(Grammar.AnyJson.Accepts("{'a':}"));
        Assert.True(Grammar.JsonObjectOrArray.Accepts("[{}]"));
        Assert.False(Grammar.JsonObjectOrArray.Accepts("1"));
    }

    [Fact]
    public void ValuesMayBeNestedWithoutEnd()
    {
        string text = $"{new string('[', 100_000)}{new string(']', 100_000)}";
        Assert.True(Grammar.AnyJson.Accepts(text));
        Assert.False(Grammar.AnyJson.Accepts(text[..^1]));
    }
}
