using System.Text.Json;
using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Client;

/// <summary>Calls in the shape that chat templates expect, which is that of OpenAI's API.</summary>
internal static class ToolTemplateValues
{
    /// <param name="support">What the template takes.</param>
    /// <param name="id">The call's id.</param>
    /// <param name="name">The function's name.</param>
    /// <param name="arguments">A JSON object.</param>
    public static TemplateValue Call(ToolSupport support, string id, string name, JsonElement arguments) => new TemplateDictionary
    {
        { "id", TemplateValue.FromCaller(id) },
        { "type", TemplateValue.FromTemplate("function") },
        {
            "function", new TemplateDictionary
            {
                { "name", TemplateValue.FromCaller(name) },
                { "arguments", support.TakesArgumentsAsText ? TemplateValue.FromCaller(arguments.GetRawText()) : TemplateValue.FromJson(arguments) },
            }
        },
    };

    /// <summary>A result in the shape of Gemma's templates, which take a JSON object apart.</summary>
    public static TemplateValue Result(string? name, string text)
    {
        TemplateDictionary result = new() { { "response", ObjectOf(text) is { } json ? TemplateValue.FromJson(json) : TemplateValue.FromCaller(text) } };
        if (name is not null)
            result.Add("name", TemplateValue.FromCaller(name));
        return result;
    }

    private static JsonElement? ObjectOf(string text)
    {
        if (!text.AsSpan().TrimStart().StartsWith('{'))
            return null;
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
