using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Client;

/// <summary>
/// Renders conversations by a chat template that is given what Hugging Face transformers gives it. There tools and documents are <c>none</c> where there are none, which some templates ask about: OLMo 3's takes
/// what is not defined for tools, and fails. Immutable and thread-safe.
/// </summary>
/// <param name="template">The template.</param>
/// <param name="beginOfSequence">What it calls <c>bos_token</c>.</param>
/// <param name="endOfSequence">What it calls <c>eos_token</c>.</param>
internal sealed class ConversationRenderer(ChatTemplate template, string beginOfSequence, string endOfSequence)
{
    private const string User = "zquser";

    private static readonly string[] s_optional = ["tools", "documents"];

    private readonly Lazy<bool> _takesParts = new(() => !ShowsText(template, beginOfSequence, endOfSequence, asParts: false) && ShowsText(template, beginOfSequence, endOfSequence, asParts: true));

    /// <summary>What the template is given of a conversation.</summary>
    /// <param name="messages">The messages, each with a text for its content. Where the template takes only lists of parts, as those of models for pictures do, and would leave the text out, it is given one.</param>
    /// <param name="isPrompt">Whether an answer is asked for.</param>
    public Dictionary<string, TemplateValue> Variables(IEnumerable<TemplateValue> messages, bool isPrompt) =>
        Variables(_takesParts.Value ? messages.Select(WithParts) : messages, isPrompt, beginOfSequence, endOfSequence);

    /// <summary>Renders the template, again without the variables that are <c>none</c> where it fails with them: llama.cpp does not define these, and a template may go through tools without asking whether there are any.</summary>
    /// <param name="variables">Its variables; left as they are.</param>
    /// <param name="cancellationToken">Stops the rendering.</param>
    /// <exception cref="ChatTemplateException">The template refuses the conversation or fails.</exception>
    public RenderedPrompt Render(IReadOnlyDictionary<string, TemplateValue> variables, CancellationToken cancellationToken = default) => Render(template, variables, cancellationToken);

    private static RenderedPrompt Render(ChatTemplate template, IReadOnlyDictionary<string, TemplateValue> variables, CancellationToken cancellationToken)
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

    private static Dictionary<string, TemplateValue> Variables(IEnumerable<TemplateValue> messages, bool isPrompt, string beginOfSequence, string endOfSequence) => new()
    {
        ["messages"] = new TemplateList([.. messages]),
        ["tools"] = TemplateValue.None,
        ["documents"] = TemplateValue.None,
        ["add_generation_prompt"] = TemplateValue.From(isPrompt),
        ["bos_token"] = TemplateValue.FromTemplate(beginOfSequence),
        ["eos_token"] = TemplateValue.FromTemplate(endOfSequence),
    };

    private static bool ShowsText(ChatTemplate template, string beginOfSequence, string endOfSequence, bool asParts)
    {
        TemplateValue message = new TemplateDictionary { { "role", TemplateValue.FromTemplate("user") }, { "content", TemplateValue.FromCaller(User) } };
        try
        {
            return Render(template, Variables([asParts ? WithParts(message) : message], isPrompt: true, beginOfSequence, endOfSequence), CancellationToken.None)
                .ToString().Contains(User, StringComparison.Ordinal);
        }
        catch (ChatTemplateException)
        {
            return false;
        }
    }

    /// <summary>The message with its text as the one part of a list.</summary>
    private static TemplateValue WithParts(TemplateValue message)
    {
        TemplateDictionary copy = new();
        foreach ((TemplateValue key, TemplateValue value) in (TemplateDictionary)message)
            copy[key] = key is TemplateString { Text: "content" } && value is TemplateString ? new TemplateList([new TemplateDictionary { { "type", TemplateValue.FromTemplate("text") }, { "text", value } }]) : value;
        return copy;
    }
}
