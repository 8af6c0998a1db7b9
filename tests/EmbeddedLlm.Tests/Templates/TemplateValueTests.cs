using System.Text.Json;
using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Tests.Templates;

public sealed class TemplateValueTests
{
    [Theory]
    [InlineData("""{"a": [1, 2.0, -0, 1e2, true, null, "x"]}""", "{'a': [1, 2.0, 0, 100.0, True, None, 'x']}")]
    [InlineData("""123456789012345678901234567890""", "123456789012345678901234567890")]
    [InlineData("""{"a": 1, "b": 2, "a": 3}""", "{'a': 3, 'b': 2}")]
    [InlineData("""["\u00e9\ud83d\ude00\n\"\/"]""", "['é😀\\n\"/']")]
    [InlineData("""[]""", "[]")]
    public void JsonBecomesWhatPythonReads(string json, string expected)
    {
        using JsonDocument document = JsonDocument.Parse(json);

        Assert.Equal(expected, TemplateValue.FromJson(document.RootElement).ToString());
    }

    [Fact]
    public void ALoneSurrogateOfJsonStaysOne()
    {
        using JsonDocument document = JsonDocument.Parse("""{"\udc00k": "a\ud800b\ud83d\ude00\n"}""");

        Assert.Equal("{'\\udc00k': 'a\\ud800b😀\\n'}", TemplateValue.FromJson(document.RootElement).ToString());
    }

    [Theory]
    [InlineData("{{ s|length }}", "3")]
    [InlineData("{{ s[1:]|length }}{{ s[::-1]|length }}", "23")]
    [InlineData("{{ s.upper()|length }}{{ s.strip()|length }}{{ s|list|length }}", "333")]
    [InlineData("{{ [s] }}", "['a\\ud800b']")]
    [InlineData("{{ s|tojson(ensure_ascii=true) }}", "\"a\\ud800b\"")]
    [InlineData("{{ s.isalpha() }}{{ s == s }}{{ s < 'b' }}", "FalseTrueTrue")]
    public void ALoneSurrogateIsOneCharacter(string template, string expected)
    {
        Dictionary<string, TemplateValue> variables = new() { ["s"] = TemplateValue.FromCaller("a\ud800b") };

        Assert.Equal(expected, ChatTemplate.Parse(template).Render(variables).ToString());
    }

    [Fact]
    public void AStrayHalfOfAPairIsRenderedAsItCame()
    {
        Dictionary<string, TemplateValue> variables = new() { ["s"] = TemplateValue.FromCaller("a\udc00") };

        Assert.Equal("a\udc00b", ChatTemplate.Parse("{{ s }}b").Render(variables).ToString());
    }

    [Fact]
    public void JsonThatNestsTooDeeplyIsRefused()
    {
        string json = new string('[', 200) + new string(']', 200);
        using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 1000 });

        Assert.Throws<ArgumentException>(() => TemplateValue.FromJson(document.RootElement));
    }

    [Fact]
    public void AnIntegerOfTooManyDigitsIsRefused()
    {
        using JsonDocument document = JsonDocument.Parse(new string('9', 5000));

        Assert.Throws<ArgumentException>(() => TemplateValue.FromJson(document.RootElement));
    }

    [Fact]
    public void EqualNumbersOfAllTypesAreOneKey()
    {
        TemplateDictionary dictionary = new();
        dictionary[TemplateValue.From(1)] = TemplateValue.FromTemplate("int");
        dictionary[TemplateValue.True] = TemplateValue.FromTemplate("bool");
        dictionary[TemplateValue.From(1.0)] = TemplateValue.FromTemplate("float");

        Assert.Equal("{1: 'float'}", dictionary.ToString());
    }

    [Fact]
    public void AMarkedTextIsEqualToAnotherOfTheSameCharacters()
    {
        Assert.True(TemplateValue.FromCaller("a").IsEqualTo(TemplateValue.FromTemplate("a")));
        Assert.Equal(TemplateValue.FromCaller("a").GetValueHashCode(), TemplateValue.FromTemplate("a").GetValueHashCode());
    }
}
