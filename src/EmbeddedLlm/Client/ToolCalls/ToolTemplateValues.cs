using System.Text.Json;
using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Client;

/// <summary>Calls in the shape that chat templates expect, which is that of OpenAI's API.</summary>
internal static class ToolTemplateValues
{
    /// <summary>The tools as a template takes them.</summary>
    /// <param name="declarations">The functions in the shape of OpenAI's interface.</param>
    /// <param name="isText">Whether the template is given JSON text: <see cref="ToolSupport.TakesToolsAsText"/>.</param>
    public static TemplateValue Tools(IEnumerable<JsonElement> declarations, bool isText) => isText
        ? TemplateValue.FromCaller($"[{string.Join(", ", declarations.Select(declaration => ToolConversation.OnOneLine(declaration.GetProperty("function").GetRawText())))}]")
        : new TemplateList([.. declarations.Select(declaration => TemplateValue.FromJson(declaration))]);

    /// <summary>Makes a message a call, for templates of which <see cref="ToolSupport.CallsAreNamedMessages"/> is true.</summary>
    public static void AddNamed(TemplateDictionary message, string name, JsonElement arguments)
    {
        message.Add("metadata", TemplateValue.FromCaller(name));
        message.Add("content", TemplateValue.FromCaller(arguments.GetRawText()));
    }

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
