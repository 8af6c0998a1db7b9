using System.ComponentModel;
using System.Text.Json;
using EmbeddedLlm.Client;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

public sealed class AnswerDescriptionTests
{
    private const string Plain = """{"type": "object", "properties": {"description": {"type": "string"}}}""";
    private const string Described = """{"anyOf": [{"type": "object", "properties": {"a": {"type": "string", "description": "the name, ä"}}}]}""";

    [Fact]
    public void ASchemaWithADescriptionIsPutIntoWords() => Assert.Equal(
        """
        Answer with JSON that fits this schema of 'Person':
        {"anyOf":[{"type":"object","properties":{"a":{"type":"string","description":"the name, ä"}}}]}
        """.ReplaceLineEndings("\n"),
        Of(Described, name: "Person"));

    [Fact]
    public void ASchemaWithoutIsNotUnlessAskedFor()
    {
        Assert.Null(Of(Plain, name: "Person"));
        Assert.StartsWith("Answer with JSON that fits this schema of 'Person':\n{", Of(Plain, name: "Person", wanted: true), StringComparison.Ordinal);
        Assert.Null(Of(Described, wanted: false));
    }

    [Fact]
    public void TheSchemasOwnDescriptionIsSaid() => Assert.StartsWith("Answer with JSON that fits this schema of 'P' (a person):\n", Of(Plain, "P", "a person"), StringComparison.Ordinal);

    [Fact]
    public void OtherFormatsNeedNoWords()
    {
        EmbeddedChatOptions wanted = new() { DescribeResponseFormat = true };
        Assert.Null(AnswerDescription.Of(null, wanted));
        Assert.Null(AnswerDescription.Of(new ChatOptions { ResponseFormat = ChatResponseFormat.Json }, wanted));
        Assert.Null(AnswerDescription.Of(new ChatOptions { ResponseFormat = ChatResponseFormat.Text }, wanted));
    }

    [Fact]
    public void DescriptionsOfATypeReachTheModel()
    {
        string text = AnswerDescription.Of(new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema<City>() }, null)!;
        Assert.Contains("'City' (A city.)", text, StringComparison.Ordinal);
        Assert.Contains("In millions.", text, StringComparison.Ordinal);
    }

    private static string? Of(string schema, string? name = null, string? description = null, bool? wanted = null) => AnswerDescription.Of(
        new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse(schema), name, description) },
        new EmbeddedChatOptions { DescribeResponseFormat = wanted });

    [Description("A city.")]
    private sealed record City(string Name, [property: Description("In millions.")] double Population);

    [Fact]
    public void ReferencesThatAreLeftBehindLeadWhereTheyMeantTo()
    {
        JsonElement schema = JsonElement.Parse("""{"properties":{"data":{"$schema":"s","description":"d","items":{"$ref":"#"}}}}""");
        Assert.EndsWith(""","items":{"$ref":"#/properties/data"}}}}""", AnswerDescription.Of(new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(schema) }, null), StringComparison.Ordinal);
    }
}
