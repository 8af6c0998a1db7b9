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
    /// <summary>What encloses the model's reasoning; null where it does not reason.</summary>
    public ReasoningFormat? Reasoning { get; } = ReasoningFormat.Of(template.Source);

    private readonly Lazy<ToolSupport> _tools = new(() => ToolSupportLearner.Learn(template, beginOfSequence, endOfSequence));

    /// <summary>What the template can do with tools; found out the first time it is asked for.</summary>
    public ToolSupport Tools => _tools.Value;

    /// <summary>The prompt for the assistant's next turn.</summary>
    /// <param name="messages">The conversation; not changed.</param>
    /// <param name="instructions">What is said to the model ahead of the conversation, joined with a system message that begins it.</param>
    /// <param name="tools">What the model may call; null where it is to know of no tools.</param>
    /// <param name="cancellationToken">Stops the rendering.</param>
    /// <exception cref="ChatTemplateException">The template refuses the conversation or fails.</exception>
    /// <exception cref="NotSupportedException">A message has content of a kind that is not supported; the exception names it.</exception>
    public IReadOnlyList<TextPart> Build(IEnumerable<ChatMessage> messages, string? instructions, ToolSet? tools, CancellationToken cancellationToken)
    {
        bool isDescribed = tools is not null && Tools.Variable is null;
        string?[] ahead = [instructions, isDescribed ? tools!.Describe(Tools.Format) : null];
        Dictionary<string, TemplateValue> variables = new()
        {
            ["messages"] = new TemplateList([.. ToTemplate(messages, string.Join("\n\n", ahead.Where(text => !string.IsNullOrEmpty(text))), isDescribed)]),
            ["add_generation_prompt"] = TemplateValue.True,
            ["bos_token"] = TemplateValue.FromTemplate(beginOfSequence),
            ["eos_token"] = TemplateValue.FromTemplate(endOfSequence),
        };
        if (tools is not null && Tools.Variable is { } variable)
            variables[variable] = tools.TemplateValue;
        RenderedPrompt prompt = template.Render(variables, clock: null, cancellationToken);
        return [.. prompt.Parts.Select(part => new TextPart(part.Text, part.Kind == PromptPartKind.Template))];
    }

    private IEnumerable<TemplateValue> ToTemplate(IEnumerable<ChatMessage> messages, string ahead, bool isDescribed)
    {
        // Only where tools come in is it known, and asked, whether the template has a system message.
        ChatRole aheadRole = isDescribed && !Tools.TakesSystemMessage ? ChatRole.User : ChatRole.System;
        ToolConversation? conversation = null;
        foreach (ChatMessage message in messages)
        {
            ArgumentNullException.ThrowIfNull(message, nameof(messages));
            MessageContent content = MessageContent.Of(message);
            if (content.Results.Count > 0)
            {
                foreach (TemplateDictionary result in (conversation ??= new ToolConversation(Tools)).Results(content.Results))
                    yield return result;
                if (content.Text.Length == 0)
                    continue;
            }

            if (ahead.Length > 0 && message.Role == aheadRole)
                content = content with { Text = $"{ahead}\n\n{content.Text}" };
            else if (ahead.Length > 0)
                yield return ToTemplate(aheadRole, null, new MessageContent(ahead, null, [], []));
            ahead = "";
            TemplateDictionary item = ToTemplate(message.Role, message.AuthorName, content);
            if (content.Calls.Count > 0)
                (conversation ??= new ToolConversation(Tools)).AddCalls(item, content.Text, content.Calls);
            yield return item;
        }
    }

    private static TemplateDictionary ToTemplate(ChatRole role, string? author, MessageContent content)
    {
        TemplateDictionary message = new()
        {
            { "role", RoleOf(role) },
            { "content", TemplateValue.FromCaller(content.Text) },
        };
        if (content.Reasoning is not null)
            message.Add("reasoning_content", TemplateValue.FromCaller(content.Reasoning));
        if (author is not null)
            message.Add("name", TemplateValue.FromCaller(author));
        return message;
    }

    /// <summary>The roles that templates know are written by the template; one that the caller made up is the caller's text.</summary>
    private static TemplateValue RoleOf(ChatRole role) =>
        role == ChatRole.System || role == ChatRole.User || role == ChatRole.Assistant || role == ChatRole.Tool
            ? TemplateValue.FromTemplate(role.Value)
            : TemplateValue.FromCaller(role.Value);

    /// <summary>What is in a message.</summary>
    private readonly record struct MessageContent(string Text, string? Reasoning, IReadOnlyList<FunctionCallContent> Calls, IReadOnlyList<FunctionResultContent> Results)
    {
        public static MessageContent Of(ChatMessage message)
        {
            string text = "";
            string? reasoning = null;
            List<FunctionCallContent> calls = [];
            List<FunctionResultContent> results = [];
            foreach (AIContent item in message.Contents)
            {
                switch (item)
                {
                    case TextReasoningContent thought:
                        reasoning += thought.Text;
                        break;
                    case TextContent piece:
                        text += piece.Text;
                        break;
                    case FunctionCallContent call when message.Role == ChatRole.Assistant:
                        calls.Add(call);
                        break;
                    case FunctionResultContent result when message.Role == ChatRole.Tool || message.Role == ChatRole.User:
                        results.Add(result);
                        break;
                    case UsageContent:
                        break;
                    default:
                        throw new NotSupportedException($"A {message.Role} message has content of type {item.GetType().Name}, which is not supported.");
                }
            }

            return new MessageContent(text, reasoning, calls, results);
        }
    }
}
