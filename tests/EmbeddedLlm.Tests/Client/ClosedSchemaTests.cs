using System.Text.Json;
using EmbeddedLlm.Client;

namespace EmbeddedLlm.Tests.Client;

public sealed class ClosedSchemaTests
{
    [Theory]
    [InlineData("""{"type":"object","properties":{"a":{}},"required":["a"]}""", """{"type":"object","properties":{"a":{}},"required":["a"],"additionalProperties":false}""")]
    [InlineData("""{"items":{"properties":{"a":{"properties":{}}}}}""", """{"items":{"properties":{"a":{"properties":{},"additionalProperties":false}},"additionalProperties":false}}""")]
    [InlineData("""{"$defs":{"n":{"properties":{"n":{"$ref":"#/$defs/n"}}}},"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}""", """{"$defs":{"n":{"properties":{"n":{"$ref":"#/$defs/n"}},"additionalProperties":false}},"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}""")]
    [InlineData("""{"properties":{"allOf":{"type":"string"},"properties":{"type":"integer"}}}""", """{"properties":{"allOf":{"type":"string"},"properties":{"type":"integer"}},"additionalProperties":false}""")]
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
    public void WhatCannotBeClosedSafelyStaysAsItIs(string schema) => Assert.Equal(schema, ClosedSchema.Of(JsonElement.Parse(schema)).GetRawText());

    [Fact]
    public void ADeepSchemaIsNoHarm()
    {
        string schema = string.Concat(Enumerable.Repeat("{\"items\":", 200)) + "{\"properties\":{\"a\":{}}}" + new string('}', 200);
        JsonElement deep = JsonElement.Parse(schema, new JsonDocumentOptions { MaxDepth = 1000 });
        Assert.Contains(ClosedSchema.Of(deep).GetRawText(), new[] { schema, schema.Replace("\"a\":{}}", "\"a\":{}},\"additionalProperties\":false", StringComparison.Ordinal) });
    }
}
