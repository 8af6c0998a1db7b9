using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Client;

/// <summary>
/// What a model writes ahead of an answer's text where it could write a function's name instead: Functionary's prompt ends with <c>&gt;&gt;&gt;</c>, after which comes <c>all</c> and a line break, and then the text.
/// GLM-4's ends with <c>&lt;|assistant|&gt;</c>, after which comes a line break and the text, or a name.
/// </summary>
internal static class AnswerHeader
{
    private const string User = "zquser";
    private const string Reply = "zqreply";
    private const string Name = "zqname";

    /// <summary>The header that a template writes between what asks for an answer and the answer's text; empty where it has a marker, which no answer's text holds, or is white space and nothing else can come there.</summary>
    /// <param name="template">The template; it is rendered some three times.</param>
    /// <param name="beginOfSequence">What it calls <c>bos_token</c>.</param>
    /// <param name="endOfSequence">What it calls <c>eos_token</c>.</param>
    public static string Of(ChatTemplate template, string beginOfSequence, string endOfSequence)
    {
        ConversationRenderer renderer = new(template, beginOfSequence, endOfSequence);
        if (Render(isPrompt: true, isAnswered: false) is not { } prompt || Render(isPrompt: false, isAnswered: true) is not { } answered
            || !answered.StartsWith(prompt, StringComparison.Ordinal) || answered.IndexOf(Reply, StringComparison.Ordinal) is not (>= 0 and int reply) || reply <= prompt.Length)
            return "";
        string header = answered[prompt.Length..reply];
        // A template that nothing asks for an answer leaves the role's own header to the answer.
        bool asks = prompt != Render(isPrompt: false, isAnswered: false);
        bool isHeader = string.IsNullOrWhiteSpace(header)
            ? Render(isPrompt: false, isAnswered: true, name: Name)?.StartsWith(prompt + Name, StringComparison.Ordinal) ?? false
            : !ToolCallFormat.SplitAtMarkers(header).Any(piece => piece.IsMarker);
        return asks && isHeader ? header : "";

        string? Render(bool isPrompt, bool isAnswered, string? name = null) => AnswerHeader.Render(renderer, isPrompt, isAnswered, name);
    }

    /// <summary>
    /// The tags that a template writes around an answer's text, as ERNIE 4.5's does: <c>&lt;response&gt;</c> and <c>&lt;/response&gt;</c>; null where it writes none, or the prompt ends with the first. Where what ends a
    /// text is more than a marker, as Kimi K3's <c>&lt;|close|&gt;response&lt;|sep|&gt;</c>, the first is empty, as it is the header of the text, and there may be something that ends the whole answer, too.
    /// </summary>
    /// <inheritdoc cref="Of"/>
    public static (string Open, string Close, string End)? Tags(ChatTemplate template, string beginOfSequence, string endOfSequence)
    {
        ConversationRenderer renderer = new(template, beginOfSequence, endOfSequence);
        if (Render(renderer, isPrompt: false, isAnswered: true) is not { } answered || answered.IndexOf(Reply, StringComparison.Ordinal) is not (>= 0 and int reply))
            return null;
        (string open, bool isOpen) = ToolCallFormat.SplitAtMarkers(answered[..reply].TrimEnd()).LastOrDefault();
        string after = answered[(reply + Reply.Length)..].Trim();
        (string Text, bool IsMarker)[] end = [.. ToolCallFormat.SplitAtMarkers(after)];
        // What is between two markers would be left where these are tokens that are not shown.
        if (end is [(_, true), (var word, false), (_, true), ..] && !string.IsNullOrWhiteSpace(word))
        {
            string ending = string.Concat(end[..3].Select(piece => piece.Text));
            return ("", ending, after[ending.Length..]);
        }

        string close = end.FirstOrDefault().Text ?? "";
        return isOpen && end is [(_, true), ..] && close == "</" + open[1..] && Render(renderer, isPrompt: true, isAnswered: false) is { } prompt
            && !prompt.AsSpan().TrimEnd().EndsWith(open, StringComparison.Ordinal) ? (open, close, "") : null;
    }

    private static string? Render(ConversationRenderer renderer, bool isPrompt, bool isAnswered, string? name = null)
    {
        List<TemplateValue> messages = [Message("user", User)];
        if (isAnswered)
        {
            TemplateDictionary answer = Message("assistant", Reply);
            if (name is not null)
                answer.Add("metadata", TemplateValue.FromCaller(name));
            messages.Add(answer);
        }

        try
        {
            return renderer.Render(renderer.Variables(messages, isPrompt)).ToString();
        }
        catch (ChatTemplateException)
        {
            return null;
        }
    }

    private static TemplateDictionary Message(string role, string content) => new()
    {
        { "role", TemplateValue.FromTemplate(role) },
        { "content", TemplateValue.FromCaller(content) },
    };
}
