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
}
