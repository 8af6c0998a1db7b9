using EmbeddedLlm.Client;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm;

/// <content>Conversations that are kept between requests.</content>
public sealed partial class EmbeddedModel
{
    internal ConversationStore Conversations { get; }

    /// <summary>
    /// Begins a conversation that is kept: requests that name its id as <c>ChatOptions.ConversationId</c>, through any client of this model, carry new messages only, and these and the answer are added to it
    /// when the answer is whole. A request that fails, is cancelled or is not read to its end leaves the conversation as it was. One request at a time may use it; another meanwhile is an
    /// <see cref="InvalidOperationException"/>. <c>ChatOptions.Instructions</c> are not kept. What has been computed of it is reused as of any other conversation, as long as the KV cache has room.
    /// </summary>
    /// <param name="messages">What the conversation begins with.</param>
    /// <returns>The id.</returns>
    public string CreateConversation(IEnumerable<ChatMessage>? messages = null) => Conversations.Create(messages ?? []);

    /// <summary>Forgets a conversation; a request that uses it is answered, and its answer forgotten.</summary>
    /// <param name="conversationId">The id.</param>
    /// <returns>Whether it was there.</returns>
    public bool RemoveConversation(string conversationId)
    {
        ArgumentNullException.ThrowIfNull(conversationId);
        return Conversations.Remove(conversationId);
    }
}
