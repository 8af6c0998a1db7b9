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

    /// <summary>The prompt for the assistant's next turn.</summary>
    /// <param name="messages">The conversation; not changed.</param>
    /// <param name="instructions">What is said to the model ahead of the conversation, joined with a system message that begins it.</param>
    /// <exception cref="ChatTemplateException">The template refuses the conversation or fails.</exception>
    /// <exception cref="NotSupportedException">A message has content of a kind that is not supported; the exception names it.</exception>
    public IReadOnlyList<TextPart> Build(IEnumerable<ChatMessage> messages, string? instructions, CancellationToken cancellationToken)
    {
        Dictionary<string, TemplateValue> variables = new()
        {
            ["messages"] = new TemplateList([.. ToTemplate(messages, instructions)]),
            ["add_generation_prompt"] = TemplateValue.True,
            ["bos_token"] = TemplateValue.FromTemplate(beginOfSequence),
            ["eos_token"] = TemplateValue.FromTemplate(endOfSequence),
        };
        RenderedPrompt prompt = template.Render(variables, clock: null, cancellationToken);
        return [.. prompt.Parts.Select(part => new TextPart(part.Text, part.Kind == PromptPartKind.Template))];
    }

    private static IEnumerable<TemplateValue> ToTemplate(IEnumerable<ChatMessage> messages, string? instructions)
    {
        string? ahead = string.IsNullOrEmpty(instructions) ? null : instructions;
        foreach (ChatMessage message in messages)
        {
            ArgumentNullException.ThrowIfNull(message, nameof(messages));
            MessageText text = MessageText.Of(message);
            if (ahead is not null && message.Role == ChatRole.System)
                text = text with { Content = $"{ahead}\n\n{text.Content}" };
            else if (ahead is not null)
                yield return ToTemplate(ChatRole.System, null, new MessageText(ahead, null));
            ahead = null;
            yield return ToTemplate(message.Role, message.AuthorName, text);
        }
    }

    private static TemplateDictionary ToTemplate(ChatRole role, string? author, MessageText text)
    {
        TemplateDictionary message = new()
        {
            { "role", RoleOf(role) },
            { "content", TemplateValue.FromCaller(text.Content) },
        };
        if (text.Reasoning is not null)
            message.Add("reasoning_content", TemplateValue.FromCaller(text.Reasoning));
        if (author is not null)
            message.Add("name", TemplateValue.FromCaller(author));
        return message;
    }

    /// <summary>The roles that templates know are written by the template; one that the caller made up is the caller's text.</summary>
    private static TemplateValue RoleOf(ChatRole role) =>
        role == ChatRole.System || role == ChatRole.User || role == ChatRole.Assistant
            ? TemplateValue.FromTemplate(role.Value)
            : TemplateValue.FromCaller(role.Value);

    /// <summary>The text of a message's contents.</summary>
    private readonly record struct MessageText(string Content, string? Reasoning)
    {
        public static MessageText Of(ChatMessage message)
        {
            string content = "";
            string? reasoning = null;
            foreach (AIContent item in message.Contents)
            {
                switch (item)
                {
                    case TextReasoningContent thought:
                        reasoning += thought.Text;
                        break;
                    case TextContent text:
                        content += text.Text;
                        break;
                    case UsageContent:
                        break;
                    default:
                        throw new NotSupportedException($"A {message.Role} message has content of type {item.GetType().Name}, which is not supported.");
                }
            }

            return new MessageText(content, reasoning);
        }
    }
}
