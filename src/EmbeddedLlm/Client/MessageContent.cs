using System.Text;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>What is in a message.</summary>
/// <param name="Text">Its texts, one directly after the other.</param>
/// <param name="Reasoning">What an assistant thought; null where nothing is known of it.</param>
/// <param name="Calls">An assistant's calls.</param>
/// <param name="Results">What tools gave.</param>
internal readonly record struct MessageContent(string Text, string? Reasoning, IReadOnlyList<FunctionCallContent> Calls, IReadOnlyList<FunctionResultContent> Results)
{
    /// <param name="message">The message; not changed.</param>
    /// <param name="index">Its place in the conversation, for errors.</param>
    /// <exception cref="NotSupportedException">It has content of a kind that is not supported, or not there; the exception names both.</exception>
    public static MessageContent Of(ChatMessage message, int index)
    {
        StringBuilder text = new();
        string? reasoning = null;
        List<FunctionCallContent> calls = [];
        List<FunctionResultContent> results = [];
        foreach (AIContent? item in message.Contents)
        {
            switch (item)
            {
                case TextReasoningContent thought when message.Role == ChatRole.Assistant:
                    reasoning += thought.Text;
                    break;
                case TextContent piece:
                    text.Append(piece.Text);
                    break;
                case ErrorContent error:
                    text.Append(error.Message);
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
                    throw new NotSupportedException(
                        $"Message {index} (of role '{message.Role}') has content of type {item?.GetType().Name ?? "null"}, which is not supported there: models are given text, reasoning of assistants, calls and results of functions.");
            }
        }

        return new MessageContent(text.ToString(), reasoning, calls, results);
    }
}
