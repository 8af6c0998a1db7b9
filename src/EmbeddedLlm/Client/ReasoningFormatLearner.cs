using System.Text.Json;
using System.Text.RegularExpressions;
using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Client;

/// <summary>
/// Finds out how a chat template writes reasoning, by rendering an answer whose thoughts and text occur nowhere else and looking at what is around them. So markers that nobody has
/// seen need no code; those that are known count even where a template leaves earlier thoughts out.
/// </summary>
internal sealed partial class ReasoningFormatLearner(ChatTemplate template, string beginOfSequence, string endOfSequence)
{
    private const string User = "zquser";
    private const string Thought = "zqthought";
    private const string Reply = "zqreply";

    private readonly ConversationRenderer _renderer = new(template, beginOfSequence, endOfSequence);

    /// <summary>The format, null where the model does not reason; and by which name the template reads thoughts beside <c>reasoning_content</c>, null where by none; and whether it writes them ahead of a text without calls.</summary>
    public (ReasoningFormat? Format, string? MessageKey, bool IsAheadOfText) Learn()
    {
        ReasoningFormat? known = ReasoningFormat.Of(template.Source);
        string? prompt = AfterUser(Render([UserMessage()], isPrompt: true));
        foreach (string key in new[] { "reasoning_content", "thinking", "reasoning", "thought" })
        {
            TemplateDictionary answer = Message("assistant", Reply);
            answer.Add(key, TemplateValue.FromCaller(Thought));
            string? rendered = AfterUser(Render([UserMessage(), answer], isPrompt: false));
            if (rendered is null || rendered.IndexOf(Thought, StringComparison.Ordinal) is not (>= 0 and int thought) || rendered.IndexOf(Reply, StringComparison.Ordinal) is not (>= 0 and int reply) || reply < thought)
                continue;
            string? messageKey = key == "reasoning_content" ? null : key;
            string between = rendered[(thought + Thought.Length)..reply];
            // A template may know the markers of other models, too, and strip them off earlier answers.
            if (known is not null && between.Contains(known.Close, StringComparison.Ordinal))
                return (between.Trim() == known.Close ? known with { Closing = between } : known, messageKey, true);
            return (FormatOf(rendered[..thought], between, prompt) ?? known, messageKey, true);
        }

        known ??= OfEmptyBlock() ?? OfPromptsEnd() ?? OfToldText(prompt) ?? OfBlock(prompt);
        // Cohere's templates have the thoughts that led to a call by a name of their own.
        foreach (string key in new[] { "reasoning_content", "tool_plan" })
        {
            if (AheadOfCall(key) is { } ahead)
                return (known ?? OfThoughtAheadOfCall(ahead.Before, ahead.Between, prompt), key == "reasoning_content" ? null : key, false);
        }

        return (known, null, false);
    }

    /// <summary>The format of a template that writes no thoughts of earlier messages, and where the model is not to think an empty block of them, as Gemma 4's does; null where it does not.</summary>
    private ReasoningFormat? OfEmptyBlock()
    {
        foreach (string flag in ReasoningSupport.Flags.Where(template.Reads))
        {
            string? on = AfterUser(Render([UserMessage()], isPrompt: true, (flag, true)));
            string? off = AfterUser(Render([UserMessage()], isPrompt: true, (flag, false)));
            if (on is null || off is null || !off.StartsWith(on, StringComparison.Ordinal))
                continue;
            string block = off[on.Length..];
            if (ToolCallFormat.SplitAtMarkers(block.Trim()).ToList() is not [(_, true), .. var name, (string close, true)] || name.Any(piece => piece.IsMarker))
                continue;
            int end = block.LastIndexOf(close, StringComparison.Ordinal);
            return new ReasoningFormat(block[..end].Trim(), close) { Closing = block[end..] };
        }

        return null;
    }

    /// <summary>The format of a template whose prompt ends with a tag that it writes ahead of no earlier answer, as EXAONE Deep's <c>&lt;thought&gt;</c>, and knows what closes it: the model goes on with what is within; null where it does not.</summary>
    private ReasoningFormat? OfPromptsEnd()
    {
        if (AfterUser(Render([UserMessage(), Message("assistant", Reply)], isPrompt: false)) is not { } answered || answered.IndexOf(Reply, StringComparison.Ordinal) is not (>= 0 and int reply))
            return null;
        foreach ((string Name, bool Value)? flag in ReasoningSupport.Flags.Where(template.Reads).Select(name => ((string, bool)?)(name, true)).Prepend(null))
        {
            string prompt = AfterUser(Render([UserMessage()], isPrompt: true, flag))?.TrimEnd() ?? "";
            if (OpeningTag().Match(prompt) is not { Success: true, Value: string open } || answered.AsSpan(0, reply).Contains(open, StringComparison.Ordinal))
                continue;
            string close = $"{open[0]}/{open[1..]}";
            // A tag that nothing closes may be a mere switch.
            if (ReasoningFormat.IsKnown(open, close) || template.Source.Contains(close, StringComparison.Ordinal))
                return new ReasoningFormat(open, close);
        }

        return null;
    }

    /// <summary>The format of a template that tells the model to think first and to begin the text with a marker, as Apriel's <c>[BEGIN FINAL RESPONSE]</c>; null where it does not.</summary>
    private ReasoningFormat? OfToldText(string? prompt)
    {
        string close = BeginOfText().Match(Render([UserMessage()], isPrompt: true) ?? "").Value;
        return close.Length > 0 && prompt is not null && FromLastMarker(prompt) is { Length: > 0 } open ? new ReasoningFormat(open, close) { Closing = $"\n{close}\n" } : null;
    }

    /// <summary>The format of a template that takes thoughts only as a part of a message's content, as Apertus' among its blocks; null where it takes none so.</summary>
    private ReasoningFormat? OfBlock(string? prompt)
    {
        TemplateList blocks = new([Block("thoughts", "text", Thought), Block("response", "text", Reply)]);
        TemplateList parts = new([Block("thinking", "thinking", Thought), Block("text", "text", Reply)]);
        foreach (TemplateValue content in new TemplateValue[] { new TemplateDictionary { { "blocks", blocks } }, parts })
        {
            TemplateDictionary answer = new() { { "role", TemplateValue.FromTemplate("assistant") }, { "content", content } };
            if (AfterUser(Render([UserMessage(), answer], isPrompt: false)) is { } rendered && rendered.IndexOf(Thought, StringComparison.Ordinal) is >= 0 and int thought
                && rendered.IndexOf(Reply, StringComparison.Ordinal) is int reply && reply > thought && FormatOf(rendered[..thought], rendered[(thought + Thought.Length)..reply], prompt) is { } format)
                return format with { HoldsCalls = HoldsCalls(format) };
        }

        return null;

        // Calls are a block, too, and nothing need close the thoughts ahead of it.
        bool HoldsCalls(ReasoningFormat format)
        {
            TemplateDictionary calls = Block("tool_calls", "text", "");
            calls.Add("calls", new TemplateList([new TemplateDictionary { { "name", TemplateValue.FromCaller(Reply) }, { "arguments", TemplateValue.FromCaller("{}") } }]));
            TemplateDictionary answer = new() { { "role", TemplateValue.FromTemplate("assistant") }, { "content", new TemplateDictionary { { "blocks", new TemplateList([Block("thoughts", "text", Thought), calls]) } } } };
            return AfterUser(Render([UserMessage(), answer], isPrompt: false)) is { } rendered && rendered.IndexOf(Thought, StringComparison.Ordinal) is >= 0 and int thought
                && rendered.IndexOf(Reply, StringComparison.Ordinal) is int call && call > thought && !rendered.AsSpan(thought, call - thought).Contains(format.Close, StringComparison.Ordinal);
        }

        static TemplateDictionary Block(string type, string key, string text) => new() { { "type", TemplateValue.FromTemplate(type) }, { key, TemplateValue.FromCaller(text) } };
    }

    /// <summary>Whether the template takes thoughts by their name from a message that has both a text and a call, which gpt-oss' refuses.</summary>
    public bool TakesBesideTextAndCall(string key) => Render([UserMessage(), Calling(key, Reply)], isPrompt: false) is not null;

    /// <summary>What is ahead of thoughts and between them and the call that they led to; null where the template does not write them there.</summary>
    private (string Before, string Between)? AheadOfCall(string key)
    {
        return AfterUser(Render([UserMessage(), Calling(key, "")], isPrompt: false)) is { } rendered && rendered.IndexOf(Thought, StringComparison.Ordinal) is >= 0 and int thought
            && rendered.IndexOf(Reply, StringComparison.Ordinal) is int call && call > thought ? (rendered[..thought], rendered[(thought + Thought.Length)..call]) : null;
    }

    /// <summary>The format of a template that writes thoughts only where they led to a call; null where no marker ends them.</summary>
    private static ReasoningFormat? OfThoughtAheadOfCall(string before, string between, string? prompt)
    {
        string? close = ToolCallFormat.SplitAtMarkers(between).FirstOrDefault(piece => piece.IsMarker).Text;
        return close is null ? null : FormatOf(before, between[..(between.IndexOf(close, StringComparison.Ordinal) + close.Length)], prompt);
    }

    private static ReasoningFormat? FormatOf(string before, string between, string? prompt)
    {
        string? close = ToolCallFormat.SplitAtMarkers(between).FirstOrDefault(piece => piece.IsMarker).Text ?? (Phrase().Match(between) is { Success: true, Value: var phrase } ? phrase : null);
        if (prompt is null || close is null)
            return null;
        string open = before[CommonStart(before, prompt)..].Trim();
        string header = between[(between.IndexOf(close, StringComparison.Ordinal) + close.Length)..].Trim();
        if (open.Length == 0)
            open = FromLastMarker(before);
        if (open.Length == 0)
            return null;
        return new ReasoningFormat(open, close) { Header = header, DirectHeader = header[Overlap(prompt, header)..], Closing = between };
    }

    /// <summary>
    /// The last marker of a prompt that begins the reasoning itself, and what comes after it; and as much ahead as tells it from what the prompt has elsewhere: Kimi K3's thoughts begin with
    /// <c>&lt;|open|&gt;think&lt;|sep|&gt;</c>, and much else ends with that marker.
    /// </summary>
    private static string FromLastMarker(string before)
    {
        int position = before.Length;
        foreach ((string piece, bool isMarker) in ToolCallFormat.SplitAtMarkers(before).Reverse())
        {
            position -= piece.Length;
            string open = before[position..].Trim();
            if (isMarker && before.IndexOf(open, StringComparison.Ordinal) == position)
                return open;
        }

        return "";
    }

    /// <summary>How much of a text's beginning another ends with.</summary>
    private static int Overlap(string before, string text)
    {
        int length = Math.Min(before.Length, text.Length);
        while (!before.AsSpan().EndsWith(text.AsSpan(0, length), StringComparison.Ordinal))
            length--;
        return length;
    }

    /// <summary>The length of the longest common beginning that ends within no marker.</summary>
    private static int CommonStart(string text, string other)
    {
        int length = text.AsSpan().CommonPrefixLength(other);
        int position = 0;
        foreach ((string piece, bool isMarker) in ToolCallFormat.SplitAtMarkers(text))
        {
            if (position + piece.Length > length)
                return isMarker ? position : length;
            position += piece.Length;
        }

        return length;
    }

    private static string? AfterUser(string? rendered) =>
        rendered?.LastIndexOf(User, StringComparison.Ordinal) is >= 0 and int at ? rendered[(at + User.Length)..] : null;

    private string? Render(TemplateValue[] messages, bool isPrompt, (string Name, bool Value)? flag = null)
    {
        Dictionary<string, TemplateValue> variables = _renderer.Variables(messages, isPrompt);
        if (flag is { } set)
            variables[set.Name] = TemplateValue.From(set.Value);
        try
        {
            return _renderer.Render(variables).ToString();
        }
        catch (ChatTemplateException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"(<[A-Za-z][A-Za-z0-9_:.-]*>|\[[A-Z][A-Z0-9_]*\])\z", RegexOptions.CultureInvariant)]
    private static partial Regex OpeningTag();

    [GeneratedRegex(@"\[BEGIN [A-Z]+(?: [A-Z]+)*\]", RegexOptions.CultureInvariant)]
    private static partial Regex BeginOfText();

    /// <summary>Words of capitals in brackets, as Apriel's <c>[BEGIN FINAL RESPONSE]</c>, which ends thoughts.</summary>
    [GeneratedRegex(@"\[[A-Z]+( [A-Z]+)+\]", RegexOptions.CultureInvariant)]
    private static partial Regex Phrase();

    private static TemplateDictionary UserMessage() => Message("user", User);

    /// <summary>A message with thoughts by a name and a call of a function that is named as the reply.</summary>
    private static TemplateDictionary Calling(string key, string content)
    {
        TemplateDictionary answer = Message("assistant", content);
        answer.Add(key, TemplateValue.FromCaller(Thought));
        answer.Add("tool_calls", new TemplateList([TemplateValue.FromJson(JsonElement.Parse($$"""{"id": "zqid00001", "type": "function", "function": {"name": "{{Reply}}", "arguments": {} } }"""))]));
        return answer;
    }

    private static TemplateDictionary Message(string role, string content) => new()
    {
        { "role", TemplateValue.FromTemplate(role) },
        { "content", TemplateValue.FromCaller(content) },
    };
}
