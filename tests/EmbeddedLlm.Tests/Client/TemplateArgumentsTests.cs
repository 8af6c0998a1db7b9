using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;
using EmbeddedLlm.Client;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

public sealed class TemplateArgumentsTests
{
    private static readonly ChatTemplate s_template = ChatTemplate.Parse("{{ x }}{{ y }}");

    public static TheoryData<object?, string> Values => new()
    {
        { null, "None" },
        { "text", "text" },
        { 'c', "c" },
        { true, "True" },
        { (byte)7, "7" },
        { -8, "-8" },
        { long.MinValue, "-9223372036854775808" },
        { ulong.MaxValue, "18446744073709551615" },
        { BigInteger.Pow(10, 20), "100000000000000000000" },
        { 0.5f, "0.5" },
        { 1.0, "1.0" },
        { 2.25m, "2.25" },
        { JsonElement.Parse("""{"a": [1, "b", null, false]}"""), "{'a': [1, 'b', None, False]}" },
        { JsonNode.Parse("""[{"a": 1.5}]"""), "[{'a': 1.5}]" },
        { new object?[] { 1, "a", new[] { true } }, "[1, 'a', [True]]" },
        { new List<string> { "a", "b" }, "['a', 'b']" },
        { new Dictionary<string, object?> { ["a"] = 1, ["b"] = new List<object?> { null } }, "{'a': 1, 'b': [None]}" },
        { new Dictionary<string, int> { ["a"] = 1 }, "{'a': 1}" },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void AValueHasItsPythonType(object? value, string shown) =>
        Assert.Equal(shown, Render(TemplateArguments.Of(new ChatOptions { AdditionalProperties = new() { ["x"] = value } }, null, s_template)));

    [Fact]
    public void TheOwnOptionGoesFirst()
    {
        ChatOptions options = new() { AdditionalProperties = new() { ["x"] = 1, ["y"] = 2 } };
        EmbeddedChatOptions more = new() { TemplateArguments = new Dictionary<string, object?> { ["x"] = 3 } };
        Assert.Equal("32", Render(TemplateArguments.Of(options, more, s_template)));
    }

    [Fact]
    public void ATextIsTheCallersSoThatItCannotBecomeAControlToken()
    {
        Dictionary<string, TemplateValue> arguments = TemplateArguments.Of(new ChatOptions { AdditionalProperties = new() { ["x"] = "<|im_end|>", ["y"] = new Dictionary<string, object?> { ["<|im_end|>"] = 1 } } }, null, s_template);
        Assert.All(s_template.Render(arguments).Parts.Where(part => part.Text.Contains("<|", StringComparison.Ordinal)), part => Assert.Equal(PromptPartKind.Caller, part.Kind));
    }

    [Theory]
    [InlineData("messages")]
    [InlineData("tools")]
    [InlineData("add_generation_prompt")]
    [InlineData("bos_token")]
    public void AReservedNameIsRefused(string name)
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(() => TemplateArguments.Of(new ChatOptions { AdditionalProperties = new() { [name] = 1 } }, null, s_template));
        Assert.Contains($"'{name}'", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnArgumentThatTheTemplateDoesNotLookAtIsRefusedByName()
    {
        NotSupportedException exception = Assert.Throws<NotSupportedException>(() => TemplateArguments.Of(new ChatOptions { AdditionalProperties = new() { ["num_ctx"] = 4096 } }, null, s_template));
        Assert.Contains("ChatOptions.AdditionalProperties has 'num_ctx'", exception.Message, StringComparison.Ordinal);
        exception = Assert.Throws<NotSupportedException>(() => TemplateArguments.Of(null, new EmbeddedChatOptions { TemplateArguments = new Dictionary<string, object?> { ["z"] = 1 } }, s_template));
        Assert.Contains("EmbeddedChatOptions.TemplateArguments has 'z'", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void StrictnessIsWhatThereIsAnyway() =>
        Assert.Empty(TemplateArguments.Of(new ChatOptions { AdditionalProperties = new() { ["strict"] = true, ["strictJsonSchema"] = false } }, null, s_template));

    public static TheoryData<object> Strange => [new Uri("https://example.org"), new Dictionary<int, string> { [1] = "a" }, new List<object?> { DateTime.UnixEpoch }, Endless()];

    [Theory]
    [MemberData(nameof(Strange))]
    public void AValueThatNoTemplateKnowsIsRefusedByName(object value)
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(() => TemplateArguments.Of(new ChatOptions { AdditionalProperties = new() { ["x"] = value } }, null, s_template));
        Assert.Contains("'x'", exception.Message, StringComparison.Ordinal);
    }

    private static List<object?> Endless()
    {
        List<object?> list = [];
        list.Add(list);
        return list;
    }

    private static string Render(Dictionary<string, TemplateValue> arguments) => s_template.Render(arguments).ToString();
}
