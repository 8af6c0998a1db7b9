using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Client;

/// <summary>
/// What a model writes ahead of an answer's text where it could write a function's name instead: Functionary's prompt ends with <c>&gt;&gt;&gt;</c>, after which comes <c>all</c> and a line break, and then the text.
/// </summary>
internal static class AnswerHeader
{
    private const string User = "zquser";
    private const string Reply = "zqreply";

    /// <summary>The header that a template writes between what asks for an answer and the answer's text; empty where it is white space or has a marker, which no answer's text holds.</summary>
    /// <param name="template">The template; it is rendered three times.</param>
    /// <param name="beginOfSequence">What it calls <c>bos_token</c>.</param>
    /// <param name="endOfSequence">What it calls <c>eos_token</c>.</param>
    public static string Of(ChatTemplate template, string beginOfSequence, string endOfSequence)
    {
        if (Render(isPrompt: true, isAnswered: false) is not { } prompt || Render(isPrompt: false, isAnswered: true) is not { } answered
            || !answered.StartsWith(prompt, StringComparison.Ordinal) || answered.IndexOf(Reply, StringComparison.Ordinal) is not (>= 0 and int reply) || reply <= prompt.Length)
            return "";
        string header = answered[prompt.Length..reply];
        // A template that nothing asks for an answer leaves the role's own header to the answer.
        bool asks = prompt != Render(isPrompt: false, isAnswered: false);
        return asks && !string.IsNullOrWhiteSpace(header) && !ToolCallFormat.SplitAtMarkers(header).Any(piece => piece.IsMarker) ? header : "";

        string? Render(bool isPrompt, bool isAnswered)
        {
            List<TemplateValue> messages = [Message("user", User)];
            if (isAnswered)
                messages.Add(Message("assistant", Reply));
            try
            {
                return template.Render(new Dictionary<string, TemplateValue>
                {
                    ["messages"] = new TemplateList([.. messages]),
                    ["add_generation_prompt"] = TemplateValue.From(isPrompt),
                    ["bos_token"] = TemplateValue.FromTemplate(beginOfSequence),
                    ["eos_token"] = TemplateValue.FromTemplate(endOfSequence),
                }).ToString();
            }
            catch (ChatTemplateException)
            {
                return null;
            }
        }
    }

    private static TemplateDictionary Message(string role, string content) => new()
    {
        { "role", TemplateValue.FromTemplate(role) },
        { "content", TemplateValue.FromCaller(content) },
    };
}
