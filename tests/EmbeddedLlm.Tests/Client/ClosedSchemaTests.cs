using System.Text.Json;
using System.Text.Json.Serialization;
using EmbeddedLlm.Client;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

public sealed class ClosedSchemaTests
{
    [Theory]
    [InlineData("""{"type":"object","properties":{"a":{}},"required":["a"]}""", """{"type":"object","properties":{"a":{}},"required":["a"],"additionalProperties":false}""")]
    [InlineData("""{"items":{"properties":{"a":{"properties":{}}}}}""", """{"items":{"properties":{"a":{"properties":{},"additionalProperties":false}},"additionalProperties":false}}""")]
    [InlineData("""{"$defs":{"n":{"properties":{"n":{"$ref":"#/$defs/n"}}}},"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}""", """{"$defs":{"n":{"properties":{"n":{"$ref":"#/$defs/n"}},"additionalProperties":false}},"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}""")]
    [InlineData("""{"properties":{"allOf":{"type":"string"},"properties":{"type":"integer"}}}""", """{"properties":{"allOf":{"type":"string"},"properties":{"type":"integer"}},"additionalProperties":false}""")]
    [InlineData("""{"properties":{"a":{"type":"string","not":{"enum":["x"]}}}}""", """{"properties":{"a":{"type":"string","not":{"enum":["x"]}}},"additionalProperties":false}""")]
    [InlineData("""{"properties":{"a":{"oneOf":[{"properties":{"b":{}}},{"type":"null"}]}}}""", """{"properties":{"a":{"oneOf":[{"properties":{"b":{}}},{"type":"null"}]}},"additionalProperties":false}""")]
    [InlineData("""{"required":["k"],"anyOf":[{"properties":{"k":{"const":1}}},{"properties":{"k":{"const":2},"b":{}},"required":["b"]},{"type":"null"}]}""", """{"required":["k"],"anyOf":[{"properties":{"k":{"const":1}},"additionalProperties":false},{"properties":{"k":{"const":2},"b":{}},"required":["b"],"additionalProperties":false},{"type":"null"}]}""")]
    public void ObjectsThatNamePropertiesHaveNoOthers(string schema, string closed) => Assert.Equal(closed, ClosedSchema.Of(JsonElement.Parse(schema)).GetRawText());

    [Theory]
    [InlineData("true")]
    [InlineData("""{"type":"object"}""")]
    [InlineData("""{"properties":{"a":{}},"additionalProperties":{"type":"string"}}""")]
    [InlineData("""{"properties":{"a":{}},"required":["b"]}""")]
    [InlineData("""{"properties":{"a":{}},"minProperties":2}""")]
    [InlineData("""{"allOf":[{"properties":{"a":{}}},{"properties":{"b":{}},"required":["b"]}]}""")]
    [InlineData("""{"oneOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]}""")]
    [InlineData("""{"properties":{"a":{}},"anyOf":[{"properties":{"b":{}}}]}""")]
    [InlineData("""{"$ref":"#/$defs/n","properties":{"a":{}},"$defs":{"n":{"properties":{"b":{}}}}}""")]
    [InlineData("""{"properties":{"a":{}},"patternProperties":{"^x":{}}}""")]
    [InlineData("""{"properties":{"a":1,"a":2}}""")]
    [InlineData("""{"required":["k"],"anyOf":[{"properties":{"k":{}}},{"properties":{"a":{}}}]}""")]
    [InlineData("""{"required":["k"],"anyOf":[{"properties":{"k":{}}},{"type":["object","null"]}]}""")]
    [InlineData("""{"required":["k"],"anyOf":[{"$ref":"#/$defs/n"}],"$defs":{"n":{"properties":{"a":{}}}}}""")]
    [InlineData("""{"enum":[{"b":1}],"anyOf":[{"properties":{"a":{}}},{"type":"string"}]}""")]
    [InlineData("""{"minProperties":2,"anyOf":[{"properties":{"a":{}}}]}""")]
    [InlineData("""{"$ref":"#/$defs/n","const":{"b":1},"$defs":{"n":{"properties":{"a":{}}}}}""")]
    [InlineData("""{"properties":{"a":{"allOf":[{"$ref":"#/$defs/n"},{"required":["b"]}]}},"$defs":{"n":{"properties":{"a":{}}}}}""")]
    public void WhatCannotBeClosedSafelyStaysAsItIs(string schema) => Assert.Equal(schema, ClosedSchema.Of(JsonElement.Parse(schema)).GetRawText());

    /// <summary>As System.Text.Json writes the schema of a type with derived ones, beside which a reader takes no other property.</summary>
    [Fact]
    public void ThePolymorphicTypesOfDotNetAreClosed()
    {
        Grammar grammar = Grammar.FromJsonSchema(ClosedSchema.Of(AIJsonUtilities.CreateJsonSchema(typeof(Drawing))));
        Assert.True(grammar.Accepts("""{"shapes": [{"$type": "circle", "radius": 1, "name": "a"}, {"$type": "square", "side": 2, "inner": {"$type": "circle", "radius": 1, "name": "a"}, "name": "b"}]}"""u8));
        Assert.False(grammar.Accepts("""{"shapes": [{"$type": "circle", "radius": 1, "name": "a", "age": 2}]}"""u8));
        Assert.False(grammar.Accepts("""{"shapes": [], "age": 2}"""u8));
    }

    private sealed record Drawing(Shape[] Shapes);

    [JsonDerivedType(typeof(Circle), "circle")]
    [JsonDerivedType(typeof(Square), "square")]
    private abstract record Shape(string Name);

    private sealed record Circle(string Name, int Radius) : Shape(Name);

    private sealed record Square(string Name, int Side, Shape? Inner) : Shape(Name);

    [Fact]
    public void ADeepSchemaIsNoHarm()
    {
        string schema = string.Concat(Enumerable.Repeat("{\"items\":", 200)) + "{\"properties\":{\"a\":{}}}" + new string('}', 200);
        JsonElement deep = JsonElement.Parse(schema, new JsonDocumentOptions { MaxDepth = 1000 });
        Assert.Contains(ClosedSchema.Of(deep).GetRawText(), new[] { schema, schema.Replace("\"a\":{}}", "\"a\":{}},\"additionalProperties\":false", StringComparison.Ordinal) });
    }
}
