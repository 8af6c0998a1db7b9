using EmbeddedLlm.Runtime;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>Turns messages into a prompt by the model's chat template. Immutable and thread-safe.</summary>
/// <param name="template">The model's template.</param>
/// <param name="beginOfSequence">What the template calls <c>bos_token</c>.</param>
/// <param name="endOfSequence">What the template calls <c>eos_token</c>.</param>
internal sealed class PromptBuilder(ChatTemplate template, string beginOfSequence, string endOfSequence)
{
    private readonly ConversationRenderer _renderer = new(template, beginOfSequence, endOfSequence);
    private readonly Lazy<ToolSupport> _tools = new(() => ToolSupportLearner.Learn(template, beginOfSequence, endOfSequence));
    private readonly Lazy<ReasoningSupport> _reasoning = new(() => ReasoningSupport.Learn(template, beginOfSequence, endOfSequence));

    private readonly Lazy<string> _answerHeader = new(() => AnswerHeader.Of(template, beginOfSequence, endOfSequence));
    private readonly Lazy<(string Open, string Close, string End)?> _textTags = new(() => AnswerHeader.Tags(template, beginOfSequence, endOfSequence));

    /// <summary>The model's template.</summary>
    public ChatTemplate Template => template;

    /// <summary>What the template has to do with reasoning; found out the first time it is asked for.</summary>
    public ReasoningSupport Reasoning => _reasoning.Value;

    /// <summary>The tags that the model writes around an answer's text; null where there are none. Found out the first time they are asked for.</summary>
    public (string Open, string Close, string End)? TextTags => _textTags.Value;

    /// <summary>What the template can do with tools; found out the first time it is asked for.</summary>
    public ToolSupport Tools => _tools.Value;

    /// <summary>The prompt for the assistant's next turn, or for the rest of one that it has begun.</summary>
    /// <param name="messages">The conversation; not changed.</param>
    /// <param name="request">What the template is given beside it.</param>
    /// <param name="cancellationToken">Stops the rendering.</param>
    /// <exception cref="ChatTemplateException">The template refuses the conversation or fails.</exception>
    /// <exception cref="NotSupportedException">A message has content of a kind that is not supported; the exception names it.</exception>
    /// <exception cref="ArgumentException">There is nothing to answer, or nothing to continue.</exception>
    public IReadOnlyList<TextPart> Build(IReadOnlyList<ChatMessage> messages, PromptRequest request, CancellationToken cancellationToken)
    {
        for (int i = 0; i < messages.Count; i++)
        {
            if (messages[i] is null)
                throw new ArgumentException($"Message {i} is null.", nameof(messages));
        }

        if (messages.Count == 0 && string.IsNullOrEmpty(request.Instructions))
            throw new ArgumentException("There is no message to answer, and there are no instructions.", nameof(messages));
        if (!request.ContinuesLast)
            return Render(messages, request, isPrompt: true, end: null, cancellationToken);
        if (messages.Count == 0 || messages[^1].Role != ChatRole.Assistant)
            throw new ArgumentException($"{nameof(EmbeddedChatOptions)}.{nameof(EmbeddedChatOptions.ContinueLastMessage)} is set, and the last message is not of the role 'assistant'.", nameof(messages));
        MessageContent last = MessageContent.Of(messages[^1], messages.Count - 1);
        if (last.Text.Length == 0 || last.Calls.Count > 0)
            throw new ArgumentException($"{nameof(EmbeddedChatOptions)}.{nameof(EmbeddedChatOptions.ContinueLastMessage)} is set, and the last message {(last.Calls.Count > 0 ? "calls functions" : "has no text")}.", nameof(messages));
        return Continue(messages, request, cancellationToken) ?? ContinuePrompt(messages, request, last, cancellationToken);
    }

    /// <inheritdoc cref="Build(IReadOnlyList{ChatMessage}, PromptRequest, CancellationToken)"/>
    public IReadOnlyList<TextPart> Build(IEnumerable<ChatMessage> messages, string? instructions, ToolSet? tools, CancellationToken cancellationToken) =>
        Build([.. messages], new PromptRequest { Instructions = instructions, Tools = tools }, cancellationToken);

    /// <summary>The conversation up to the end of its last message's text, as the template writes it; null where the template leaves that message out, has it begin within reasoning, or fails.</summary>
    private List<TextPart>? Continue(IReadOnlyList<ChatMessage> messages, PromptRequest request, CancellationToken cancellationToken)
    {
        // A text that nobody can foresee marks the place, whatever the template does with the message.
        string end = Guid.NewGuid().ToString("N");
        List<TextPart> parts;
        try
        {
            parts = Render(messages, request, isPrompt: false, end, cancellationToken);
        }
        catch (ChatTemplateException)
        {
            return null;
        }

        int part = parts.FindLastIndex(part => part.Text.Contains(end, StringComparison.Ordinal));
        if (part < 0)
            return null;
        TextPart cut = parts[part];
        parts.RemoveRange(part, parts.Count - part);
        // Nemotron Nano 2's template has the last answer follow where thoughts begin.
        if (Reasoning.Format?.IsOpenAfter(parts) ?? false)
            return null;
        parts.Add(cut with { Text = cut.Text[..cut.Text.LastIndexOf(end, StringComparison.Ordinal)] });
        return parts;
    }

    /// <summary>The conversation before its last message, and then what the template writes where an answer begins.</summary>
    private List<TextPart> ContinuePrompt(IReadOnlyList<ChatMessage> messages, PromptRequest request, MessageContent last, CancellationToken cancellationToken)
    {
        List<TextPart> parts = Render([.. messages.SkipLast(1)], request, isPrompt: true, end: null, cancellationToken);
        if (Reasoning.Format is { } reasoning)
            parts.Add(new TextPart(reasoning.IsOpenAfter(parts) ? reasoning.Closing : reasoning.DirectHeader, IsTemplate: true));
        parts.Add(new TextPart(last.Text, IsTemplate: false));
        return parts;
    }

    private List<TextPart> Render(IReadOnlyList<ChatMessage> messages, PromptRequest request, bool isPrompt, string? end, CancellationToken cancellationToken)
    {
        bool isDescribed = request.Tools is not null && !Tools.DescribesTools;
        string?[] ahead = [request.Instructions, isDescribed ? request.Tools!.Describe(Tools.Format) : null, request.AnswerDescription, request.SystemSwitch];
        string said = string.Join("\n\n", ahead.Where(text => !string.IsNullOrEmpty(text)));
        IEnumerable<TemplateValue> items = ToTemplate(messages, said, end);
        if (request.Tools is not null && Tools.SystemKey is { } key)
        {
            List<TemplateValue> withTools = [.. items];
            if (said.Length == 0 && (messages.Count == 0 || messages[0].Role != ChatRole.System))
                withTools.Insert(0, ToTemplate(ChatRole.System, null, new MessageContent("", null, [], [])));
            ((TemplateDictionary)withTools[0]).Add(key, request.Tools.TemplateValue(Tools));
            items = withTools;
        }

        Dictionary<string, TemplateValue> variables = _renderer.Variables(items, isPrompt);
        foreach ((string name, TemplateValue value) in request.Arguments)
            variables[name] = value;
        string? variable = request.Tools is null ? null : Tools.Variable;
        if (variable is not null)
            variables[variable] = request.Tools!.TemplateValue(Tools);
        RenderedPrompt prompt;
        try
        {
            prompt = _renderer.Render(variables, cancellationToken);
        }
        catch (ChatTemplateException e) when (variable is not null && !e.IsRefusal)
        {
            variables[variable] = request.Tools!.TypedTemplateValue(Tools);
            prompt = _renderer.Render(variables, cancellationToken);
        }

        List<TextPart> parts = new(prompt.Parts.Count + 1);
        foreach (PromptPart part in prompt.Parts)
            parts.Add(new TextPart(part.Text, part.Kind == PromptPartKind.Template));
        // Where the model can call in place of its answer it writes the header itself.
        bool mayCall = request.Tools is not null && Tools.Format.TextHeader.Length > 0;
        if (isPrompt && !mayCall && _answerHeader.Value.Length > 0)
            parts.Add(new TextPart(_answerHeader.Value, IsTemplate: true));
        return parts;
    }

    private IEnumerable<TemplateValue> ToTemplate(IReadOnlyList<ChatMessage> messages, string ahead, string? end)
    {
        // Only where something is to be said ahead is it known, and asked, whether the template has a system message.
        ChatRole aheadRole = ahead.Length > 0 && !Tools.TakesSystemMessage ? ChatRole.User : ChatRole.System;
        IReadOnlyList<ChatMessage> given = messages;
        messages = ToolRounds.Arrange(given, _tools);
        // An error names a message by its place in what the caller gave.
        for (int i = 0; i < given.Count && messages != given; i++)
            MessageContent.Of(given[i], i);
        ToolConversation? conversation = null;
        bool isAfterResults = false;
        for (int i = 0; i < messages.Count; i++)
        {
            ChatMessage message = messages[i];
            MessageContent content = MessageContent.Of(message, i);
            if (content.Results.Count > 0)
            {
                List<FunctionResultContent> results = [.. content.Results];
                // A template that knows no results gets those of a round in one message of the user, however many they came in: many a template refuses two in a row.
                while (!Tools.WritesResults && content.Text.Length == 0 && i + 1 < messages.Count && MessageContent.Of(messages[i + 1], i + 1) is { Results.Count: > 0 } next)
                {
                    results.AddRange(next.Results);
                    (message, content) = (messages[++i], next);
                }

                foreach (TemplateDictionary result in (conversation ??= new ToolConversation(Tools)).Results(results))
                    yield return result;
                isAfterResults = content.Text.Length == 0;
                if (isAfterResults)
                    continue;
            }

            if (ahead.Length > 0 && message.Role == aheadRole)
                content = content with { Text = $"{ahead}\n\n{content.Text}" };
            else if (ahead.Length > 0)
                yield return ToTemplate(aheadRole, null, new MessageContent(ahead, null, [], []));
            ahead = "";
            if (end is not null && i == messages.Count - 1)
                content = content with { Text = content.Text + end };
            bool isTaken = isAfterResults && message.Role == ChatRole.Assistant && content.Calls.Count == 0 && conversation!.TryGoOn(content.Text);
            isAfterResults = false;
            if (isTaken)
                continue;
            if (content.Calls.Count > 0 && content.Text.Length > 0 && (Tools.ResultsKey is not null || Tools.TakesCallsWithoutText))
            {
                // Such a template has a message's text below its calls and their results, or has no calls beside a text.
                string? thought = Reasoning.IsAheadOfText ? content.Reasoning : null;
                yield return ToTemplate(message.Role, message.AuthorName, new MessageContent(content.Text, thought, [], []));
                content = content with { Text = "", Reasoning = thought is null ? content.Reasoning : null };
            }

            TemplateDictionary item = ToTemplate(message.Role, message.AuthorName, content);
            if (content.Calls.Count > 0)
                (conversation ??= new ToolConversation(Tools)).AddCalls(item, content.Text, content.Calls);
            yield return item;
        }

        if (ahead.Length > 0)
            yield return ToTemplate(aheadRole, null, new MessageContent(ahead, null, [], []));
    }

    private TemplateDictionary ToTemplate(ChatRole role, string? author, MessageContent content)
    {
        TemplateDictionary message = new()
        {
            { "role", RoleOf(role) },
            { "content", TemplateValue.FromCaller(content.Text) },
        };
        if (content.Reasoning is not null)
        {
            message.Add("reasoning_content", TemplateValue.FromCaller(content.Reasoning));
            if (Reasoning.MessageKey is { } key && (content.Text.Length == 0 || content.Calls.Count == 0 || Reasoning.TakesKeyBesideTextAndCalls))
                message.Add(key, TemplateValue.FromCaller(content.Reasoning));
        }

        if (author is not null)
            message.Add("name", TemplateValue.FromCaller(author));
        return message;
    }

    /// <summary>The roles that templates know are written by the template; one that the caller made up is the caller's text.</summary>
    private static TemplateValue RoleOf(ChatRole role) =>
        role == ChatRole.System || role == ChatRole.User || role == ChatRole.Assistant || role == ChatRole.Tool
            ? TemplateValue.FromTemplate(role.Value)
            : TemplateValue.FromCaller(role.Value);
}
