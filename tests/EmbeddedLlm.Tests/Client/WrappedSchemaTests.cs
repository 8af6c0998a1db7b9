using System.Text.Json;
using EmbeddedLlm.Client;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

public sealed class WrappedSchemaTests
{
    /// <summary>As <c>GetResponseAsync&lt;T&gt;</c> wraps the schema of a type that is no object.</summary>
    private static JsonElement Wrap(string schema) =>
        JsonElement.Parse($$"""{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"data":{{schema}}},"additionalProperties":false,"required":["data"]}""");

    private static JsonElement Wrap(Type type) => Wrap(ChatResponseFormat.ForJsonSchema(type).Schema!.Value.GetRawText());

    [Fact]
    public void AListOfARecursiveTypeCanBeWritten()
    {
        Grammar grammar = GrammarOf(Wrap(typeof(List<Tree>)));
        Assert.True(grammar.Accepts("""{"data": [{"value": 1, "children": [{"value": 2, "children": []}]}, {"value": 3, "children": []}]}"""u8));
        Assert.False(grammar.Accepts("""{"data": [{"value": 1, "children": [{"value": 2}]}]}"""u8));
    }

    [Fact]
    public void AListOfItselfCanBeWritten()
    {
        Grammar grammar = GrammarOf(Wrap(typeof(Nested)));
        Assert.True(grammar.Accepts("""{"data": [[], [[]]]}"""u8));
        Assert.False(grammar.Accepts("""{"data": [{"data": []}]}"""u8));
    }

    [Theory]
    [InlineData("""{"$schema":"s","items":{"$ref":"#"}}""", """{"$schema":"s","items":{"$ref":"#/properties/data"}}""")]
    [InlineData("""{"$schema":"s","items":{"properties":{"$ref":{"$ref":"#/items"}}}}""", """{"$schema":"s","items":{"properties":{"$ref":{"$ref":"#/properties/data/items"}}}}""")]
    [InlineData("""{"$schema":"s","items":{"properties":{"default":{"$ref":"#/items"}}},"default":{"$ref":"#/items"}}""", """{"$schema":"s","items":{"properties":{"default":{"$ref":"#/properties/data/items"}}},"default":{"$ref":"#/items"}}""")]
    [InlineData("""{"$schema":"s","anyOf":[{"type":"null"},{"$ref":"#/$defs/a"}],"$defs":{"a":{}}}""", """{"$schema":"s","anyOf":[{"type":"null"},{"$ref":"#/properties/data/$defs/a"}],"$defs":{"a":{}}}""")]
    [InlineData("""{"$schema":"s","properties":{"data":{"$ref":"#/properties/data"}}}""", """{"$schema":"s","properties":{"data":{"$ref":"#/properties/data/properties/data"}}}""")]
    [InlineData("""{"$schema":"s","properties":{"data2":{"$ref":"#/properties/data2"}}}""", """{"$schema":"s","properties":{"data2":{"$ref":"#/properties/data/properties/data2"}}}""")]
    public void ReferencesLeadWhereTheyMeantTo(string schema, string led) => Assert.Equal(Wrap(led).GetRawText(), WrappedSchema.Of(Wrap(schema)).GetRawText());

    [Theory]
    [InlineData("""{"items":{"$ref":"#"}}""")]
    [InlineData("""{"$schema":"s","$id":"http://example.test/a","items":{"$ref":"#"}}""")]
    [InlineData("""{"$schema":"s","items":{"$ref":"#/properties/data"}}""")]
    [InlineData("""{"$schema":"s","items":{"$ref":"#/properties/data/items"}}""")]
    [InlineData("""{"$schema":"s","items":{"$ref":"#anchor"}}""")]
    [InlineData("""{"$schema":"s","items":{"$ref":"other.json#/items"}}""")]
    [InlineData("""{"$schema":"s","items":{"const":{"$ref":"#/items"}}}""")]
    [InlineData("""{"$schema":"s","items":{},"items":{"$ref":"#"}}""")]
    [InlineData("true")]
    public void WhatMeansWhatItSaysStaysAsItIs(string schema) => Assert.Equal(Wrap(schema).GetRawText(), WrappedSchema.Of(Wrap(schema)).GetRawText());

    [Theory]
    [InlineData("""{"properties":{"\ud800":{}}}""")]
    [InlineData("""{"properties":{"data":{"$schema":"s","items":{"$ref":"#\ud800"}}}}""")]
    [InlineData("""{"properties":{"data":{"$schema":"s","\ud800":{"$ref":"#"}}}}""")]
    public void TextThatIsNoUnicodeIsLeftToTheGrammar(string schema)
    {
        Assert.Equal(schema, WrappedSchema.Of(JsonElement.Parse(schema)).GetRawText());
        Assert.Throws<GrammarException>(() => GrammarOf(JsonElement.Parse(schema)));
    }

    [Fact]
    public void WhatIsNotWrappedStaysAsItIs()
    {
        JsonElement schema = JsonElement.Parse("""{"properties":{"data":{"$schema":"s","items":{"$ref":"#"}},"more":{}}}""");
        Assert.Equal(schema.GetRawText(), WrappedSchema.Of(schema).GetRawText());
        Assert.Equal("true", WrappedSchema.Of(JsonElement.Parse("true")).GetRawText());
    }

    private static Grammar GrammarOf(JsonElement schema) => RequestMapper.GrammarOf(new() { ResponseFormat = ChatResponseFormat.ForJsonSchema(schema) }, null, null)!;

    private sealed record Tree(int Value, Tree[] Children);

    private sealed class Nested : List<Nested>;
}
