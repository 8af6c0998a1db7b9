using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Client;

/// <summary>
/// Gives a chat template the variables that Hugging Face transformers gives it. There tools and documents are <c>none</c> where there are none, which some templates ask about: OLMo 3's takes what is
/// not defined for tools, and fails.
/// </summary>
internal static class ConversationRendering
{
    private static readonly string[] s_optional = ["tools", "documents"];

    /// <summary>What every template is given.</summary>
    /// <param name="messages">The conversation.</param>
    /// <param name="isPrompt">Whether an answer is asked for.</param>
    /// <param name="beginOfSequence">What the template calls <c>bos_token</c>.</param>
    /// <param name="endOfSequence">What the template calls <c>eos_token</c>.</param>
    public static Dictionary<string, TemplateValue> Variables(IEnumerable<TemplateValue> messages, bool isPrompt, string beginOfSequence, string endOfSequence) => new()
    {
        ["messages"] = new TemplateList([.. messages]),
        ["tools"] = TemplateValue.None,
        ["documents"] = TemplateValue.None,
        ["add_generation_prompt"] = TemplateValue.From(isPrompt),
        ["bos_token"] = TemplateValue.FromTemplate(beginOfSequence),
        ["eos_token"] = TemplateValue.FromTemplate(endOfSequence),
    };

    /// <summary>Renders a template, again without the variables that are <c>none</c> where it fails with them: llama.cpp does not define these, and a template may go through tools without asking whether there are any.</summary>
    /// <param name="template">The template.</param>
    /// <param name="variables">Its variables; left as they are.</param>
    /// <param name="cancellationToken">Stops the rendering.</param>
    /// <exception cref="ChatTemplateException">The template refuses the conversation or fails.</exception>
    public static RenderedPrompt Render(ChatTemplate template, IReadOnlyDictionary<string, TemplateValue> variables, CancellationToken cancellationToken = default)
    {
        try
        {
            return template.Render(variables, clock: null, cancellationToken);
        }
        catch (ChatTemplateException e) when (!e.IsRefusal && variables.Any(IsAbsent))
        {
            return template.Render(variables.Where(variable => !IsAbsent(variable)).ToDictionary(), clock: null, cancellationToken);
        }
    }

    private static bool IsAbsent(KeyValuePair<string, TemplateValue> variable) => variable.Value == TemplateValue.None && s_optional.Contains(variable.Key);
}
