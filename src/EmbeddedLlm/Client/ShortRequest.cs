using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>Tells requests whose prompt is rendered and tokenized in some tens of microseconds, which is less than another thread takes to wake.</summary>
internal static class ShortRequest
{
    private const int MostMessages = 16;
    private const int MostCharacters = 2_000;

    /// <summary>Whether a request is short: little text, and no schema, grammar or tool to be read for it.</summary>
    public static bool Is(IReadOnlyList<ChatMessage> messages, ChatOptions? options, EmbeddedChatOptions? more)
    {
        if (messages.Count > MostMessages || more is { Grammar: not null } or { KeepConversation: true })
            return false;
        if (options is { Tools.Count: > 0 } or { ResponseFormat: ChatResponseFormatJson } or { ConversationId: not null })
            return false;
        int characters = options?.Instructions?.Length ?? 0;
        for (int i = 0; i < messages.Count && characters < MostCharacters; i++)
        {
            foreach (AIContent content in messages[i]?.Contents ?? [])
                characters += 1 + (content is TextContent text ? text.Text.Length : MostCharacters);
        }

        return characters < MostCharacters;
    }
}
