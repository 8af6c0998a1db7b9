using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>
/// Requests to approve a tool's call, and their answers, stay in a caller's history after Microsoft.Extensions.AI has acted on them: it then marks their call as informational and adds the call and its result as
/// contents of their own. What is settled so says nothing to a model that these do not. One that is not settled is no such thing: nobody has called the tool.
/// </summary>
internal static class SettledApprovals
{
    /// <summary>Whether a content is a request or an answer that has been acted on.</summary>
    public static bool Is(AIContent? content) =>
        content is ToolApprovalRequestContent { ToolCall: FunctionCallContent { InformationalOnly: true } } or ToolApprovalResponseContent { ToolCall: FunctionCallContent { InformationalOnly: true } };

    /// <summary>
    /// The conversation without them. A message of which nothing is left goes as well; what an assistant said beside its requests is joined with the calls that follow, as it was one message: many a template
    /// refuses two of an assistant in a row.
    /// </summary>
    /// <param name="messages">The conversation; not changed.</param>
    /// <returns><paramref name="messages"/> where there are none.</returns>
    public static ChatMessage[] LeaveOut(ChatMessage[] messages)
    {
        int first = Array.FindIndex(messages, HasAny);
        if (first < 0)
            return messages;
        List<ChatMessage> kept = [.. messages.Take(first)];
        bool isJoined = false;
        foreach (ChatMessage message in messages.Skip(first))
        {
            if (HasAny(message))
            {
                AIContent[] rest = [.. message.Contents.Where(content => !Is(content))];
                if (rest.Length == 0)
                    continue;
                kept.Add(With(message, rest));
                isJoined = message.Role == ChatRole.Assistant;
                continue;
            }

            if (isJoined && message?.Role == ChatRole.Assistant)
                kept[^1] = With(kept[^1], [.. kept[^1].Contents, .. message.Contents]);
            else
                kept.Add(message!);
            isJoined = false;
        }

        return [.. kept];
    }

    private static bool HasAny(ChatMessage? message)
    {
        if (message is null)
            return false;
        foreach (AIContent content in message.Contents)
        {
            if (Is(content))
                return true;
        }

        return false;
    }

    private static ChatMessage With(ChatMessage message, IList<AIContent> contents)
    {
        ChatMessage copy = message.Clone();
        copy.Contents = contents;
        return copy;
    }
}
